//! Bundles: several changes that are made together or not at all (OpenFlow 1.5.1, 7.3.9; ONF extension 230 before 1.4).

use super::flow_change::FlowChange;
use super::flow_mod::FlowMod;
use super::message::{Head, Message};
use super::registry::{self, Kind};
use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::Version;

/// How a bundle is applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BundleFlags(pub u16);

impl BundleFlags {
    /// All changes or none.
    pub const ATOMIC: Self = Self(1);
    /// In the order in which they came.
    pub const ORDERED: Self = Self(2);

    /// These flags and those.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What is asked of, or answered about, a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is the message of the same name")]
pub enum BundleControlKind {
    OpenRequest,
    OpenReply,
    CloseRequest,
    CloseReply,
    CommitRequest,
    CommitReply,
    DiscardRequest,
    DiscardReply,
    /// A number that OpenFlow 1.5 does not have.
    Other(u16),
}

impl BundleControlKind {
    const ALL: [Self; 8] = [
        Self::OpenRequest,
        Self::OpenReply,
        Self::CloseRequest,
        Self::CloseReply,
        Self::CommitRequest,
        Self::CommitReply,
        Self::DiscardRequest,
        Self::DiscardReply,
    ];

    fn from_wire(number: u16) -> Self {
        let known = Self::ALL.get(usize::from(number)).copied();
        known.unwrap_or(Self::Other(number))
    }

    fn number(self) -> u16 {
        match self {
            Self::Other(number) => number,
            known => (0u16..)
                .zip(Self::ALL)
                .find(|(_, kind)| *kind == known)
                .map_or(0, |(n, _)| n),
        }
    }
}

/// `OFPT_BUNDLE_CONTROL`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleControl {
    /// The controller's number of the bundle.
    pub bundle_id: u32,
    /// What is asked.
    pub kind: BundleControlKind,
    /// How the bundle is applied; the same in every message of one bundle.
    pub flags: BundleFlags,
    /// Properties as they are on the wire; none are known.
    pub properties: Vec<u8>,
}

impl BundleControl {
    /// What is asked of a bundle, without properties.
    #[must_use]
    pub fn new(bundle_id: u32, kind: BundleControlKind, flags: BundleFlags) -> Self {
        Self {
            bundle_id,
            kind,
            flags,
            properties: Vec::new(),
        }
    }

    pub(super) fn put(&self, out: &mut Writer) {
        out.u32(self.bundle_id);
        out.u16(self.kind.number());
        out.u16(self.flags.0);
        out.extend_from_slice(&self.properties);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            bundle_id: reader.u32()?,
            kind: BundleControlKind::from_wire(reader.u16()?),
            flags: BundleFlags(reader.u16()?),
            properties: read_properties(reader)?,
        })
    }
}

/// `OFPT_BUNDLE_ADD_MESSAGE`: a change that is to be made with the bundle.
#[derive(Clone, PartialEq, Debug)]
pub struct BundleAdd {
    /// The controller's number of the bundle.
    pub bundle_id: u32,
    /// How the bundle is applied.
    pub flags: BundleFlags,
    /// The change; its version and transaction id are those of the message that carries it.
    pub message: Box<Message>,
    /// What follows the change, as it is on the wire: its padding and properties, none of which are known.
    pub properties: Vec<u8>,
}

/// What follows, if it is kept: Open vSwitch does not look at it.
fn read_properties(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let rest = reader.bytes(reader.len())?;
    Ok(if reader.keeps() {
        rest.to_vec()
    } else {
        Vec::new()
    })
}

impl BundleAdd {
    /// A change for a bundle, without properties.
    #[must_use]
    pub fn new(bundle_id: u32, flags: BundleFlags, message: Message) -> Self {
        Self {
            bundle_id,
            flags,
            message: Box::new(message),
            properties: Vec::new(),
        }
    }

    pub(super) fn put(&self, out: &mut Writer) {
        put_before_message(out, self.bundle_id, self.flags);
        self.message.encode_into(out);
        out.extend_from_slice(&self.properties);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, xid: u32, depth: u8) -> Result<Self, DecodeError> {
        let (bundle_id, flags, inner) = read_to_message(reader, xid)?;
        let message = Box::new(Message::read(inner, depth + 1)?);
        Ok(Self {
            bundle_id,
            flags,
            message,
            properties: read_properties(reader)?,
        })
    }
}

/// Reads what stands before the change, and cuts the change out.
fn read_to_message<'a>(
    reader: &mut Reader<'a>,
    xid: u32,
) -> Result<(u32, BundleFlags, Reader<'a>), DecodeError> {
    let bundle_id = reader.u32()?;
    reader.skip(2)?;
    let flags = BundleFlags(reader.u16()?);
    let place = *reader;
    let mut head = *reader;
    let (Ok(_), Ok(_), Ok(len), Ok(inner_xid)) = (head.u8(), head.u8(), head.u16(), head.u32())
    else {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_LEN));
    };
    if usize::from(len) > reader.len() || len < 8 {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_LEN));
    }
    if inner_xid != xid {
        return Err(place.error(OfpError::BUNDLE_MSG_BAD_XID));
    }
    let inner = reader.sub(usize::from(len))?;
    Ok((bundle_id, flags, inner))
}

/// What stands before the change in the body of `OFPT_BUNDLE_ADD_MESSAGE`.
fn put_before_message(out: &mut Writer, bundle_id: u32, flags: BundleFlags) {
    out.u32(bundle_id);
    out.u32(u32::from(flags.0));
}

/// What a message says that adds a change to a bundle (`OFPT_BUNDLE_ADD_MESSAGE`), besides the change. For changes of flows
/// that stay where they are: nothing is copied but into the message.
///
/// ```
/// use flows::Version;
/// use flows::ofpkt::{BundleAddHead, BundleFlags, FlowChange, Message};
///
/// let flow = flows::text::parse_flow("table=3,priority=7,ip,actions=drop")?;
/// let (change, mut bytes) = (FlowChange::add(&flow), Vec::new());
/// let head = BundleAddHead { version: Version::V14, xid: 9, bundle_id: 1, flags: BundleFlags::ATOMIC };
/// head.encode_into(change, &mut bytes);
/// assert_eq!(head.reads_back(change, &bytes), Ok(true));
/// # Ok::<(), flows::text::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BundleAddHead {
    /// The version of the message and of the change.
    pub version: Version,
    /// The transaction id of both.
    pub xid: u32,
    /// The controller's number of the bundle.
    pub bundle_id: u32,
    /// How the bundle is applied.
    pub flags: BundleFlags,
}

impl BundleAddHead {
    /// Appends the message with a change of flows to `out`. One that would be longer than 65535 bytes says that length, and
    /// must not be sent.
    pub fn encode_into(self, change: FlowChange<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        registry::put_head(out, Kind::BundleAdd, self.version, self.xid, false);
        put_before_message(out, self.bundle_id, self.flags);
        change.encode_into(self.version, self.xid, out);
        out.fill_len(start, start + 2);
    }

    /// True if `message` says this and the change and nothing else ([`FlowChange::is_said_by`]), as a switch reads it
    /// ([`Message::decode_strict`]).
    ///
    /// # Errors
    /// If a switch would refuse it: the place and the cause.
    pub fn reads_back(self, change: FlowChange<'_>, message: &[u8]) -> Result<bool, DecodeError> {
        let plain = self.body_in(message);
        if plain.is_some_and(|body| change.is_plainly_in(body)) {
            return Ok(true);
        }
        let whole = Reader::new(message, 0);
        let something_else = || Message::read(whole, 0).map(|_| false);
        let Head { version, xid, .. } = Head::read(&mut { whole })?;
        let Some(mut body) = registry::body_of(Kind::BundleAdd, whole) else {
            return something_else();
        };
        let (bundle_id, flags, inner) = read_to_message(&mut body, xid)?;
        let head = Head::read(&mut { inner })?;
        // Bundles came after OpenFlow 1.0, whose changes of flows are others.
        let flow_mod = registry::body_of(Kind::FlowMod, inner);
        let Some(mut body) = flow_mod.filter(|_| head.version > Version::V10) else {
            return something_else();
        };
        let read = FlowMod::read(&mut body, head.version)?;
        if !body.is_empty() {
            return Err(body.error(OfpError::BAD_LEN));
        }
        let found = Self {
            version: head.version,
            xid,
            bundle_id,
            flags,
        };
        Ok((version, found) == (self.version, self) && change.is_said_by(&read))
    }

    /// The body of the change in a message of OpenFlow 1.4, if the heads say this and nothing stands behind the change.
    fn body_in(self, message: &[u8]) -> Option<Reader<'_>> {
        const VERSION: Version = Version::V14;
        const TYPES: [u8; 2] = [
            registry::type_of(Kind::BundleAdd, VERSION),
            registry::type_of(Kind::FlowMod, VERSION),
        ];
        let mut reader = Reader::new(message, 0);
        let is_head = |kind: u8, reader: &mut Reader<'_>| {
            let length = reader.len();
            let said = reader.u8().ok()? == VERSION.wire()
                && reader.u8().ok()? == kind
                && usize::from(reader.u16().ok()?) == length
                && reader.u32().ok()? == self.xid;
            said.then_some(())
        };
        is_head(TYPES[0], &mut reader)?;
        let bundle_id = reader.u32().ok()?;
        reader.skip(2).ok()?;
        let flags = BundleFlags(reader.u16().ok()?);
        is_head(TYPES[1], &mut reader)?;
        ((self.version, self.bundle_id, self.flags) == (VERSION, bundle_id, flags))
            .then_some(reader)
    }
}
