//! Ethernet (MAC) addresses in the text form `xx:xx:xx:xx:xx:xx`. Knows nothing of flows.

use std::fmt;
use std::str::FromStr;

/// A 48-bit Ethernet address, in transmission order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EthAddr(pub [u8; 6]);

/// The text was not six pairs of hexadecimal digits with colons between them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not a MAC address: expected six pairs of hexadecimal digits, such as 02:00:00:00:00:01"
)]
pub struct EthAddrError {
    /// The text as it was given.
    pub found: String,
}

impl EthAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// True for broadcast and multicast addresses: the I/G bit (IEEE 802, 8.2.2) is set.
    #[must_use]
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The address as the low 48 bits of an integer, most significant octet first.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        self.0.iter().fold(0, |acc, &b| acc << 8 | u64::from(b))
    }

    /// The low 48 bits of `value` as an address; higher bits are dropped.
    #[must_use]
    pub fn from_u64(value: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        Self([a, b, c, d, e, f])
    }
}

impl fmt::Display for EthAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl fmt::Debug for EthAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for EthAddr {
    type Err = EthAddrError;

    fn from_str(text: &str) -> Result<Self, EthAddrError> {
        let wrong = || EthAddrError {
            found: text.to_owned(),
        };
        let mut octets = [0; 6];
        let mut groups = text.split(':');
        for octet in &mut octets {
            let group = groups.next().ok_or_else(wrong)?;
            if group.is_empty() || group.len() > 2 || !group.bytes().all(|b| b.is_ascii_hexdigit())
            {
                return Err(wrong());
            }
            *octet = u8::from_str_radix(group, 16).map_err(|_| wrong())?;
        }
        match groups.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let mac: EthAddr = "02:aB:0:1:fe:ff".parse().unwrap();
        assert_eq!(mac.to_string(), "02:ab:00:01:fe:ff");
        assert_eq!(EthAddr::from_u64(mac.to_u64()), mac);
        assert!(!mac.is_multicast());
        assert!(EthAddr::BROADCAST.is_multicast());
    }

    #[test]
    fn bad_text_is_refused() {
        for text in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:01:02",
            "02:00:00:00:00:0g",
            "020000000001",
            "02:00:00:00:00:+1",
            "002:0:0:0:0:0",
        ] {
            assert_eq!(
                text.parse::<EthAddr>(),
                Err(EthAddrError {
                    found: text.to_owned()
                })
            );
        }
    }
}
