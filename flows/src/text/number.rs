//! Writing numbers and addresses as C's printf and inet_ntop do. Knows nothing of OpenFlow.

use crate::EthAddr;
use std::net::Ipv4Addr;

/// `%u`.
pub(crate) fn dec(out: &mut String, value: u64) {
    let mut digits = [0u8; 20];
    let mut rest = value;
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    let text = digits.split_at(digits.len() - used).1;
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

/// `%#x`: with 0x, but 0 alone is `0`.
pub(crate) fn hex(out: &mut String, value: u128) {
    if value == 0 {
        out.push('0');
    } else {
        out.push_str("0x");
        hex_digits(out, value, 1);
    }
}

/// `0x%0*x`: with 0x and at least so many digits.
pub(crate) fn hex_padded(out: &mut String, value: u128, digits: u32) {
    out.push_str("0x");
    hex_digits(out, value, digits);
}

/// `%0*x`: at least so many digits.
pub(crate) fn hex_digits(out: &mut String, value: u128, digits: u32) {
    let needed = (128 - value.leading_zeros()).div_ceil(4).max(digits);
    for i in (0..needed).rev() {
        let nibble = u32::try_from((value >> (4 * i)) & 15).unwrap_or(0);
        out.push(char::from_digit(nibble, 16).unwrap_or('0'));
    }
}

/// `xx:xx:xx:xx:xx:xx`.
pub(crate) fn eth(out: &mut String, value: u128) {
    let address = EthAddr::from_u64(u64::try_from(value & 0xffff_ffff_ffff).unwrap_or(0));
    for (i, octet) in address.0.iter().enumerate() {
        if i > 0 {
            out.push(':');
        }
        hex_digits(out, u128::from(*octet), 2);
    }
}

/// A dotted quad.
pub(crate) fn ipv4(out: &mut String, value: u128) {
    let address = Ipv4Addr::from_bits(u32::try_from(value & 0xffff_ffff).unwrap_or(0));
    for (i, octet) in address.octets().iter().enumerate() {
        if i > 0 {
            out.push('.');
        }
        dec(out, u64::from(*octet));
    }
}

/// An IPv6 address as glibc's inet_ntop writes it: the longest run of zero groups shortened, the last 32 bits as a
/// dotted quad in addresses compatible with or mapped from IPv4.
pub(crate) fn ipv6(out: &mut String, value: u128) {
    let mut groups = [0u16; 8];
    for (i, group) in groups.iter_mut().rev().enumerate() {
        *group = u16::try_from((value >> (16 * i)) & 0xffff).unwrap_or(0);
    }
    let (mut best, mut best_len) = (8, 1);
    let mut start = 0;
    while start < 8 {
        let len = groups.iter().skip(start).take_while(|g| **g == 0).count();
        if len > best_len {
            (best, best_len) = (start, len);
        }
        start += len.max(1);
    }
    let [_, _, _, _, _, sixth, seventh, eighth] = groups;
    let embeds_ipv4 = best == 0
        && (best_len == 6 || (best_len == 7 && eighth != 1) || (best_len == 5 && sixth == 0xffff));
    for (i, group) in groups.iter().enumerate() {
        if best < 8 && (best..best + best_len).contains(&i) {
            if i == best {
                out.push(':');
            }
            continue;
        }
        if i > 0 {
            out.push(':');
        }
        if i == 6 && embeds_ipv4 {
            ipv4(out, u128::from(seventh) << 16 | u128::from(eighth));
            return;
        }
        hex_digits(out, u128::from(*group), 1);
    }
    if best < 8 && best + best_len == 8 {
        out.push(':');
    }
}

/// `/24` for the mask of a prefix of `width` bits, else `/` and the mask as `address` writes it; nothing for all ones.
pub(crate) fn netmask(out: &mut String, mask: u128, width: u32, address: fn(&mut String, u128)) {
    let ones = mask.count_ones();
    if ones == width {
        return;
    }
    out.push('/');
    if mask.trailing_zeros() + ones == width || mask == 0 {
        dec(out, u64::from(ones));
    } else {
        address(out, mask);
    }
}

/// Seconds and nanoseconds as Open vSwitch writes durations: whole milliseconds as three decimals, none for nothing.
pub(crate) fn duration(out: &mut String, sec: u32, nsec: u32) {
    dec(out, u64::from(sec));
    if nsec > 0 {
        out.push('.');
        let (digits, value) = if nsec.is_multiple_of(1_000_000) {
            (3, nsec / 1_000_000)
        } else {
            (9, nsec)
        };
        let mut number = String::new();
        dec(&mut number, u64::from(value));
        out.extend(std::iter::repeat_n(
            '0',
            usize::saturating_sub(digits, number.len()),
        ));
        out.push_str(&number);
        if digits == 9 {
            out.truncate(out.trim_end_matches('0').len());
        }
    }
    out.push('s');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(f: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        f(&mut out);
        out
    }

    #[test]
    fn ipv6_is_written_as_inet_ntop_does() {
        for (value, text) in [
            (0u128, "::"),
            (1, "::1"),
            (0x0102_0304, "::1.2.3.4"),
            (0xffff_0102_0304, "::ffff:1.2.3.4"),
            (0xff0f << 112, "ff0f::"),
            (0x2001_0db8_0000_0001_0000_0000_0000_0001, "2001:db8:0:1::1"),
            (0x0001_0000_0001_0001_0001_0001_0001_0001, "1:0:1:1:1:1:1:1"),
            (u128::MAX, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert_eq!(with(|out| ipv6(out, value)), text);
        }
    }

    #[test]
    fn numbers_are_written_as_printf_does() {
        assert_eq!(with(|out| dec(out, 0)), "0");
        assert_eq!(with(|out| dec(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(with(|out| hex(out, 0)), "0");
        assert_eq!(with(|out| hex(out, 0xabc)), "0xabc");
        assert_eq!(with(|out| hex_padded(out, 5, 4)), "0x0005");
        assert_eq!(with(|out| netmask(out, 0xffff_ff00, 32, ipv4)), "/24");
        assert_eq!(
            with(|out| netmask(out, 0xff00_00ff, 32, ipv4)),
            "/255.0.0.255"
        );
    }
}
