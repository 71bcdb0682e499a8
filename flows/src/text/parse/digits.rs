//! Digits and addresses from bytes, in the forms in which they nearly always come; what is not of these is left to others.

use crate::EthAddr;
use std::net::Ipv4Addr;

const NO_DIGIT: u8 = 0xff;
/// A bit that no digit has.
const NO_DIGIT_BIT: u8 = 0x80;

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

/// The value of a hexadecimal digit, or [`NO_DIGIT`].
#[inline]
fn hex(byte: u8) -> u8 {
    HEX.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT)
}

/// A decimal number of up to 18 digits, or a hexadecimal one with 0x and up to 16. Octal ones, which begin with 0, are not.
#[inline]
pub(super) fn integer(text: &str) -> Option<u64> {
    match text.as_bytes() {
        [b'0'] => Some(0),
        [b'0', b'x', digits @ ..] if matches!(digits.len(), 1..=16) => {
            let mut number = 0;
            let mut seen = 0;
            for &byte in digits {
                let digit = hex(byte);
                seen |= digit;
                number = number << 4 | u64::from(digit & 15);
            }
            (seen & NO_DIGIT_BIT == 0).then_some(number)
        }
        digits @ [b'1'..=b'9', ..] if digits.len() <= 18 => {
            let mut number = 0;
            for &byte in digits {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                number = number * 10 + u64::from(digit);
            }
            Some(number)
        }
        _ => None,
    }
}

/// `xx:xx:xx:xx:xx:xx` with two digits each.
#[inline]
pub(super) fn eth(text: &str) -> Option<EthAddr> {
    let digits: &[u8; 17] = text.as_bytes().try_into().ok()?;
    let &[
        a,
        b,
        b':',
        c,
        d,
        b':',
        e,
        f,
        b':',
        g,
        h,
        b':',
        i,
        j,
        b':',
        k,
        l,
    ] = digits
    else {
        return None;
    };
    let mut seen = 0;
    let mut octet = |high: u8, low: u8| {
        let (high, low) = (hex(high), hex(low));
        seen |= high | low;
        high << 4 | low & 15
    };
    let address = EthAddr([
        octet(a, b),
        octet(c, d),
        octet(e, f),
        octet(g, h),
        octet(i, j),
        octet(k, l),
    ]);
    (seen & NO_DIGIT_BIT == 0).then_some(address)
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

/// An IPv6 address without a dotted quad in it, as a number.
pub(super) fn ipv6(text: &str) -> Option<u128> {
    let (mut address, mut groups, mut gap) = (0u128, 0u32, None);
    let mut rest = text.as_bytes();
    if let [b':', b':', behind @ ..] = rest {
        (gap, rest) = (Some(0), behind);
    }
    while !(rest.is_empty() && gap == Some(groups)) {
        let (mut group, mut used) = (0u16, 0);
        while let Some((&byte, behind)) = rest.split_first()
            && hex(byte) != NO_DIGIT
        {
            group = group << 4 | u16::from(hex(byte));
            (used, rest) = (used + 1, behind);
        }
        if used == 0 || used > 4 || groups == 8 {
            return None;
        }
        address = address << 16 | u128::from(group);
        groups += 1;
        match rest {
            [] => break,
            [b':', b':', behind @ ..] if gap.is_none() => (gap, rest) = (Some(groups), behind),
            [b':', behind @ ..] => rest = behind,
            _ => return None,
        }
    }
    let Some(gap) = gap else {
        return (groups == 8).then_some(address);
    };
    // What stands before the gap is the top of the address.
    let low = 16 * (groups - gap);
    let high = address.checked_shr(low).unwrap_or(0);
    let top = high.checked_shl(128 - 16 * gap).unwrap_or(0);
    let bottom = address & u128::MAX.checked_shr(128 - low).unwrap_or(0);
    (groups < 8).then_some(top | bottom)
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
    fn ipv6_addresses_are_read_as_the_standard_library_does() {
        use std::net::Ipv6Addr;
        for text in [
            "::",
            "::1",
            "1::",
            "fe80::1",
            "fd00::4e6",
            "2001:db8:0:1:2:3:4:5",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3::5:6:7:8",
            "1:2:3:4::5:6:7:8",
            "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8",
            "FE80::AbCd",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "",
            ":",
            ":::",
            "1",
            "1:",
            ":1",
            "1::2::3",
            "1:::2",
            "::1:",
            "1::2:",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "12345::",
            "0000000001::",
            "g::",
            "1::2/64",
            "1::2%3",
            " ::1",
        ] {
            let number = text.parse().ok().map(Ipv6Addr::to_bits);
            assert_eq!(ipv6(text), number, "{text:?}");
        }
        assert_eq!(ipv6("::1.2.3.4"), None);
        for n in 0..256u32 {
            // Zeros in every group or not.
            let group = |i: u32| if n >> i & 1 == 1 { 0x1234 >> i } else { 0 };
            let groups: [u16; 8] = std::array::from_fn(|i| group(i as u32));
            let address = Ipv6Addr::from(groups);
            if !address.to_string().contains('.') {
                assert_eq!(ipv6(&address.to_string()), Some(address.to_bits()));
            }
        }
    }

    #[test]
    fn numbers_are_read_as_the_standard_library_does() {
        for (text, number) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("65535", Some(65535)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("1000000000000000000", None),
            ("0x0", Some(0)),
            ("0xaBc", Some(0xabc)),
            ("0xffffffffffffffff", Some(u64::MAX)),
            ("0x10000000000000000", None),
            ("0x", None),
            ("0xg", None),
            ("07", None),
            ("", None),
            ("+1", None),
            ("-1", None),
            ("1a", None),
            ("1/2", None),
        ] {
            assert_eq!(integer(text), number, "{text}");
        }
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
