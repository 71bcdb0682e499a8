//! Messages: the head that all have, and which body stands behind which number in which version.

use super::bundle::{BundleAdd, BundleControl};
use super::config::SwitchConfig;
use super::ct_flush::CtFlush;
use super::error_message::ErrorMessage;
use super::features::SwitchFeatures;
use super::flow_change::FlowChange;
use super::flow_mod::FlowMod;
use super::flow_removed::FlowRemoved;
use super::group::GroupMod;
use super::hello::Hello;
use super::meter::MeterMod;
use super::multipart::{MultipartReply, MultipartRequest};
use super::packet_in::{PacketIn, PacketIn2};
use super::packet_out::PacketOut;
use super::port_desc::PortStatus;
use super::port_mod::PortMod;
use super::queue::{self, QueueConfigs};
use super::registry::{self, Kind};
use super::role::{AsyncConfig, Role, RoleMessage, RoleStatus};
use super::table::{TableMod, TableStatus};
use super::tlv::{TlvTable, TlvTableMod};
use super::wire::{Put, Reader, Unknown, Writer};
use super::{DecodeError, OfpError};
use crate::{Port, Version};

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

/// What a message says: one variant a message, by the name that OpenFlow or Open vSwitch gives it. Sections are those of
/// OpenFlow 1.5.1; what is in `nicira-ext.h` and `ofp-msgs.h` of Open vSwitch is an extension.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Body {
    /// Opens a connection.
    ///
    /// `OFPT_HELLO` (7.5.1).
    Hello(Hello),
    /// Refuses a request.
    ///
    /// `OFPT_ERROR` (7.5.4).
    Error(ErrorMessage),
    /// Asks for an echo of these bytes.
    ///
    /// `OFPT_ECHO_REQUEST` (7.5.2).
    EchoRequest(Vec<u8>),
    /// Echoes these bytes.
    ///
    /// `OFPT_ECHO_REPLY` (7.5.3).
    EchoReply(Vec<u8>),
    /// Asks what the switch is.
    ///
    /// `OFPT_FEATURES_REQUEST` (7.3.1).
    FeaturesRequest,
    /// What the switch is.
    ///
    /// `OFPT_FEATURES_REPLY` (7.3.1).
    FeaturesReply(SwitchFeatures),
    /// Asks for the configuration.
    ///
    /// `OFPT_GET_CONFIG_REQUEST` (7.3.2).
    GetConfigRequest,
    /// The configuration.
    ///
    /// `OFPT_GET_CONFIG_REPLY` (7.3.2).
    GetConfigReply(SwitchConfig),
    /// Changes the configuration.
    ///
    /// `OFPT_SET_CONFIG` (7.3.2).
    SetConfig(SwitchConfig),
    /// A packet for the controller.
    ///
    /// `OFPT_PACKET_IN` (7.4.1).
    PacketIn(PacketIn),
    /// A flow has gone.
    ///
    /// `OFPT_FLOW_REMOVED` (7.4.2).
    FlowRemoved(FlowRemoved),
    /// A port has changed.
    ///
    /// `OFPT_PORT_STATUS` (7.4.3).
    PortStatus(PortStatus),
    /// A packet from the controller.
    ///
    /// `OFPT_PACKET_OUT` (7.3.6).
    PacketOut(PacketOut),
    /// Changes flows.
    ///
    /// `OFPT_FLOW_MOD` (7.3.4.2); in OpenFlow 1.0 also `NXT_FLOW_MOD`.
    FlowMod(Box<FlowMod>),
    /// Asks a question whose answer may have parts.
    ///
    /// `OFPT_MULTIPART_REQUEST`, before OpenFlow 1.3 `OFPT_STATS_REQUEST` (7.3.5).
    MultipartRequest(MultipartRequest),
    /// An answer or a part of one; `true` if more follows.
    ///
    /// `OFPT_MULTIPART_REPLY`, before OpenFlow 1.3 `OFPT_STATS_REPLY` (7.3.5).
    MultipartReply(MultipartReply, bool),
    /// Asks for an answer when all before is done.
    ///
    /// `OFPT_BARRIER_REQUEST` (7.3.7).
    BarrierRequest,
    /// All before is done.
    ///
    /// `OFPT_BARRIER_REPLY` (7.3.7).
    BarrierReply,
    /// Asks for a role.
    ///
    /// `OFPT_ROLE_REQUEST` (7.3.8).
    RoleRequest(RoleMessage),
    /// The role.
    ///
    /// `OFPT_ROLE_REPLY` (7.3.8).
    RoleReply(RoleMessage),
    /// Asks what the switch tells unasked.
    ///
    /// `OFPT_GET_ASYNC_REQUEST` (7.3.10).
    GetAsyncRequest,
    /// What the switch tells unasked.
    ///
    /// `OFPT_GET_ASYNC_REPLY` (7.3.10).
    GetAsyncReply(AsyncConfig),
    /// Changes what the switch tells unasked.
    ///
    /// `OFPT_SET_ASYNC` (7.3.10).
    SetAsync(AsyncConfig),
    /// Opens, closes, commits or discards a bundle.
    ///
    /// `OFPT_BUNDLE_CONTROL` (7.3.9), in OpenFlow 1.3 `ONFT_BUNDLE_CONTROL`.
    BundleControl(BundleControl),
    /// Adds a change to a bundle.
    ///
    /// `OFPT_BUNDLE_ADD_MESSAGE` (7.3.9), in OpenFlow 1.3 `ONFT_BUNDLE_ADD_MESSAGE`.
    BundleAdd(BundleAdd),
    /// A flow has gone, in Nicira's form.
    ///
    /// `NXT_FLOW_REMOVED` (nicira-ext.h).
    NxFlowRemoved(FlowRemoved),
    /// A packet for the controller, in Nicira's form.
    ///
    /// `NXT_PACKET_IN` (nicira-ext.h).
    NxPacketIn(PacketIn),
    /// A packet for the controller, in Nicira's second form.
    ///
    /// `NXT_PACKET_IN2` (nicira-ext.h).
    PacketIn2(PacketIn2),
    /// Lets a packet go on that stopped for the controller.
    ///
    /// `NXT_RESUME` (nicira-ext.h).
    Resume(PacketIn2),
    /// Asks for a role, in Nicira's form.
    ///
    /// `NXT_ROLE_REQUEST` (nicira-ext.h).
    NxRoleRequest(Role),
    /// The role, in Nicira's form.
    ///
    /// `NXT_ROLE_REPLY` (nicira-ext.h).
    NxRoleReply(Role),
    /// Changes what the switch tells unasked, in Nicira's form.
    ///
    /// `NXT_SET_ASYNC_CONFIG` (nicira-ext.h).
    NxSetAsync(AsyncConfig),
    /// Changes what the switch tells unasked, in the form of OpenFlow 1.4, before that.
    ///
    /// `NXT_SET_ASYNC_CONFIG2` (ofp-msgs.h).
    NxSetAsync2(AsyncConfig),
    /// Says in which form flows are changed in OpenFlow 1.0: 0 OpenFlow's own, 2 Nicira's.
    ///
    /// `NXT_SET_FLOW_FORMAT` (nicira-ext.h).
    SetFlowFormat(u32),
    /// Says whether a change of flows names its table in OpenFlow 1.0.
    ///
    /// `NXT_FLOW_MOD_TABLE_ID` (nicira-ext.h).
    FlowModTableId(bool),
    /// Says in which form packets come: 0 OpenFlow's own, 1 `NXT_PACKET_IN`, 2 `NXT_PACKET_IN2`.
    ///
    /// `NXT_SET_PACKET_IN_FORMAT` (nicira-ext.h).
    SetPacketInFormat(u32),
    /// Asks for the ages of flows with their counters.
    ///
    /// `NXT_FLOW_AGE` (ofp-msgs.h).
    FlowAge,
    /// Says by which number `controller` actions call this connection.
    ///
    /// `NXT_SET_CONTROLLER_ID` (nicira-ext.h).
    SetControllerId(u16),
    /// Forgets the connections of a zone.
    ///
    /// `NXT_CT_FLUSH_ZONE` (nicira-ext.h).
    CtFlushZone(u16),
    /// Changes groups.
    ///
    /// `OFPT_GROUP_MOD` (7.3.4.3), in OpenFlow 1.0 `NXT_GROUP_MOD`.
    GroupMod(GroupMod),
    /// Changes a meter.
    ///
    /// `OFPT_METER_MOD` (7.3.4.5).
    MeterMod(MeterMod),
    /// Changes a port.
    ///
    /// `OFPT_PORT_MOD` (7.3.4.4).
    PortMod(PortMod),
    /// Changes a table.
    ///
    /// `OFPT_TABLE_MOD` (7.3.4.1).
    TableMod(TableMod),
    /// Asks for the queues of a port (OpenFlow 1.0 to 1.3).
    ///
    /// `OFPT_QUEUE_GET_CONFIG_REQUEST` (OpenFlow 1.3.5, 7.3.6).
    QueueGetConfigRequest(Port),
    /// The queues of a port.
    ///
    /// `OFPT_QUEUE_GET_CONFIG_REPLY` (OpenFlow 1.3.5, 7.3.6).
    QueueGetConfigReply(QueueConfigs),
    /// The controller has another role now.
    ///
    /// `OFPT_ROLE_STATUS` (7.4.4).
    RoleStatus(RoleStatus),
    /// A table is full or has room again.
    ///
    /// `OFPT_TABLE_STATUS` (7.4.5).
    TableStatus(TableStatus),
    /// What another controller has asked for: a change of groups or meters.
    ///
    /// `OFPT_REQUESTFORWARD` (7.4.6).
    RequestForward(Box<Message>),
    /// Changes which tunnel option is which metadata field.
    ///
    /// `NXT_TLV_TABLE_MOD` (nicira-ext.h).
    TlvTableMod(TlvTableMod),
    /// Asks which tunnel option is which metadata field.
    ///
    /// `NXT_TLV_TABLE_REQUEST` (nicira-ext.h).
    TlvTableRequest,
    /// Which tunnel option is which metadata field.
    ///
    /// `NXT_TLV_TABLE_REPLY` (nicira-ext.h).
    TlvTableReply(TlvTable),
    /// Forgets connections.
    ///
    /// `NXT_CT_FLUSH` (nicira-ext.h).
    CtFlush(CtFlush),
    /// Ends a flow monitor (before OpenFlow 1.4).
    ///
    /// `NXT_FLOW_MONITOR_CANCEL`, in OpenFlow 1.3 `ONFT_FLOW_MONITOR_CANCEL` (nicira-ext.h).
    FlowMonitorCancel(u32),
    /// Flow monitors tell no more until there is room again (before OpenFlow 1.4).
    ///
    /// `NXT_FLOW_MONITOR_PAUSED`, in OpenFlow 1.3 `ONFT_FLOW_MONITOR_PAUSED` (nicira-ext.h).
    FlowMonitorPaused,
    /// Flow monitors tell again (before OpenFlow 1.4).
    ///
    /// `NXT_FLOW_MONITOR_RESUMED`, in OpenFlow 1.3 `ONFT_FLOW_MONITOR_RESUMED` (nicira-ext.h).
    FlowMonitorResumed,
    /// Anything else, as it is on the wire: the number of the type and the body.
    Other(u8, Vec<u8>),
}

/// What all messages begin with.
pub(super) struct Head {
    pub(super) version: Version,
    kind: u8,
    pub(super) xid: u32,
}

impl Head {
    /// Reads the head of a message that is all that is left.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let version =
            Version::from_wire(reader.u8()?).ok_or_else(|| place.error(OfpError::BAD_VERSION))?;
        let kind = reader.u8()?;
        let length = usize::from(reader.u16()?);
        let xid = reader.u32()?;
        if length != place.len() {
            return Err(place.error(OfpError::BAD_LEN));
        }
        Ok(Self { version, kind, xid })
    }
}

impl Message {
    /// A message.
    #[must_use]
    pub fn new(version: Version, xid: u32, body: Body) -> Self {
        Self { version, xid, body }
    }

    /// What Open vSwitch calls it, such as `OFPT_FLOW_MOD` or `OFPST_FLOW reply`; `None` if it does not know it.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        registry::name(self.body.kind(self.version)?.0, self.version)
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
        if let Body::Other(kind, data) = &self.body {
            out.u8(self.version.wire());
            out.u8(*kind);
            out.u16(0);
            out.u32(self.xid);
            out.extend_from_slice(data);
        } else if let Some((kind, more)) = self.body.kind(self.version) {
            registry::put_head(out, kind, self.version, self.xid, more);
            self.put_body(out);
        } else {
            self.put_unknown_multipart(out);
        }
        out.fill_len(start, start + 2);
    }

    fn put_body(&self, out: &mut Writer) {
        let version = self.version;
        match &self.body {
            Body::Hello(hello) => hello.put(out, version),
            Body::Error(error) => error.put(out),
            Body::EchoRequest(data) | Body::EchoReply(data) | Body::Other(_, data) => {
                out.extend_from_slice(data)
            }
            Body::FeaturesRequest
            | Body::GetConfigRequest
            | Body::BarrierRequest
            | Body::BarrierReply
            | Body::GetAsyncRequest
            | Body::FlowAge
            | Body::TlvTableRequest
            | Body::FlowMonitorPaused
            | Body::FlowMonitorResumed => {}
            Body::GroupMod(change) => change.put(out, version),
            Body::MeterMod(change) => change.put(out),
            Body::PortMod(change) => change.put(out, version),
            Body::TableMod(change) => change.put(out, version),
            Body::QueueGetConfigRequest(port) => queue::put_config_request(out, *port, version),
            Body::QueueGetConfigReply(queues) => queues.put(out, version),
            Body::RoleStatus(status) => status.put(out),
            Body::TableStatus(status) => status.put(out),
            Body::RequestForward(message) => message.encode_into(out),
            Body::TlvTableMod(change) => change.put(out),
            Body::TlvTableReply(table) => table.put(out),
            Body::CtFlush(flush) => flush.put(out),
            Body::FlowMonitorCancel(id) => out.u32(*id),
            Body::FeaturesReply(features) => features.put(out, version),
            Body::GetConfigReply(config) | Body::SetConfig(config) => config.put(out),
            Body::PacketIn(packet) => packet.put(out, version),
            Body::NxPacketIn(packet) => packet.put_nx(out),
            Body::PacketIn2(packet) => packet.put(out, version, false),
            Body::Resume(packet) => packet.put(out, version, true),
            Body::FlowRemoved(removed) => removed.put(out, version),
            Body::NxFlowRemoved(removed) => removed.put_nx(out),
            Body::PortStatus(status) => status.put(out, version),
            Body::PacketOut(packet) => packet.put(out, version),
            Body::FlowMod(change) => FlowChange::from(&**change).put(out, version),
            Body::MultipartRequest(request) => request.put(out, version),
            Body::MultipartReply(reply, _) => reply.put(out, version),
            Body::RoleRequest(role) | Body::RoleReply(role) => role.put(out),
            Body::NxRoleRequest(role) | Body::NxRoleReply(role) => role.put_nx(out),
            Body::GetAsyncReply(config) | Body::SetAsync(config) => config.put(out, version),
            Body::NxSetAsync(config) => config.put_masks(out),
            Body::NxSetAsync2(config) => config.put_properties(out),
            Body::BundleControl(control) => control.put(out),
            Body::BundleAdd(add) => add.put(out),
            Body::SetFlowFormat(format) | Body::SetPacketInFormat(format) => out.u32(*format),
            Body::FlowModTableId(on) => {
                out.u8(u8::from(*on));
                out.zeros(7);
            }
            Body::SetControllerId(id) => {
                out.zeros(6);
                out.u16(*id);
            }
            Body::CtFlushZone(zone) => {
                out.zeros(6);
                out.u16(*zone);
            }
        }
    }

    /// A question or an answer whose number is not known.
    fn put_unknown_multipart(&self, out: &mut Writer) {
        let (is_request, number, more, data) = match &self.body {
            Body::MultipartRequest(MultipartRequest::Other(number, data)) => {
                (true, *number, false, data)
            }
            Body::MultipartReply(MultipartReply::Other(number, data), more) => {
                (false, *number, *more, data)
            }
            _ => return,
        };
        registry::put_multipart_head(out, is_request, number, self.version, self.xid, more);
        out.extend_from_slice(data);
    }

    /// Reads one whole message, as [`super::take`] cuts it out. What is not known, be it a type, a question, a field, an
    /// action, an instruction, a property or the number of a command, is kept as bytes, which are written again as they were.
    ///
    /// # Errors
    /// If the bytes are not a message: the place and the cause.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let whole = Reader::new(bytes, 0).minding(Unknown::Keep);
        match Self::read(whole, 0) {
            Err(e) if is_unknown(e.error) => Self::read_raw(whole),
            read => read,
        }
    }

    /// The same, but as a switch reads what it is asked to do: what Open vSwitch 3.1 does not know, or would not do, is an
    /// error, the one that it answers ([`super::pieces::error_reply`]). Types and questions that are not known are still kept.
    ///
    /// # Errors
    /// If the bytes are not a message, or something in it is not known: the place and the cause.
    pub fn decode_strict(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(Reader::new(bytes, 0), 0)
    }

    /// Reads the head alone and keeps the rest.
    fn read_raw(mut reader: Reader<'_>) -> Result<Self, DecodeError> {
        let place = reader;
        let version =
            Version::from_wire(reader.u8()?).ok_or_else(|| place.error(OfpError::BAD_VERSION))?;
        let kind = reader.u8()?;
        reader.skip(2)?;
        let xid = reader.u32()?;
        let body = read_unknown(&mut reader, version, kind)?;
        Ok(Self { version, xid, body })
    }

    pub(super) fn read(mut reader: Reader<'_>, depth: u8) -> Result<Self, DecodeError> {
        let place = reader;
        let Head { version, kind, xid } = Head::read(&mut reader)?;
        let body = match registry::find(place) {
            // A question in several parts makes sense when all are there.
            Ok((entry, _))
                if place.keeps()
                    && entry.is_multipart_request()
                    && registry::multipart_flags(place.rest()) != 0 =>
            {
                Body::Other(kind, reader.bytes(reader.len())?.to_vec())
            }
            Ok((entry, mut body)) => {
                let more = registry::multipart_flags(place.rest()) & 1 != 0;
                let found = match read_body(&mut body, version, entry.kind, xid, more, depth)? {
                    Some(found) => found,
                    None => {
                        body.skip(body.len())?;
                        read_unknown(&mut reader, version, kind)?
                    }
                };
                if !body.is_empty() {
                    return Err(body.error(OfpError::BAD_LEN));
                }
                found
            }
            Err(e) if e.error == OfpError::BAD_LEN => return Err(e),
            Err(_) => read_unknown(&mut reader, version, kind)?,
        };
        Ok(Self { version, xid, body })
    }
}

impl Body {
    /// Its entry in the table of messages, and whether more of it follows; `None` if its numbers are not known.
    fn kind(&self, version: Version) -> Option<(Kind, bool)> {
        let kind = match self {
            Self::MultipartRequest(request) => request.kind()?,
            Self::MultipartReply(reply, more) => return reply.kind().map(|kind| (kind, *more)),
            Self::Hello(_) => Kind::Hello,
            Self::Error(_) => Kind::Error,
            Self::EchoRequest(_) => Kind::EchoRequest,
            Self::EchoReply(_) => Kind::EchoReply,
            Self::FeaturesRequest => Kind::FeaturesRequest,
            Self::FeaturesReply(_) => Kind::FeaturesReply,
            Self::GetConfigRequest => Kind::GetConfigRequest,
            Self::GetConfigReply(_) => Kind::GetConfigReply,
            Self::SetConfig(_) => Kind::SetConfig,
            Self::PacketIn(_) => Kind::PacketIn,
            Self::NxPacketIn(_) => Kind::NxPacketIn,
            Self::PacketIn2(_) => Kind::PacketIn2,
            Self::Resume(_) => Kind::Resume,
            Self::FlowRemoved(_) => Kind::FlowRemoved,
            Self::NxFlowRemoved(_) => Kind::NxFlowRemoved,
            Self::PortStatus(_) => Kind::PortStatus,
            Self::PacketOut(_) => Kind::PacketOut,
            Self::FlowMod(change) => FlowChange::from(&**change).kind(version),
            Self::BarrierRequest => Kind::BarrierRequest,
            Self::BarrierReply => Kind::BarrierReply,
            Self::RoleRequest(_) => Kind::RoleRequest,
            Self::RoleReply(_) => Kind::RoleReply,
            Self::NxRoleRequest(_) => Kind::NxRoleRequest,
            Self::NxRoleReply(_) => Kind::NxRoleReply,
            Self::GetAsyncRequest => Kind::GetAsyncRequest,
            Self::GetAsyncReply(_) => Kind::GetAsyncReply,
            Self::SetAsync(_) => Kind::SetAsync,
            Self::NxSetAsync(_) => Kind::NxSetAsync,
            Self::NxSetAsync2(_) => Kind::NxSetAsync2,
            Self::BundleControl(_) => Kind::BundleControl,
            Self::BundleAdd(_) => Kind::BundleAdd,
            Self::SetFlowFormat(_) => Kind::SetFlowFormat,
            Self::FlowModTableId(_) => Kind::FlowModTableId,
            Self::SetPacketInFormat(_) => Kind::SetPacketInFormat,
            Self::FlowAge => Kind::FlowAge,
            Self::SetControllerId(_) => Kind::SetControllerId,
            Self::CtFlushZone(_) => Kind::CtFlushZone,
            Self::GroupMod(_) => Kind::GroupMod,
            Self::MeterMod(_) => Kind::MeterMod,
            Self::PortMod(_) => Kind::PortMod,
            Self::TableMod(_) => Kind::TableMod,
            Self::QueueGetConfigRequest(_) => Kind::QueueGetConfigRequest,
            Self::QueueGetConfigReply(_) => Kind::QueueGetConfigReply,
            Self::RoleStatus(_) => Kind::RoleStatus,
            Self::TableStatus(_) => Kind::TableStatus,
            Self::RequestForward(_) => Kind::RequestForward,
            Self::TlvTableMod(_) => Kind::TlvTableMod,
            Self::TlvTableRequest => Kind::TlvTableRequest,
            Self::TlvTableReply(_) => Kind::TlvTableReply,
            Self::CtFlush(_) => Kind::CtFlush,
            Self::FlowMonitorCancel(_) => Kind::FlowMonitorCancel,
            Self::FlowMonitorPaused => Kind::FlowMonitorPaused,
            Self::FlowMonitorResumed => Kind::FlowMonitorResumed,
            Self::Other(..) => return None,
        };
        Some((kind, false))
    }
}

/// True for errors that say that the number of a command, a reason, a role or the like is not known.
fn is_unknown(error: OfpError) -> bool {
    matches!(
        error,
        OfpError::FLOW_BAD_COMMAND
            | OfpError::METER_BAD_COMMAND
            | OfpError::TABLE_BAD_COMMAND
            | OfpError::GROUP_BAD_TYPE
            | OfpError::GROUP_BAD_COMMAND
            | OfpError::BAD_REASON
            | OfpError::ROLE_BAD
            | OfpError::BUNDLE_MSG_UNSUP
    )
}

/// What has no entry in the table of messages.
fn read_unknown(reader: &mut Reader<'_>, version: Version, kind: u8) -> Result<Body, DecodeError> {
    if !registry::is_multipart(version.wire(), kind) {
        return Ok(Body::Other(kind, reader.bytes(reader.len())?.to_vec()));
    }
    let (number, flags) = (reader.u16()?, reader.u16()?);
    if version > Version::V10 {
        reader.skip(4)?;
    }
    let data = reader.bytes(reader.len())?.to_vec();
    Ok(if registry::is_multipart_request(version.wire(), kind) {
        Body::MultipartRequest(MultipartRequest::Other(number, data))
    } else {
        Body::MultipartReply(MultipartReply::Other(number, data), flags & 1 != 0)
    })
}

fn read_body(
    reader: &mut Reader<'_>,
    version: Version,
    kind: Kind,
    xid: u32,
    more: bool,
    depth: u8,
) -> Result<Option<Body>, DecodeError> {
    Ok(Some(match kind {
        Kind::Hello => {
            let hello = Hello::read(reader, version)?;
            reader.skip(reader.len())?;
            Body::Hello(hello)
        }
        Kind::Error => Body::Error(ErrorMessage::read(reader, version)?),
        Kind::EchoRequest => Body::EchoRequest(reader.bytes(reader.len())?.to_vec()),
        Kind::EchoReply => Body::EchoReply(reader.bytes(reader.len())?.to_vec()),
        Kind::FeaturesRequest => Body::FeaturesRequest,
        Kind::FeaturesReply => Body::FeaturesReply(SwitchFeatures::read(reader, version)?),
        Kind::GetConfigRequest => Body::GetConfigRequest,
        Kind::GetConfigReply => Body::GetConfigReply(SwitchConfig::read(reader)?),
        Kind::SetConfig => Body::SetConfig(SwitchConfig::read(reader)?),
        Kind::PacketIn => Body::PacketIn(PacketIn::read(reader, version)?),
        Kind::NxPacketIn => Body::NxPacketIn(PacketIn::read_nx(reader)?),
        Kind::PacketIn2 => Body::PacketIn2(PacketIn2::read(reader)?),
        Kind::Resume => Body::Resume(PacketIn2::read(reader)?),
        Kind::FlowRemoved => Body::FlowRemoved(FlowRemoved::read(reader, version)?),
        Kind::NxFlowRemoved => Body::NxFlowRemoved(FlowRemoved::read_nx(reader)?),
        Kind::PortStatus => Body::PortStatus(PortStatus::read(reader, version)?),
        Kind::PacketOut => Body::PacketOut(PacketOut::read(reader, version)?),
        Kind::FlowMod if version == Version::V10 => {
            Body::FlowMod(Box::new(FlowMod::read_v10(reader)?))
        }
        Kind::FlowMod => Body::FlowMod(Box::new(FlowMod::read(reader, version)?)),
        Kind::NxFlowMod => Body::FlowMod(Box::new(FlowMod::read_nicira(reader, version)?)),
        Kind::BarrierRequest => Body::BarrierRequest,
        Kind::BarrierReply => Body::BarrierReply,
        Kind::RoleRequest => Body::RoleRequest(RoleMessage::read(reader)?),
        Kind::RoleReply => Body::RoleReply(RoleMessage::read(reader)?),
        Kind::NxRoleRequest => Body::NxRoleRequest(Role::read_nx(reader)?),
        Kind::NxRoleReply => Body::NxRoleReply(Role::read_nx(reader)?),
        Kind::GetAsyncRequest => Body::GetAsyncRequest,
        Kind::GetAsyncReply => {
            // What a switch says it does may be more than any version knows.
            let mut whole = reader.sub(reader.len())?.minding(Unknown::Keep);
            Body::GetAsyncReply(AsyncConfig::read(&mut whole, version)?)
        }
        Kind::SetAsync => Body::SetAsync(AsyncConfig::read(reader, version)?),
        Kind::NxSetAsync => Body::NxSetAsync(AsyncConfig::read_masks(reader)?),
        Kind::NxSetAsync2 => Body::NxSetAsync2(AsyncConfig::read_properties(reader, version)?),
        Kind::BundleControl => Body::BundleControl(BundleControl::read(reader)?),
        Kind::BundleAdd if depth < 2 => Body::BundleAdd(BundleAdd::read(reader, xid, depth)?),
        Kind::SetFlowFormat => Body::SetFlowFormat(reader.u32()?),
        Kind::SetPacketInFormat => Body::SetPacketInFormat(reader.u32()?),
        Kind::FlowModTableId => {
            let on = reader.u8()? != 0;
            reader.skip(7)?;
            Body::FlowModTableId(on)
        }
        Kind::FlowAge => Body::FlowAge,
        Kind::SetControllerId => {
            reader.zeros(6, OfpError::MUST_BE_ZERO)?;
            Body::SetControllerId(reader.u16()?)
        }
        Kind::CtFlushZone => {
            reader.zeros(6, OfpError::MUST_BE_ZERO)?;
            Body::CtFlushZone(reader.u16()?)
        }
        Kind::GroupMod => Body::GroupMod(GroupMod::read(reader, version)?),
        Kind::MeterMod => Body::MeterMod(MeterMod::read(reader)?),
        Kind::PortMod => Body::PortMod(PortMod::read(reader, version)?),
        Kind::TableMod => Body::TableMod(TableMod::read(reader)?),
        Kind::QueueGetConfigRequest => {
            Body::QueueGetConfigRequest(queue::read_config_request(reader, version)?)
        }
        Kind::QueueGetConfigReply => {
            Body::QueueGetConfigReply(QueueConfigs::read(reader, version)?)
        }
        Kind::RoleStatus => Body::RoleStatus(RoleStatus::read(reader)?),
        Kind::TableStatus => Body::TableStatus(TableStatus::read(reader)?),
        Kind::RequestForward => {
            Body::RequestForward(Box::new(read_forwarded(reader, version, depth)?))
        }
        Kind::TlvTableMod => Body::TlvTableMod(TlvTableMod::read(reader)?),
        Kind::TlvTableRequest => Body::TlvTableRequest,
        Kind::TlvTableReply => Body::TlvTableReply(TlvTable::read(reader)?),
        Kind::CtFlush => Body::CtFlush(CtFlush::read(reader)?),
        Kind::FlowMonitorCancel => Body::FlowMonitorCancel(reader.u32()?),
        Kind::FlowMonitorPaused => Body::FlowMonitorPaused,
        Kind::FlowMonitorResumed => Body::FlowMonitorResumed,
        Kind::BundleAdd => return Err(reader.error(OfpError::BUNDLE_MSG_UNSUP)),
        kind if kind.is_multipart_request() => {
            return Ok(MultipartRequest::read(reader, version, kind)?.map(Body::MultipartRequest));
        }
        kind => {
            return Ok(MultipartReply::read(reader, version, kind)?
                .map(|reply| Body::MultipartReply(reply, more)));
        }
    }))
}

/// The change of groups or meters that another controller has asked for.
fn read_forwarded(
    reader: &mut Reader<'_>,
    version: Version,
    depth: u8,
) -> Result<Message, DecodeError> {
    let place = *reader;
    let mut head = place;
    let (Ok(inner_version), Ok(_), Ok(len), Ok(_)) = (head.u8(), head.u8(), head.u16(), head.u32())
    else {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_LEN));
    };
    let len = usize::from(len);
    if len < 8 || len > place.len() {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_LEN));
    }
    if inner_version != version.wire() {
        return Err(place.error(OfpError::BAD_VERSION));
    }
    let mut inner = reader.sub(len)?;
    match registry::find(inner)?.0.kind {
        Kind::GroupMod | Kind::MeterMod => {}
        _ => return Err(place.error(OfpError::BUNDLE_MSG_UNSUP)),
    }
    // What stands behind it is no part of it.
    reader.skip(reader.len())?;
    let bytes = inner.sub(len)?;
    Message::read(bytes, depth.saturating_add(1))
}

#[cfg(test)]
mod family_tests;
#[cfg(test)]
mod tests;
