//! `OFPT_ERROR` (OpenFlow 1.5.1, 7.5.4).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError};
use crate::Version;

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorMessage {
    /// The class of the error; 0xffff for an experimenter's.
    pub kind: u16,
    /// The error within its class; of an experimenter's error its type.
    pub code: u16,
    /// Who defined the error, if its class is 0xffff.
    pub experimenter: Option<u32>,
    /// At least the first 64 bytes of the refused request, or a text in `OFPT_HELLO_FAILED`.
    pub data: Vec<u8>,
    /// For errors that Nicira defined for OpenFlow 1.0 and 1.1: type and code, which stand after the experimenter.
    pub nicira: Option<(u16, u16)>,
}

impl ErrorMessage {
    /// The error's name, if it is one that Open vSwitch knows.
    #[must_use]
    pub fn error(&self, version: Version) -> Option<OfpError> {
        super::error_table::find(self, version)
    }

    pub(super) fn put(&self, out: &mut Writer) {
        out.u16(self.kind);
        out.u16(self.code);
        if let Some(experimenter) = self.experimenter {
            out.u32(experimenter);
        }
        if let Some((kind, code)) = self.nicira {
            out.u16(kind);
            out.u16(code);
        }
        out.extend_from_slice(&self.data);
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let (kind, code) = (reader.u16()?, reader.u16()?);
        let mut message = Self {
            kind,
            code,
            experimenter: None,
            data: Vec::new(),
            nicira: None,
        };
        // 0xb0c2 is how Nicira's errors are told in OpenFlow 1.0 and 1.1 (NXET_VENDOR).
        if kind == 0xb0c2 && code == 0 && version <= Version::V11 {
            message.experimenter = Some(reader.u32()?);
            message.nicira = Some((reader.u16()?, reader.u16()?));
        } else if kind == 0xffff {
            // Before OpenFlow 1.2 there was no such class, which Open vSwitch passes over.
            message.experimenter = Some(reader.u32()?);
        }
        message.data = reader.bytes(reader.len())?.to_vec();
        Ok(message)
    }
}
