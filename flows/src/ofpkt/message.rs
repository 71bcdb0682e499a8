//! Messages: the head that all have, and which body stands behind which number in which version.

use super::bundle::{BundleAdd, BundleControl};
use super::config::SwitchConfig;
use super::error_message::ErrorMessage;
use super::features::SwitchFeatures;
use super::flow_mod::FlowMod;
use super::flow_removed::FlowRemoved;
use super::hello::Hello;
use super::multipart::{MultipartReply, MultipartRequest};
use super::packet_in::PacketIn;
use super::packet_out::PacketOut;
use super::port_desc::PortStatus;
use super::role::{AsyncConfig, RoleMessage};
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::Version;

/// An OpenFlow message.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// The version it is written in.
    pub version: Version,
    /// The transaction id, by which answers are known.
    pub xid: u32,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Body {
    /// Opens a connection.
    Hello(Hello),
    /// Refuses a request.
    Error(ErrorMessage),
    /// Asks for an echo of these bytes.
    EchoRequest(Vec<u8>),
    /// Echoes these bytes.
    EchoReply(Vec<u8>),
    /// Asks what the switch is.
    FeaturesRequest,
    /// What the switch is.
    FeaturesReply(SwitchFeatures),
    /// Asks for the configuration.
    GetConfigRequest,
    /// The configuration.
    GetConfigReply(SwitchConfig),
    /// Changes the configuration.
    SetConfig(SwitchConfig),
    /// A packet for the controller.
    PacketIn(PacketIn),
    /// A flow has gone.
    FlowRemoved(FlowRemoved),
    /// A port has changed.
    PortStatus(PortStatus),
    /// A packet from the controller.
    PacketOut(PacketOut),
    /// Changes flows.
    FlowMod(Box<FlowMod>),
    /// Asks a question whose answer may have parts.
    MultipartRequest(MultipartRequest),
    /// An answer or a part of one; `true` if more follows.
    MultipartReply(MultipartReply, bool),
    /// Asks for an answer when all before is done.
    BarrierRequest,
    /// All before is done.
    BarrierReply,
    /// Asks for a role.
    RoleRequest(RoleMessage),
    /// The role.
    RoleReply(RoleMessage),
    /// Asks what the switch tells unasked.
    GetAsyncRequest,
    /// What the switch tells unasked.
    GetAsyncReply(AsyncConfig),
    /// Changes what the switch tells unasked.
    SetAsync(AsyncConfig),
    /// Opens, closes, commits or discards a bundle.
    BundleControl(BundleControl),
    /// Adds a change to a bundle.
    BundleAdd(BundleAdd),
    /// Anything else, as it is on the wire: the number of the type and the body.
    Other(u8, Vec<u8>),
}

/// Numbers of types that differ between OpenFlow 1.0 and later versions.
struct Numbers {
    multipart_request: u8,
    multipart_reply: u8,
    barrier_request: u8,
    barrier_reply: u8,
}

fn numbers(version: Version) -> Numbers {
    if version == Version::V10 {
        Numbers {
            multipart_request: 16,
            multipart_reply: 17,
            barrier_request: 18,
            barrier_reply: 19,
        }
    } else {
        Numbers {
            multipart_request: 18,
            multipart_reply: 19,
            barrier_request: 20,
            barrier_reply: 21,
        }
    }
}

/// Nicira's vendor id.
const NICIRA: u32 = 0x2320;

/// Appends vendor and subtype.
fn vendor(out: &mut Writer, vendor: u32, subtype: u32) {
    out.u32(vendor);
    out.u32(subtype);
}

fn read_vendor(reader: &mut Reader<'_>, version: Version) -> Result<Body, DecodeError> {
    let mut head = *reader;
    match (head.u32(), head.u32()) {
        (Ok(NICIRA), Ok(13)) if version == Version::V10 => {
            reader.skip(8)?;
            Ok(Body::FlowMod(Box::new(FlowMod::read_nicira(reader)?)))
        }
        _ => Ok(Body::Other(4, reader.bytes(reader.len())?.to_vec())),
    }
}

impl Message {
    /// A message.
    #[must_use]
    pub fn new(version: Version, xid: u32, body: Body) -> Self {
        Self { version, xid, body }
    }

    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode_into(&mut out);
        out
    }

    /// Appends the message to `out`. A message that would be longer than 65535 bytes says that length, and must not be sent.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.u8(self.version.wire());
        out.u8(self.kind());
        out.u16(0);
        out.u32(self.xid);
        self.put_body(out);
        out.fill_len(start, start + 2);
    }

    fn kind(&self) -> u8 {
        let numbers = numbers(self.version);
        match &self.body {
            Body::Hello(_) => 0,
            Body::Error(_) => 1,
            Body::EchoRequest(_) => 2,
            Body::EchoReply(_) => 3,
            Body::FeaturesRequest => 5,
            Body::FeaturesReply(_) => 6,
            Body::GetConfigRequest => 7,
            Body::GetConfigReply(_) => 8,
            Body::SetConfig(_) => 9,
            Body::PacketIn(_) => 10,
            Body::FlowRemoved(_) => 11,
            Body::PortStatus(_) => 12,
            Body::PacketOut(_) => 13,
            Body::FlowMod(flow_mod) if self.version == Version::V10 && flow_mod.needs_nicira_form() => 4,
            Body::FlowMod(_) => 14,
            Body::MultipartRequest(_) => numbers.multipart_request,
            Body::MultipartReply(..) => numbers.multipart_reply,
            Body::BarrierRequest => numbers.barrier_request,
            Body::BarrierReply => numbers.barrier_reply,
            Body::RoleRequest(_) => 24,
            Body::RoleReply(_) => 25,
            Body::GetAsyncRequest => 26,
            Body::GetAsyncReply(_) => 27,
            Body::SetAsync(_) => 28,
            Body::BundleControl(_) => 33,
            Body::BundleAdd(_) => 34,
            Body::Other(kind, _) => *kind,
        }
    }

    fn put_body(&self, out: &mut Writer) {
        let version = self.version;
        match &self.body {
            Body::Hello(hello) => hello.put(out, version),
            Body::Error(error) => error.put(out),
            Body::EchoRequest(data) | Body::EchoReply(data) | Body::Other(_, data) => out.extend_from_slice(data),
            Body::FeaturesRequest
            | Body::GetConfigRequest
            | Body::BarrierRequest
            | Body::BarrierReply
            | Body::GetAsyncRequest => {}
            Body::FeaturesReply(features) => features.put(out, version),
            Body::GetConfigReply(config) | Body::SetConfig(config) => config.put(out),
            Body::PacketIn(packet) => packet.put(out, version),
            Body::FlowRemoved(removed) => removed.put(out, version),
            Body::PortStatus(status) => status.put(out, version),
            Body::PacketOut(packet) => packet.put(out, version),
            Body::FlowMod(flow_mod) if version > Version::V10 => flow_mod.put(out, version),
            Body::FlowMod(flow_mod) if flow_mod.needs_nicira_form() => {
                vendor(out, NICIRA, 13);
                flow_mod.put_nicira(out);
            }
            Body::FlowMod(flow_mod) => flow_mod.put_v10(out),
            Body::MultipartRequest(request) => request.put(out, version),
            Body::MultipartReply(reply, more) => reply.put(out, *more, version),
            Body::RoleRequest(role) | Body::RoleReply(role) => role.put(out),
            Body::GetAsyncReply(config) | Body::SetAsync(config) => config.put(out, version),
            Body::BundleControl(control) => control.put(out),
            Body::BundleAdd(add) => add.put(out),
        }
    }

    /// Reads one whole message, as [`super::take`] cuts it out.
    ///
    /// # Errors
    /// If the bytes are not a message: the place and the cause. A type or a question that is not known is not an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(bytes, 0), 0)
    }

    pub(super) fn read(mut reader: Reader<'_>, depth: u8) -> Result<Self, DecodeError> {
        let place = reader;
        let version = Version::from_wire(reader.u8()?).ok_or_else(|| place.error(OfpError::BAD_VERSION))?;
        let kind = reader.u8()?;
        let length = usize::from(reader.u16()?);
        let xid = reader.u32()?;
        if length != place.len() {
            return Err(place.error(OfpError::BAD_LEN));
        }
        let body = read_body(&mut reader, version, kind, xid, depth)?;
        if !reader.is_empty() {
            return Err(reader.error(OfpError::BAD_LEN));
        }
        Ok(Self { version, xid, body })
    }
}

fn read_body(reader: &mut Reader<'_>, version: Version, kind: u8, xid: u32, depth: u8) -> Result<Body, DecodeError> {
    let numbers = numbers(version);
    let modern = version >= Version::V12;
    Ok(match kind {
        0 => {
            let hello = Hello::read(reader, version)?;
            reader.skip(reader.len())?;
            Body::Hello(hello)
        }
        1 => Body::Error(ErrorMessage::read(reader, version)?),
        2 => Body::EchoRequest(reader.bytes(reader.len())?.to_vec()),
        3 => Body::EchoReply(reader.bytes(reader.len())?.to_vec()),
        5 => Body::FeaturesRequest,
        6 => Body::FeaturesReply(SwitchFeatures::read(reader, version)?),
        7 => Body::GetConfigRequest,
        8 => Body::GetConfigReply(SwitchConfig::read(reader)?),
        9 => Body::SetConfig(SwitchConfig::read(reader)?),
        10 if version >= Version::V13 => Body::PacketIn(PacketIn::read(reader)?),
        11 if modern && version < Version::V15 => Body::FlowRemoved(FlowRemoved::read(reader)?),
        12 => Body::PortStatus(PortStatus::read(reader, version)?),
        13 => Body::PacketOut(PacketOut::read(reader, version)?),
        4 => read_vendor(reader, version)?,
        14 if version == Version::V10 => Body::FlowMod(Box::new(FlowMod::read_v10(reader)?)),
        14 => Body::FlowMod(Box::new(FlowMod::read(reader, version)?)),
        kind if kind == numbers.multipart_request => Body::MultipartRequest(MultipartRequest::read(reader, version)?),
        kind if kind == numbers.multipart_reply => {
            let (reply, more) = MultipartReply::read(reader, version)?;
            Body::MultipartReply(reply, more)
        }
        kind if kind == numbers.barrier_request => Body::BarrierRequest,
        kind if kind == numbers.barrier_reply => Body::BarrierReply,
        24 if modern => Body::RoleRequest(RoleMessage::read(reader)?),
        25 if modern => Body::RoleReply(RoleMessage::read(reader)?),
        26 if modern => Body::GetAsyncRequest,
        27 if modern => Body::GetAsyncReply(AsyncConfig::read(reader, version)?),
        28 if modern => Body::SetAsync(AsyncConfig::read(reader, version)?),
        33 if version >= Version::V14 => Body::BundleControl(BundleControl::read(reader)?),
        34 if version >= Version::V14 && depth < 2 => Body::BundleAdd(BundleAdd::read(reader, xid, depth)?),
        other => Body::Other(other, reader.bytes(reader.len())?.to_vec()),
    })
}

#[cfg(test)]
mod tests;
