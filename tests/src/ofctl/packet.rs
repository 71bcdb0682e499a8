//! Packets to send.

use flows::Version;
use flows::ofpkt::{Body, PacketOut};
use flows::text::{check_sayable, parse_instructions, parse_packet_out};

use super::format::Formats;
use super::{Call, Stop, fatal, unhex};

impl Formats {
    /// The formats in which a packet to send can be said.
    pub(super) fn of_packet_out(packet: &PacketOut) -> Self {
        let instructions = flows::Instructions::new().apply(packet.actions.clone());
        let usable = |format: &Self| check_sayable(&instructions, format.version()).is_ok();
        Self::ANY.each().filter(usable).sum()
    }
}

impl Call {
    pub(super) fn packet_out(&mut self, bridge: &str, text: &str) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let packet = parse_packet_out(text, &names).map_err(|error| Stop::Fatal(error.what))?;
        self.send_packet(bridge, packet)
    }

    /// The older way to say it: port, actions, packets.
    pub(super) fn packet_out_of(
        &mut self,
        bridge: &str,
        port: &str,
        actions: &str,
        packets: &[&str],
    ) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let port = self.port(bridge, port)?;
        let actions = parse_instructions(actions, &names)
            .map_err(|error| Stop::Fatal(error.what))?
            .apply;
        for packet in packets {
            let packet = PacketOut::new(port, actions.clone(), unhex(packet)?);
            self.send_packet(bridge, packet)?;
        }
        Ok(())
    }

    fn send_packet(&mut self, bridge: &str, packet: PacketOut) -> Result<(), Stop> {
        let (mut connection, format) = self.connect_for(bridge, Formats::of_packet_out(&packet))?;
        let only_port = packet.metadata == PacketOut::new(packet.in_port(), [], []).metadata;
        if format.version() < Version::V15 && !only_port {
            return fatal("only OpenFlow 1.5 sends packets with metadata");
        }
        self.change(&mut connection, Body::PacketOut(packet))
    }
}
