//! How a packet that stopped for a controller goes on: the properties that Open vSwitch puts into `NXT_PACKET_IN2` and
//! takes back from `NXT_RESUME`. Private to the switch; read here only to be told.

use super::wire::Reader;
use super::{DecodeError, OfpError, actions, property};
use crate::{Action, Version};

/// What goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Continuation {
    /// The bridge's UUID; 0 for none.
    pub(crate) bridge: u128,
    /// The stack, from its top.
    pub(crate) stack: Vec<Vec<u8>>,
    /// Mirrors that have the packet already, a bit each.
    pub(crate) mirrors: u32,
    /// True if the packet has been through connection tracking.
    pub(crate) conntracked: bool,
    /// What is still to be done, with the table and the cookie of the flow that asked for it.
    pub(crate) actions: Vec<(u8, u64, Vec<Action>)>,
    /// The action set.
    pub(crate) action_set: Vec<Action>,
    /// The datapath's number of the port.
    pub(crate) odp_port: u32,
}

/// Reads the properties.
pub(crate) fn read(data: &[u8], version: Version) -> Result<Continuation, DecodeError> {
    let mut reader = Reader::new(data, 0);
    let mut found = Continuation::default();
    let (mut table, mut cookie) = (0, 0);
    while !reader.is_empty() {
        let (kind, mut data) = property::next(&mut reader)?;
        let list = |mut data: Reader<'_>| {
            data.skip(4).map_err(|e| DecodeError {
                error: OfpError::PROPERTY_BAD_LEN,
                ..e
            })?;
            actions::read_list(data, version, 0)
        };
        match kind {
            0x8000 => {
                if data.len() != 16 {
                    return Err(data.error(OfpError::PROPERTY_BAD_LEN));
                }
                found.bridge = data.u128()?;
            }
            0x8001 => {
                if data.len() > 128 {
                    return Err(data.error(OfpError::PROPERTY_BAD_LEN));
                }
                found.stack.push(data.rest().to_vec());
            }
            0x8002 => found.mirrors = property::u32(data)?,
            0x8003 => found.conntracked = true,
            0x8004 => table = property::u8(data)?,
            0x8005 => cookie = property::u64(data)?,
            0x8006 => found.actions.push((table, cookie, list(data)?)),
            0x8007 => found.action_set.extend(list(data)?),
            0x8008 => found.odp_port = property::u32(data)?,
            // What a later version adds is not told.
            _ => {}
        }
    }
    Ok(found)
}
