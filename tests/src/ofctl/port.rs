//! The switch, its ports and their queues.

use flows::ofpkt::{
    ALL_QUEUES, Body, MultipartReply, MultipartRequest, PortDesc, PortMod, QueueRequest,
    SwitchConfig,
};
use flows::text::{Names, print_message};
use flows::{Port, Version};

use super::{Call, Stop, fatal};
use crate::Connection;

/// The ports of a switch.
pub(super) fn ports(connection: &mut Connection) -> Result<Vec<PortDesc>, Stop> {
    if connection.version() < Version::V13 {
        let answer = connection.ask(Body::FeaturesRequest)?;
        return match answer.into_iter().next().map(|(_, message)| message.body) {
            Some(Body::FeaturesReply(features)) => Ok(features.ports),
            other => fatal(format!("no features: {other:?}")),
        };
    }
    let question = Body::MultipartRequest(MultipartRequest::PortDesc(Port::ANY));
    let mut all = Vec::new();
    for part in connection.ask_parts(question)? {
        match part {
            MultipartReply::PortDesc(ports) => all.extend(ports),
            other => return fatal(format!("no ports: {other:?}")),
        }
    }
    Ok(all)
}

/// The switch's configuration.
pub(super) fn config(connection: &mut Connection) -> Result<SwitchConfig, Stop> {
    let answer = connection.ask(Body::GetConfigRequest)?;
    match answer.into_iter().next().map(|(_, message)| message.body) {
        Some(Body::GetConfigReply(config)) => Ok(config),
        other => fatal(format!("no configuration: {other:?}")),
    }
}

/// Bits of `ofp_port_config` by the word that sets or clears them.
const PORT_CONFIG: [(&str, u32, bool); 8] = [
    ("up", 1, false),
    ("down", 1, true),
    ("stp", 1 << 1, false),
    ("receive", 1 << 2, false),
    ("receive-stp", 1 << 3, false),
    ("flood", 1 << 4, false),
    ("forward", 1 << 5, false),
    ("packet-in", 1 << 6, false),
];

const FRAGMENTS: [&str; 4] = ["normal", "drop", "reassemble", "nx-match"];

impl Call {
    pub(super) fn show(&mut self, bridge: &str) -> Result<(), Stop> {
        let mut connection = self.connect(bridge)?;
        for (bytes, message) in connection.ask(Body::FeaturesRequest)? {
            crate::connection::again(&bytes, &message)?;
            let verbosity = self.options.verbosity + 1;
            self.answer.out += &print_message(&bytes, verbosity, &Names::default());
        }
        if connection.version() >= Version::V13 {
            let all = MultipartRequest::PortDesc(Port::ANY);
            self.print_answer(&mut connection, Body::MultipartRequest(all))?;
        }
        self.ask_and_print(bridge, Body::GetConfigRequest)
    }

    pub(super) fn get_frags(&mut self, bridge: &str) -> Result<(), Stop> {
        let config = config(&mut self.connect(bridge)?)?;
        let mode = FRAGMENTS.get(usize::from(config.flags & 3));
        self.answer.out += &format!("{}\n", mode.copied().unwrap_or_default());
        Ok(())
    }

    pub(super) fn set_frags(&mut self, bridge: &str, mode: &str) -> Result<(), Stop> {
        let flags = FRAGMENTS
            .iter()
            .zip(0u16..)
            .find(|(name, _)| *name == &mode);
        let Some((_, flags)) = flags else {
            return fatal(format!("{mode}: unknown fragment handling mode"));
        };
        let mut connection = self.connect(bridge)?;
        let mut wanted = config(&mut connection)?;
        wanted.flags = wanted.flags & !3 | flags;
        self.change(&mut connection, Body::SetConfig(wanted))
    }

    pub(super) fn dump_ports(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let port = self.port_or_any(bridge, which)?;
        self.dump(bridge, MultipartRequest::PortStats(port))
    }

    pub(super) fn dump_ports_desc(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let port = self.port_or_any(bridge, which)?;
        self.dump(bridge, MultipartRequest::PortDesc(port))
    }

    fn port_or_any(&mut self, bridge: &str, which: &[&str]) -> Result<Port, Stop> {
        match which.first() {
            None | Some(&"" | &"all" | &"ALL" | &"any" | &"ANY") => Ok(Port::ANY),
            Some(port) => self.port(bridge, port),
        }
    }

    pub(super) fn mod_port(&mut self, bridge: &str, port: &str, action: &str) -> Result<(), Stop> {
        let mut connection = self.connect(bridge)?;
        let number = port.parse().ok().map(Port::from_u16);
        let found = ports(&mut connection)?
            .into_iter()
            .find(|desc| number.map_or(desc.name == port, |number| desc.port == number));
        let Some(found) = found else {
            return fatal(format!("{bridge}: couldn't find port `{port}'"));
        };
        let positive = action
            .strip_prefix("no-")
            .or_else(|| action.strip_prefix("no"))
            .unwrap_or(action);
        let known = PORT_CONFIG.iter().find(|(name, ..)| *name == positive);
        let Some((_, bit, sets)) = known else {
            return fatal(format!("unknown mod-port command '{action}'"));
        };
        let on = *sets != (positive != action);
        let change = PortMod {
            port: found.port,
            hw_addr: found.hw_addr,
            config: if on { *bit } else { 0 },
            mask: *bit,
            advertise: None,
            properties: Vec::new(),
        };
        self.change(&mut connection, Body::PortMod(change))
    }

    pub(super) fn queue_stats(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let request = self.queue(bridge, which)?;
        self.dump(bridge, MultipartRequest::Queue(request))
    }

    fn queue(&mut self, bridge: &str, which: &[&str]) -> Result<QueueRequest, Stop> {
        let port = self.port_or_any(bridge, which)?;
        let queue = match which.get(1) {
            None | Some(&"" | &"all" | &"ALL") => ALL_QUEUES,
            Some(number) => number.parse().unwrap_or(0),
        };
        Ok(QueueRequest { port, queue })
    }

    /// How queues are set up. OpenFlow 1.0 can be asked only port by port.
    pub(super) fn queue_config(&mut self, bridge: &str, which: &[&str]) -> Result<(), Stop> {
        let request = self.queue(bridge, which)?;
        let mut connection = self.connect(bridge)?;
        match connection.version() {
            Version::V14 | Version::V15 => {
                let question = MultipartRequest::QueueDesc(request);
                self.print_answer(&mut connection, Body::MultipartRequest(question))
            }
            Version::V10 if request.port == Port::ANY => {
                for desc in ports(&mut connection)? {
                    if desc.port < Port::MAX {
                        let question = Body::QueueGetConfigRequest(desc.port);
                        self.print_answer(&mut connection, question)?;
                    }
                }
                Ok(())
            }
            _ => self.print_answer(&mut connection, Body::QueueGetConfigRequest(request.port)),
        }
    }
}
