//! Roles of controllers and what a switch tells them unasked (OpenFlow 1.5.1, 7.3.8 and 7.3.10).

use super::wire::{Put, Reader, Writer};
use super::{DecodeError, OfpError, property};
use crate::Version;

/// What a controller may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Asks for the present role and changes nothing.
    NoChange,
    /// Everything, as others.
    Equal,
    /// Everything, and there is one only.
    Master,
    /// Only reading.
    Slave,
}

/// `OFPT_ROLE_REQUEST` and its reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoleMessage {
    /// The role.
    pub role: Role,
    /// A number that grows with each election, so that a late master is refused; all ones: none.
    pub generation_id: u64,
}

impl RoleMessage {
    pub(super) fn put(self, out: &mut Writer) {
        out.u32(match self.role {
            Role::NoChange => 0,
            Role::Equal => 1,
            Role::Master => 2,
            Role::Slave => 3,
        });
        out.zeros(4);
        out.u64(self.generation_id);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let role = match reader.u32()? {
            0 => Role::NoChange,
            1 => Role::Equal,
            2 => Role::Master,
            3 => Role::Slave,
            _ => return Err(place.error(OfpError::ROLE_BAD)),
        };
        reader.skip(4)?;
        Ok(Self {
            role,
            generation_id: reader.u64()?,
        })
    }
}

/// `OFPT_SET_ASYNC` and `OFPT_GET_ASYNC_REPLY`: the reasons for which a controller is told, a bit each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AsyncConfig {
    /// For each kind of message, in the order of OpenFlow 1.4's properties (packet-in, port status, flow removed, role
    /// status, table status, request forward): the mask as slave and as master; `None` where nothing is said.
    pub masks: [(Option<u32>, Option<u32>); 6],
}

impl AsyncConfig {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        if version >= Version::V14 {
            for (i, (slave, master)) in (0u16..).zip(&self.masks) {
                for (kind, mask) in [(2 * i, slave), (2 * i + 1, master)] {
                    if let Some(mask) = mask {
                        super::nicira::property(out, kind, &mask.to_be_bytes());
                    }
                }
            }
            return;
        }
        for (slave, master) in self.masks.iter().take(3) {
            out.u32(master.unwrap_or(0));
            out.u32(slave.unwrap_or(0));
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        let mut config = Self::default();
        if version < Version::V14 {
            for masks in config.masks.iter_mut().take(3) {
                let (master, slave) = (reader.u32()?, reader.u32()?);
                *masks = (Some(slave), Some(master));
            }
            return Ok(config);
        }
        while !reader.is_empty() {
            let place = *reader;
            let (kind, mut data) = property::next(reader)?;
            let mask = data.u32().map_err(|_| place.error(OfpError::PROPERTY_BAD_LEN))?;
            let Some(masks) = config.masks.get_mut(usize::from(kind / 2)) else {
                return Err(place.error(OfpError::PROPERTY_BAD_TYPE));
            };
            if kind % 2 == 0 {
                masks.0 = Some(mask);
            } else {
                masks.1 = Some(mask);
            }
        }
        Ok(config)
    }
}
