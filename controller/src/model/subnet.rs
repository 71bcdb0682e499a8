//! The addresses of a network.

use std::net::IpAddr;

use ipnet::IpNet;
use uuid::Uuid;

/// An IPv4 or IPv6 prefix of a network, from which its ports have their addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The row's `_uuid` in the northbound database.
    pub id: Uuid,
    /// Unique on the site.
    pub name: String,
    /// The network's `_uuid`.
    pub network: Uuid,
    /// The prefix, with no host bits set.
    pub cidr: IpNet,
    /// The router's address, inside `cidr`; never allocated to a port.
    pub gateway: Option<IpAddr>,
}

/// A prefix that can not be a subnet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Bits behind the prefix are set.
    #[error("{found} with bits set behind the prefix, expected {expected}")]
    HostBits {
        /// What was given.
        found: IpNet,
        /// The prefix it is in.
        expected: IpNet,
    },
    /// Addresses that no endpoint can have.
    #[error(
        "{0} holds addresses that are not for endpoints, expected a unicast prefix such as 10.0.0.0/24 or fd00::/64"
    )]
    Special(IpNet),
}

/// An address that no port of the subnet can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Outside the prefix.
    #[error("{0} is not in {1}")]
    Outside(IpAddr, IpNet),
    /// The first address: IPv4's network address, IPv6's subnet-router anycast address (RFC 4291, 2.6.1).
    #[error("{0} is the network address of {1}")]
    NetworkAddress(IpAddr, IpNet),
    /// IPv4's broadcast address.
    #[error("{0} is the broadcast address of {1}")]
    Broadcast(IpAddr, IpNet),
}

/// Accepts prefixes with no bit behind them, in which endpoints can have addresses: not loopback, multicast,
/// unspecified or IPv4-mapped ones.
///
/// # Errors
/// The first rule that `prefix` breaks.
pub fn check_prefix(prefix: &IpNet) -> Result<(), PrefixError> {
    if prefix.trunc() != *prefix {
        return Err(PrefixError::HostBits {
            found: *prefix,
            expected: prefix.trunc(),
        });
    }
    let special = match (prefix.network(), prefix.broadcast()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            first.octets()[0] == 0
                || last.octets()[0] >= 224
                || first.is_loopback()
                || last.is_loopback()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            first.segments()[..5] == [0; 5] || last.is_multicast() || first.is_multicast()
        }
        _ => true,
    };
    if special {
        Err(PrefixError::Special(*prefix))
    } else {
        Ok(())
    }
}

impl Subnet {
    /// The first and the last address that a port can have: all but the network and broadcast addresses, and
    /// all of them where the prefix has one or two (RFC 3021, RFC 6164).
    #[must_use]
    pub fn usable(&self) -> (IpAddr, IpAddr) {
        let (first, last) = (self.cidr.network(), self.cidr.broadcast());
        if self
            .cidr
            .max_prefix_len()
            .saturating_sub(self.cidr.prefix_len())
            <= 1
        {
            return (first, last);
        }
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => (
                IpAddr::V4(first.to_bits().saturating_add(1).into()),
                IpAddr::V4(last.to_bits().saturating_sub(1).into()),
            ),
            (IpAddr::V6(first), last) => {
                (IpAddr::V6(first.to_bits().saturating_add(1).into()), last)
            }
            both => both,
        }
    }

    /// Tells whether a port can have `address`. The gateway's own port may have the gateway's.
    ///
    /// # Errors
    /// Why it can not.
    pub fn check_address(&self, address: IpAddr) -> Result<(), AddressError> {
        let (first, last) = self.usable();
        if !self.cidr.contains(&address) {
            Err(AddressError::Outside(address, self.cidr))
        } else if address < first {
            Err(AddressError::NetworkAddress(address, self.cidr))
        } else if address > last {
            Err(AddressError::Broadcast(address, self.cidr))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(cidr: &str) -> Subnet {
        Subnet {
            id: Uuid::from_u128(1),
            name: "s".to_owned(),
            network: Uuid::from_u128(2),
            cidr: cidr.parse().unwrap(),
            gateway: None,
        }
    }

    #[test]
    fn usable_addresses_leave_out_network_and_broadcast() {
        for (cidr, first, last) in [
            ("10.0.0.0/24", "10.0.0.1", "10.0.0.254"),
            ("10.0.0.0/30", "10.0.0.1", "10.0.0.2"),
            ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"),
            ("10.0.0.7/32", "10.0.0.7", "10.0.0.7"),
            ("fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff"),
            ("fd00::/126", "fd00::1", "fd00::3"),
            ("fd00::/127", "fd00::", "fd00::1"),
        ] {
            let (low, high) = subnet(cidr).usable();
            assert_eq!(
                (low.to_string(), high.to_string()),
                (first.to_owned(), last.to_owned()),
                "{cidr}"
            );
        }
    }

    #[test]
    fn addresses_are_checked() {
        let check = |cidr, address: &str| subnet(cidr).check_address(address.parse().unwrap());
        assert_eq!(check("10.0.0.0/24", "10.0.0.9"), Ok(()));
        assert!(matches!(
            check("10.0.0.0/24", "10.0.0.0"),
            Err(AddressError::NetworkAddress(..))
        ));
        assert!(matches!(
            check("10.0.0.0/24", "10.0.0.255"),
            Err(AddressError::Broadcast(..))
        ));
        assert!(matches!(
            check("10.0.0.0/24", "10.0.1.1"),
            Err(AddressError::Outside(..))
        ));
        assert!(matches!(
            check("10.0.0.0/24", "fd00::1"),
            Err(AddressError::Outside(..))
        ));
        assert!(matches!(
            check("fd00::/64", "fd00::"),
            Err(AddressError::NetworkAddress(..))
        ));
    }

    #[test]
    fn prefixes_are_checked() {
        let check = |text: &str| check_prefix(&text.parse().unwrap());
        for good in [
            "10.0.0.0/24",
            "fd00::/64",
            "2001:db8::/32",
            "169.254.0.0/16",
            "fe80::/64",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert!(matches!(
            check("10.0.0.1/24"),
            Err(PrefixError::HostBits { .. })
        ));
        for bad in [
            "0.0.0.0/0",
            "127.0.0.0/8",
            "126.0.0.0/7",
            "224.0.0.0/24",
            "::/0",
            "::1/128",
            "ff02::/16",
            "::ffff:0:0/96",
        ] {
            assert!(matches!(check(bad), Err(PrefixError::Special(_))), "{bad}");
        }
    }
}
