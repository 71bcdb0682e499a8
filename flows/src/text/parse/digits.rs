//! Digits and addresses from bytes, in the forms in which they nearly always come; what is not of these is left to others.

use crate::EthAddr;
use std::net::Ipv4Addr;

const NO_DIGIT: u8 = 0xff;

/// The value of each byte as a hexadecimal digit.
static HEX: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut n = 0;
    while n < 16 {
        let digit = b"0123456789abcdef"[n];
        values[digit as usize] = n as u8;
        values[digit.to_ascii_uppercase() as usize] = n as u8;
        n += 1;
    }
    values
};

/// The value of a hexadecimal digit.
#[inline]
pub(super) fn hex(byte: u8) -> Option<u8> {
    match HEX.get(usize::from(byte)) {
        None | Some(&NO_DIGIT) => None,
        Some(&value) => Some(value),
    }
}

/// `xx:xx:xx:xx:xx:xx` with two digits each.
pub(super) fn eth(text: &str) -> Option<EthAddr> {
    let digits: &[u8; 17] = text.as_bytes().try_into().ok()?;
    let mut address = EthAddr([0; 6]);
    for (octet, part) in address.0.iter_mut().zip(digits.chunks(3)) {
        *octet = match *part {
            [high, low] | [high, low, b':'] => hex(high)? << 4 | hex(low)?,
            _ => return None,
        };
    }
    Some(address)
}

/// A dotted quad. As Open vSwitch has it, a number that begins with a zero is decimal as the others are.
pub(super) fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let (mut address, mut octet, mut digits, mut dots) = (0u32, 0u32, false, 0u8);
    for &byte in text.as_bytes() {
        match byte {
            b'0'..=b'9' => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits = true;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits && dots < 3 => {
                address = address << 8 | octet;
                (octet, digits, dots) = (0, false, dots + 1);
            }
            _ => return None,
        }
    }
    (digits && dots == 3).then(|| Ipv4Addr::from_bits(address << 8 | octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_standard_library_does() {
        for text in [
            "10.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "256.1.1.1",
            "1.2.3.1000",
            "1.2.3.4 ",
            "",
            "....",
            "a.b.c.d",
        ] {
            assert_eq!(ipv4(text), text.parse().ok(), "{text}");
        }
        assert_eq!(ipv4("010.0.00.1"), Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert_eq!(
            ipv4(&format!("{}1.0.0.1", "0".repeat(300))),
            Some(Ipv4Addr::new(1, 0, 0, 1))
        );
    }

    #[test]
    fn ethernet_addresses_have_two_digits_a_byte() {
        let address = Some(EthAddr([0, 0x1a, 0xb2, 0xff, 0, 9]));
        assert_eq!(eth("00:1a:B2:fF:00:09"), address);
        for text in [
            "00:1a:b2:ff:00",
            "00:1a:b2:ff:00:0g",
            "00-1a:b2:ff:00:09",
            "00:1a:b2:ff:00:09:",
            "0:1a:b2:ff:00:009",
            "",
        ] {
            assert_eq!(eth(text), None, "{text}");
        }
    }
}
