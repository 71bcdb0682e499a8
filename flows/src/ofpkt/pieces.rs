//! Parts of messages by themselves: matches, actions and instructions to bytes and back, for tools and tests.

use super::actions::{self, Context};
use super::oxm::{self, Strictness};
use super::wire::{Put, Reader};
use super::{DecodeError, OfpError, error_table, instructions, match_old};
use crate::{Action, Instructions, Match, Version};

/// The entries of a match without head and padding; NXM in OpenFlow 1.0 and 1.1, else OXM.
#[must_use]
pub fn encode_entries(matches: &Match, version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    oxm::put_match(&mut out, matches, version);
    out
}

/// A match from its entries. With `strict` unknown fields are an error, otherwise they are passed over.
///
/// # Errors
/// If the entries are malformed or contradict one another.
pub fn decode_entries(bytes: &[u8], strict: bool) -> Result<Match, DecodeError> {
    let strictness = if strict {
        Strictness::Strict
    } else {
        Strictness::Loose
    };
    oxm::read_match(Reader::new(bytes, 0), strictness).map(|(matches, _)| matches)
}

/// The cookie and its mask that entries hold beside a match (`NXM_NX_COOKIE`), if they do.
///
/// # Errors
/// If the entries are malformed or contradict one another.
pub fn decode_cookie(bytes: &[u8]) -> Result<Option<(u64, u64)>, DecodeError> {
    oxm::read_match(Reader::new(bytes, 0), Strictness::Loose).map(|(_, cookie)| cookie)
}

/// The entry that asks for a cookie under a mask.
#[must_use]
pub fn encode_cookie(cookie: u64, mask: u64) -> Vec<u8> {
    let mut out = Vec::new();
    oxm::put_cookie(&mut out, cookie, mask);
    out
}

/// An `ofp_match` with head and padding; in OpenFlow 1.0 the 40 bytes of its own form.
#[must_use]
pub fn encode_match(matches: &Match, version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    match version {
        Version::V10 => match_old::put_v10(&mut out, matches),
        _ => oxm::put_any_match(&mut out, matches, version),
    }
    out
}

/// A match from an `ofp_match`. Of OpenFlow 1.0's form nothing is left out that its packets do not have.
///
/// # Errors
/// If the bytes are malformed.
pub fn decode_match(bytes: &[u8], version: Version) -> Result<Match, DecodeError> {
    let mut reader = Reader::new(bytes, 0);
    match version {
        Version::V10 => match_old::read_v10(&mut reader),
        _ => oxm::any_match(&mut reader, Strictness::Strict),
    }
}

/// A list of actions, for packets of any kind.
#[must_use]
pub fn encode_actions(list: &[Action], version: Version) -> Vec<u8> {
    let (mut out, any) = (Vec::new(), Match::new());
    actions::put_list(&mut out, list, &mut Context::new(version, &any));
    out
}

/// A list of actions from bytes.
///
/// # Errors
/// If the bytes are malformed.
pub fn decode_actions(bytes: &[u8], version: Version) -> Result<Vec<Action>, DecodeError> {
    actions::read_list(Reader::new(bytes, 0), version, 0)
}

/// Instructions, for packets of any kind; in OpenFlow 1.0 a list of actions.
#[must_use]
pub fn encode_instructions(what: &Instructions, version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    instructions::put(&mut out, what, &Match::new(), version);
    out
}

/// Instructions from bytes; in OpenFlow 1.0 from a list of actions.
///
/// # Errors
/// If the bytes are malformed.
pub fn decode_instructions(bytes: &[u8], version: Version) -> Result<Instructions, DecodeError> {
    instructions::read(Reader::new(bytes, 0), version)
}

/// The whole error message that refuses `request`, in the request's version and with its transaction id. An error that the
/// version has no words for gives `None`.
#[must_use]
pub fn error_reply(error: OfpError, request: &[u8]) -> Option<Vec<u8>> {
    let head = request.first_chunk::<8>()?;
    let [version, _, _, _, xid @ ..] = *head;
    let version = Version::from_wire(version)?;
    let (vendor, kind, code) = error_table::meaning(error.name(), version)?;
    let mut out = vec![version.wire(), 1, 0, 0];
    out.extend_from_slice(&xid);
    match (vendor, version) {
        (0, _) => {
            out.u16(kind);
            out.u16(code);
        }
        (vendor, Version::V10 | Version::V11) => {
            out.u16(0xb0c2);
            out.u16(0);
            out.u32(vendor);
            out.u16(kind);
            out.u16(code);
        }
        (vendor, _) => {
            out.u16(0xffff);
            out.u16(kind);
            out.u32(vendor);
        }
    }
    out.extend_from_slice(request);
    out.fill_len(0, 2);
    Some(out)
}

/// The error of this name, such as `OFPBRC_BAD_LEN`, if there is one.
#[must_use]
pub fn error_named(name: &str) -> Option<OfpError> {
    error_table::named(name)
}

/// Vendor (0: OpenFlow itself), type and code of an error in a version.
#[must_use]
pub fn error_meaning(error: OfpError, version: Version) -> Option<(u32, u16, u16)> {
    error_table::meaning(error.name(), version)
}
