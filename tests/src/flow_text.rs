//! Flows by chance, in the syntax of ovs-ofctl(8): every field, action and spelling of the field table and of
//! ovs-actions(7). Most make sense, some do not. Knows only names; what they mean is for whoever reads them.

mod actions;
mod values;

pub use actions::ACTIONS;

use crate::random::Random;
use flows::Field;
use flows::field::{Masking, Prerequisite};

/// Words that make a match of packets of one kind, and the prerequisites that they fulfil.
const KINDS: &[(&[&str], &[Prerequisite])] = {
    use Prerequisite::*;
    &[
        (&[""], &[Ethernet]),
        (
            &["ip", "dl_type=0x0800", "eth_type=2048", "eth,ip"],
            &[Ethernet, Ipv4, Ip],
        ),
        (&["ipv6", "ip6", "dl_type=0x86dd"], &[Ethernet, Ipv6, Ip]),
        (
            &["tcp", "ip,nw_proto=6", "dl_type=0x800,ip_proto=6"],
            &[Ethernet, Ipv4, Ip, Tcp],
        ),
        (&["tcp6", "ipv6,nw_proto=6"], &[Ethernet, Ipv6, Ip, Tcp]),
        (&["udp", "ip,nw_proto=17"], &[Ethernet, Ipv4, Ip, Udp]),
        (&["udp6"], &[Ethernet, Ipv6, Ip, Udp]),
        (&["sctp", "ip,nw_proto=132"], &[Ethernet, Ipv4, Ip, Sctp]),
        (&["sctp6"], &[Ethernet, Ipv6, Ip, Sctp]),
        (&["icmp", "ip,nw_proto=1"], &[Ethernet, Ipv4, Ip, Icmpv4]),
        (
            &["icmp6", "ipv6,nw_proto=58", "icmp6"],
            &[Ethernet, Ipv6, Ip, Icmpv6],
        ),
        (
            &[
                "icmp6,icmp_type=135",
                "icmp6,icmpv6_type=135,icmpv6_code=0",
                "icmp6,icmp_type=135,icmp_code=0",
            ],
            &[Ethernet, Ipv6, Ip, Icmpv6, Nd, NdSolicit],
        ),
        (
            &["icmp6,icmp_type=136", "icmp6,icmpv6_type=136"],
            &[Ethernet, Ipv6, Ip, Icmpv6, Nd, NdAdvert],
        ),
        (&["arp", "dl_type=0x0806"], &[Ethernet, Arp]),
        (&["rarp", "dl_type=0x8035"], &[Ethernet, Arp]),
        (
            &["mpls", "mplsm", "dl_type=0x8847", "eth_type=0x8848"],
            &[Ethernet, Mpls],
        ),
        (&["dl_type=0x894f"], &[Ethernet, Nsh]),
        (&["packet_type=(1,0x894f)"], &[Nsh]),
        (&["packet_type=(1,0x800)"], &[Ipv4, Ip]),
        (&["packet_type=(0,0)", "eth"], &[Ethernet]),
        (&["ct_state=+trk,ip"], &[Ethernet, Ipv4, Ip, Ct]),
        (&["ct_state=+trk,ipv6"], &[Ethernet, Ipv6, Ip, Ct]),
        (
            &["ct_state=+trk+est,tcp,ct_nw_proto=6"],
            &[Ethernet, Ipv4, Ip, Tcp, Ct],
        ),
        (&["dl_type=0x88cc", "dl_type=5"], &[Ethernet]),
    ]
};

/// What a flow matches so far, by which the rest is chosen.
struct Kind {
    fulfilled: Vec<Prerequisite>,
    words: Vec<String>,
}

/// Writes flows.
pub struct FlowText<'a> {
    random: &'a mut Random,
}

impl<'a> FlowText<'a> {
    /// A writer whose choices are those of `random`.
    pub fn new(random: &'a mut Random) -> Self {
        Self { random }
    }

    /// A line as `ovs-ofctl add-flows` takes it, of one flow with or without a command in front.
    pub fn line(&mut self) -> String {
        let command = if self.random.chance(70) {
            ""
        } else {
            self.random
                .pick(&["add", "modify", "modify_strict", "delete", "delete_strict"])
        };
        let mut line = String::from(command);
        if !command.is_empty() {
            line.push(' ');
        }
        let delete = command.starts_with("delete");
        let kind = self.kind();
        let mut words = self.properties(command);
        words.extend(self.fields(&kind));
        let separator = self.random.pick(&[",", ",", ", ", " "]);
        line.push_str(&words.join(separator));
        if !delete || self.random.chance(2) {
            if !words.is_empty() {
                line.push_str(self.random.pick(&[",", " ", ", "]));
            }
            line.push_str(self.random.pick(&["actions=", "actions=", "action="]));
            let list = self.instructions(&kind);
            line.push_str(&list);
        }
        if self.random.chance(4) && line.len() > 1 {
            self.spoil(&mut line);
        }
        // A line of nothing is none.
        if line.trim().is_empty() {
            line.push_str("actions=drop");
        }
        line
    }

    /// A match alone.
    pub fn match_text(&mut self) -> String {
        let kind = self.kind();
        self.fields(&kind).join(",")
    }

    fn kind(&mut self) -> Kind {
        let index = self.random.below(KINDS.len() as u64);
        let (spellings, fulfilled) = KINDS
            .get(usize::try_from(index).unwrap_or(0))
            .copied()
            .unwrap_or_default();
        let mut kind = Kind {
            fulfilled: fulfilled.to_vec(),
            words: vec![self.random.pick(spellings).to_owned()],
        };
        kind.fulfilled.push(Prerequisite::Always);
        kind.words.retain(|word| !word.is_empty());
        if kind.fulfilled.contains(&Prerequisite::Ethernet) && self.random.chance(15) {
            let tag = self.random.pick(&[
                "dl_vlan=7",
                "vlan_vid=0x1005",
                "vlan_tci=0x1000/0x1000",
                "vlan_tci=0x7003",
                "dl_vlan=3,dl_vlan_pcp=2",
                "vlan_vid=0x1000/0x1000",
            ]);
            kind.words.push(tag.to_owned());
            kind.fulfilled.push(Prerequisite::Vlan);
        }
        kind
    }

    fn properties(&mut self, command: &str) -> Vec<String> {
        let mut words = Vec::new();
        let strict = !matches!(command, "modify" | "delete");
        let change = !matches!(command, "" | "add");
        if self.random.chance(30) {
            let cookie = self.spelled(64);
            let masked = if change {
                self.random.chance(50)
            } else {
                self.random.chance(2)
            };
            words.push(if masked {
                let mask = if self.random.chance(40) {
                    "-1".to_owned()
                } else {
                    self.spelled(64)
                };
                format!("cookie={cookie}/{mask}")
            } else {
                format!("cookie={cookie}")
            });
        }
        if self.random.chance(50) {
            let table = self.random.number(8);
            words.push(format!("table={table}"));
        }
        if strict && self.random.chance(50) || self.random.chance(1) {
            words.push(format!("priority={}", self.random.u16()));
        }
        for name in ["idle_timeout", "hard_timeout", "importance"] {
            if self.random.chance(8) {
                words.push(format!("{name}={}", self.random.u16()));
            }
        }
        for name in [
            "send_flow_rem",
            "check_overlap",
            "reset_counts",
            "no_packet_counts",
            "no_byte_counts",
            "allow_hidden_fields",
        ] {
            if self.random.chance(3) {
                words.push(name.to_owned());
            }
        }
        if change && self.random.chance(15) {
            words.push(format!("out_port={}", self.port()));
        }
        if change && self.random.chance(8) {
            words.push(format!("out_group={}", self.random.u32()));
        }
        if command.is_empty() && self.random.chance(10) {
            let (seconds, millis) = (self.random.u32(), self.random.below(1000));
            words.push(format!("duration={seconds}.{millis:03}s"));
            words.push(format!("n_packets={}", self.random.u64()));
            words.push(format!("n_bytes={}", self.random.u64()));
            words.push(format!("idle_age={}", self.random.u16()));
        }
        words
    }

    /// Fields that packets of the kind have, and seldom one that they have not.
    fn fields(&mut self, kind: &Kind) -> Vec<String> {
        let mut words = kind.words.clone();
        for _ in 0..self.random.below(4) {
            let field = self.field(|field| {
                let info = field.info();
                kind.fulfilled.contains(&info.prerequisite)
                    && !matches!(field, Field::EthType | Field::PacketType)
            });
            let key = self.match_key(field);
            let value = self.value(field, field.info().masking == Masking::Masked);
            words.push(if value.is_empty() {
                key
            } else {
                format!("{key}={value}")
            });
        }
        words
    }

    /// A field, most often one for which `fit` holds.
    fn field(&mut self, fit: impl Fn(Field) -> bool) -> Field {
        let strange = self.random.chance(1);
        for _ in 0..2000 {
            let field = *self.random.pick(&Field::ALL.iter().collect::<Vec<_>>());
            // There are 64 alike.
            if field.is_tun_metadata() && !self.random.chance(5) {
                continue;
            }
            if fit(field) || strange {
                return field;
            }
        }
        Field::Reg0
    }

    /// One of the names of a field.
    fn field_name(&mut self, field: Field) -> String {
        let info = field.info();
        let mut names = vec![info.name, info.name];
        if !info.alias.is_empty() {
            names.extend([info.alias, info.alias]);
        }
        names.extend(info.wire.iter().map(|id| id.name));
        self.random.pick(&names).to_owned()
    }

    fn match_key(&mut self, field: Field) -> String {
        if self.random.chance(98) {
            let info = field.info();
            let name = if info.alias.is_empty() || self.random.chance(50) {
                info.name
            } else {
                info.alias
            };
            return name.to_owned();
        }
        self.field_name(field)
    }

    /// Bites off, doubles or changes a byte.
    fn spoil(&mut self, line: &mut String) {
        let at = usize::try_from(self.random.below(line.len() as u64)).unwrap_or(0);
        match self.random.below(4) {
            0 => line.truncate(at),
            1 => {
                let byte = line.remove(at);
                line.insert(at, byte);
                line.insert(at, byte);
            }
            2 => {
                line.remove(at);
            }
            _ => {
                let new = self
                    .random
                    .pick(&[",", "(", ")", "=", ":", "/", "0", "x", "[", "]", "-", " "]);
                line.replace_range(at..=at, new);
            }
        }
    }
}
