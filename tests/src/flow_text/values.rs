//! Values of fields, with their masks, in every form that ovs-fields(7) names.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::FlowText;
use flows::field::Format;
use flows::{Field, Subfield};

const TCP_FLAGS: &[&str] = &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"];
const CT_STATES: &[&str] = &["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];
const PORTS: &[&str] = &[
    "LOCAL",
    "IN_PORT",
    "NORMAL",
    "FLOOD",
    "ALL",
    "local",
    "in_port",
    "flood",
    "normal",
    "all",
    "CONTROLLER",
    "TABLE",
    "ANY",
    "NONE",
    "UNSET",
];

impl FlowText<'_> {
    /// A number of at most `bits` bits in decimal or hexadecimal.
    pub(super) fn spelled(&mut self, bits: u16) -> String {
        let number = self.random.number(bits);
        match self.random.below(20) {
            0 => format!("0x{number:X}"),
            1 => format!("0X{number:x}"),
            2 if number < 1 << 63 => format!("0{number:o}"),
            3..=9 => format!("{number:#x}"),
            _ if number >= 1 << 64 => format!("{number:#x}"),
            _ => number.to_string(),
        }
    }

    /// A port by number or reserved name.
    pub(super) fn port(&mut self) -> String {
        match self.random.below(10) {
            0..=4 => self.random.below(0xff00).to_string(),
            5 => self.random.u16().to_string(),
            6 if self.random.chance(30) => self.random.u32().to_string(),
            _ => self.random.pick(PORTS).to_owned(),
        }
    }

    pub(super) fn mac(&mut self) -> String {
        let bits = self.random.number(48);
        let octet = |n: u32| u8::try_from(bits >> (8 * n) & 0xff).unwrap_or(0);
        let octets: Vec<u8> = (0..6).rev().map(octet).collect();
        let short = self.random.chance(5);
        let parts = octets.iter().map(|o| {
            if short {
                format!("{o:x}")
            } else {
                format!("{o:02x}")
            }
        });
        let text = parts.collect::<Vec<_>>().join(":");
        if self.random.chance(5) {
            text.to_ascii_uppercase()
        } else {
            text
        }
    }

    pub(super) fn ipv4(&mut self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.random.u32())
    }

    pub(super) fn ipv6(&mut self) -> Ipv6Addr {
        let mut bits = self.random.number(128);
        // Runs of zeros are what the short forms are about.
        for _ in 0..self.random.below(4) {
            bits &= !(0xffff_ffff << self.random.below(97));
        }
        Ipv6Addr::from_bits(bits)
    }

    fn prefix(&mut self, width: u64) -> String {
        format!("/{}", self.random.below(width + 1))
    }

    /// Names with signs, as `+syn-ack`, or with bars.
    fn flags(&mut self, names: &[&str], bars: bool) -> String {
        let mut left = names.to_vec();
        let mut text = String::new();
        for n in 0..=self.random.below(3) {
            let index = self.random.below(left.len() as u64);
            let name = left.remove(usize::try_from(index).unwrap_or(0));
            if bars {
                if n > 0 {
                    text.push('|');
                }
            } else {
                text.push_str(self.random.pick(&["+", "-"]));
            }
            text.push_str(name);
        }
        text
    }

    /// A value of a field, perhaps with a mask.
    pub(super) fn value(&mut self, field: Field, maskable: bool) -> String {
        if self.random.chance(1) {
            return "*".to_owned();
        }
        let masked = if maskable {
            self.random.chance(35)
        } else {
            self.random.chance(2)
        };
        if field.is_tun_metadata() {
            return self.tunnel_option(masked);
        }
        let info = field.info();
        match info.format {
            Format::Decimal | Format::Hex => {
                let bits = if self.random.chance(3) {
                    u16::from(info.bytes) * 8
                } else if field == Field::VlanVid {
                    13
                } else {
                    info.bits
                };
                let value = self.spelled(bits);
                if masked {
                    let mask = self.spelled(bits);
                    format!("{value}/{mask}")
                } else {
                    value
                }
            }
            Format::Ethernet => {
                let value = self.mac();
                if masked {
                    let mask = self.mac();
                    format!("{value}/{mask}")
                } else {
                    value
                }
            }
            Format::Ipv4 => {
                let value = self.ipv4().to_string();
                let mask = match masked {
                    false => String::new(),
                    true if self.random.chance(70) => self.prefix(32),
                    true => format!("/{}", self.ipv4()),
                };
                value + &mask
            }
            Format::Ipv6 => {
                let value = match self.random.below(8) {
                    0 => self.ipv6().to_string().to_ascii_uppercase(),
                    1 => {
                        let parts = self.ipv6().segments().map(|s| format!("{s:04x}"));
                        parts.join(":")
                    }
                    2 => format!("::ffff:{}", self.ipv4()),
                    3 => format!("::{}", self.ipv4()),
                    _ => self.ipv6().to_string(),
                };
                let mask = match masked {
                    false => String::new(),
                    true if self.random.chance(70) => self.prefix(128),
                    true => format!("/{}", self.ipv6()),
                };
                value + &mask
            }
            Format::Port16 | Format::Port => self.port(),
            Format::Frag => match self.random.below(8) {
                0 => self.spelled(2),
                1 => format!("{}/{}", self.random.below(4), self.random.below(4)),
                _ => self
                    .random
                    .pick(&["no", "yes", "first", "later", "not_later"])
                    .to_owned(),
            },
            Format::TunnelFlags => self
                .random
                .pick(&["oam", "+oam", "-oam", "0", "1", "1/1", "0/1", "csum", "key"])
                .to_owned(),
            Format::TcpFlags => match self.random.below(4) {
                0 => format!("{:#x}", self.random.number(12)),
                1 => format!(
                    "{:#x}/{:#x}",
                    self.random.number(12),
                    self.random.number(12)
                ),
                2 => self.flags(TCP_FLAGS, true),
                _ => self.flags(TCP_FLAGS, false),
            },
            Format::CtState => match self.random.below(8) {
                0 => format!("{:#x}", self.random.number(8)),
                1 => format!("{:#x}/{:#x}", self.random.number(8), self.random.number(8)),
                2 => self.flags(CT_STATES, true),
                _ => self.flags(CT_STATES, false),
            },
            Format::PacketType => {
                let (ns, kind) = (self.random.below(3), self.spelled(16));
                format!("({ns},{kind})")
            }
        }
    }

    fn tunnel_option(&mut self, masked: bool) -> String {
        let mut bytes = |least: u64| {
            let most = if self.random.chance(10) { 125 } else { 9 };
            let count = least + self.random.below(most);
            let digits: String = (0..count)
                .map(|_| format!("{:02x}", self.random.u8()))
                .collect();
            format!("0x{digits}")
        };
        if masked {
            format!("{}/{}", bytes(1), bytes(1))
        } else {
            match bytes(0) {
                empty if empty == "0x" => String::new(),
                value => value,
            }
        }
    }

    /// Some bits of a field: `bits` of them, or any number.
    pub(super) fn subfield(&mut self, fit: impl Fn(Field) -> bool, bits: Option<u16>) -> Subfield {
        let field = self.field(|f| fit(f) && bits.is_none_or(|b| f.bits() >= b));
        if field.bits() < bits.unwrap_or(1) {
            return Subfield::whole(Field::Reg0);
        }
        let Some(bits) = bits.or_else(|| {
            let any = self.random.below(u64::from(field.bits())) + 1;
            self.random
                .chance(60)
                .then(|| u16::try_from(any).unwrap_or(1))
        }) else {
            return Subfield::whole(field);
        };
        let offset = self.random.below(u64::from(field.bits() - bits) + 1);
        Subfield::part(field, u16::try_from(offset).unwrap_or(0), bits)
    }

    /// The subfield as text.
    pub(super) fn part(&mut self, part: Subfield) -> String {
        let name = self.field_name(part.field);
        if part.is_whole() {
            return match self.random.below(3) {
                0 => name,
                1 => format!("{name}[0..{}]", part.bits - 1),
                _ => format!("{name}[]"),
            };
        }
        let last = part.offset + part.bits - 1;
        if part.bits == 1 && self.random.chance(80) {
            format!("{name}[{}]", part.offset)
        } else {
            format!("{name}[{}..{last}]", part.offset)
        }
    }
}
