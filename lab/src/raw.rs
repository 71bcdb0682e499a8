//! Raw Ethernet frames out of a station's interface, exactly as given: what a guest that lies would send.

use std::os::fd::AsRawFd;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, MsgFlags, sendto};
use socket2::{Domain, Socket, Type};

use crate::station::Station;
use crate::{Error, Result};

/// A packet socket on a station's interface.
pub struct Raw {
    socket: Socket,
    link: LinkAddr,
    name: String,
}

impl Raw {
    pub(crate) fn open(station: &Station) -> Result<Self> {
        let name = format!("{} of {}", station.nic(), station.name());
        station.namespace().run(|| {
            // Protocol 0: for sending only.
            let socket = Socket::new(Domain::PACKET, Type::RAW, None);
            let socket = socket.map_err(Error::io("open a packet socket"))?;
            let all = getifaddrs().map_err(Error::errno(format!(
                "list the interfaces of {}",
                station.name()
            )))?;
            let link = all
                .filter(|interface| interface.interface_name == station.nic())
                .find_map(|interface| interface.address?.as_link_addr().copied());
            let link = link.ok_or_else(|| {
                Error::unexpected(&name, "no such interface", "one that is there")
            })?;
            Ok(Self {
                socket,
                link,
                name: name.clone(),
            })
        })
    }

    /// Sends one frame, from the destination MAC address on, without the check sequence.
    ///
    /// # Errors
    /// When the interface is down or the frame is too long for it.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        let sent = sendto(
            self.socket.as_raw_fd(),
            frame,
            &self.link,
            MsgFlags::empty(),
        );
        sent.map(drop).map_err(Error::errno(format!(
            "send {} bytes out of {}",
            frame.len(),
            self.name
        )))
    }
}
