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

impl Role {
    fn number(self) -> u32 {
        match self {
            Self::NoChange => 0,
            Self::Equal => 1,
            Self::Master => 2,
            Self::Slave => 3,
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [Self::NoChange, Self::Equal, Self::Master, Self::Slave]
            .into_iter()
            .find(|role| role.number() == number)
    }

    /// Appends the body of `NXT_ROLE_REQUEST` and its reply, which counts from 0 for [`Role::Equal`].
    pub(super) fn put_nx(self, out: &mut Writer) {
        out.u32(self.number().saturating_sub(1));
    }

    /// Reads the body of `NXT_ROLE_REQUEST` and its reply.
    pub(crate) fn read_nx(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let number = reader.u32()?;
        number
            .checked_add(1)
            .and_then(Self::from_number)
            .ok_or_else(|| place.error(OfpError::ROLE_BAD))
    }
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
        out.u32(self.role.number());
        out.zeros(4);
        out.u64(self.generation_id);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let role =
            Role::from_number(reader.u32()?).ok_or_else(|| place.error(OfpError::ROLE_BAD))?;
        reader.skip(4)?;
        Ok(Self {
            role,
            generation_id: reader.u64()?,
        })
    }
}

/// `OFPT_ROLE_STATUS`: the controller has another role now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleStatus {
    /// The role.
    pub role: Role,
    /// Why: 0 another became master, 1 the switch was configured so, 2 an experimenter's reason.
    pub reason: u8,
    /// The generation of the election; all ones: none.
    pub generation_id: u64,
    /// Properties: type and data.
    pub properties: Vec<(u16, Vec<u8>)>,
}

impl RoleStatus {
    pub(super) fn put(&self, out: &mut Writer) {
        out.u32(self.role.number());
        out.u8(self.reason);
        out.zeros(3);
        out.u64(self.generation_id);
        property::put_all(out, &self.properties);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let place = *reader;
        let role =
            Role::from_number(reader.u32()?).ok_or_else(|| place.error(OfpError::ROLE_BAD))?;
        let reason = reader.u8()?;
        reader.skip(3)?;
        Ok(Self {
            role,
            reason,
            generation_id: reader.u64()?,
            properties: property::all(reader)?,
        })
    }
}

/// `OFPT_SET_ASYNC` and `OFPT_GET_ASYNC_REPLY`: the reasons for which a controller is told, a bit each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AsyncConfig {
    /// For each kind of message, in the order of OpenFlow 1.4's properties (packet-in, port status, flow removed, role
    /// status, table status, request forward): the mask as slave and as master; `None` where nothing is said.
    pub masks: [(Option<u32>, Option<u32>); 6],
    /// Properties that are not known: type and data.
    pub others: Vec<(u16, Vec<u8>)>,
}

impl AsyncConfig {
    pub(super) fn put(&self, out: &mut Writer, version: Version) {
        if version >= Version::V14 {
            self.put_properties(out);
        } else {
            self.put_masks(out);
        }
    }

    pub(super) fn put_properties(&self, out: &mut Writer) {
        for (i, (slave, master)) in (0u16..).zip(&self.masks) {
            for (kind, mask) in [(2 * i, slave), (2 * i + 1, master)] {
                if let Some(mask) = mask {
                    property::put(out, kind, &mask.to_be_bytes());
                }
            }
        }
        property::put_all(out, &self.others);
    }

    pub(super) fn put_masks(&self, out: &mut Writer) {
        for (slave, master) in self.masks.iter().take(3) {
            out.u32(master.unwrap_or(0));
            out.u32(slave.unwrap_or(0));
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, version: Version) -> Result<Self, DecodeError> {
        if version >= Version::V14 {
            Self::read_properties(reader, version)
        } else {
            Self::read_masks(reader)
        }
    }

    /// Reads the form of OpenFlow 1.3 and of `NXT_SET_ASYNC_CONFIG`.
    pub(crate) fn read_masks(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut config = Self::default();
        for masks in config.masks.iter_mut().take(3) {
            let (master, slave) = (reader.u32()?, reader.u32()?);
            *masks = (Some(slave), Some(master));
        }
        Ok(config)
    }

    /// Reads the form of OpenFlow 1.4 and of `NXT_SET_ASYNC_CONFIG2`. What no version knows can not be asked for.
    pub(crate) fn read_properties(
        reader: &mut Reader<'_>,
        version: Version,
    ) -> Result<Self, DecodeError> {
        let mut config = Self::default();
        while !reader.is_empty() {
            let place = *reader;
            let (kind, data) = property::next_of(reader, 0xfffe)?;
            let index = usize::from(kind / 2);
            let Some(masks) = config.masks.get_mut(index) else {
                if place.keeps() {
                    config.others.push((kind, data.rest().to_vec()));
                    continue;
                }
                return Err(place.error(OfpError::ASYNC_UNSUPPORTED));
            };
            let mask = property::u32(data)?;
            if !place.keeps() && mask & !Self::reasons(index, version) != 0 {
                return Err(place.error(OfpError::ASYNC_INVALID));
            }
            if kind % 2 == 0 {
                masks.0 = Some(mask);
            } else {
                masks.1 = Some(mask);
            }
        }
        Ok(config)
    }

    /// The reasons that there are for a kind of message, by its place in [`AsyncConfig::masks`].
    pub(crate) fn reasons(index: usize, version: Version) -> u32 {
        match index {
            // Why an action sent the packet is told since OpenFlow 1.4.
            0 if version < Version::V14 => 0b111,
            0 | 2 => 0b11_1111,
            1 | 3 => 0b111,
            // No reason is smaller than 3.
            4 => 0b1_1000,
            _ => 0b11,
        }
    }
}
