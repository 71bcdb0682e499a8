//! Names of bits: connection states, TCP flags, tunnel flags. One table each, used to read and to write.

/// The names of some bits, lowest bit first, and the bits that a full mask has.
pub(crate) struct BitNames {
    names: &'static [(u32, &'static str)],
    /// All bits that the field can have.
    pub(crate) all: u32,
}

/// Connection tracking states (ovs-fields(7), `ct_state`).
pub(crate) static CT_STATE: BitNames = BitNames {
    names: &[
        (0x01, "new"),
        (0x02, "est"),
        (0x04, "rel"),
        (0x08, "rpl"),
        (0x10, "inv"),
        (0x20, "trk"),
        (0x40, "snat"),
        (0x80, "dnat"),
    ],
    all: 0xff,
};

/// TCP flags (ovs-fields(7), `tcp_flags`).
pub(crate) static TCP: BitNames = BitNames {
    names: &[
        (0x001, "fin"),
        (0x002, "syn"),
        (0x004, "rst"),
        (0x008, "psh"),
        (0x010, "ack"),
        (0x020, "urg"),
        (0x040, "ece"),
        (0x080, "cwr"),
        (0x100, "ns"),
        (0x200, "[200]"),
        (0x400, "[400]"),
        (0x800, "[800]"),
    ],
    all: 0xfff,
};

/// Tunnel flags (ovs-fields(7), `tun_flags`).
pub(crate) static TUNNEL: BitNames = BitNames {
    names: &[(0x01, "oam")],
    all: u32::MAX,
};

impl BitNames {
    /// The bits that have names.
    pub(crate) fn named(&self) -> u32 {
        self.names.iter().fold(0, |all, (bit, _)| all | bit)
    }

    /// `+a-b` for a partial mask, `a|b` for a full one, `0` for a full mask of nothing.
    pub(crate) fn write(&self, out: &mut String, flags: u32, mask: u32) {
        if mask == self.all {
            return self.write_set(out, flags);
        }
        for &(bit, name) in self.names {
            if mask & bit != 0 {
                out.push(if flags & bit != 0 { '+' } else { '-' });
                out.push_str(name);
            }
        }
    }

    /// `a|b`, or `0`.
    fn write_set(&self, out: &mut String, flags: u32) {
        if flags == 0 {
            out.push('0');
            return;
        }
        let mut rest = flags;
        let mut first = true;
        for &(bit, name) in self.names {
            if flags & bit != 0 {
                if !first {
                    out.push('|');
                }
                out.push_str(name);
                first = false;
                rest &= !bit;
            }
        }
        if rest != 0 {
            if !first {
                out.push('|');
            }
            super::number::hex(out, u128::from(rest));
        }
    }

    /// The bit with this name.
    pub(crate) fn bit(&self, name: &str) -> Option<u32> {
        self.names
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(bit, _)| *bit)
    }

    /// All names, for messages.
    pub(crate) fn list(&self) -> String {
        self.names
            .iter()
            .map(|(_, name)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    }
}
