//! Ranges of VLAN ids in their text form: `7` or `1001-2000`.

use std::ops::RangeInclusive;

use super::PhysicalNetwork;

/// The text is not a range of VLAN ids.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("VLAN range {found:?}, expected one id or two such as 1001-2000, from 1 to 4094")]
pub struct VlanRangeError {
    /// The text as it was given.
    pub found: String,
}

/// Reads `7` or `1001-2000`.
///
/// # Errors
/// Anything else, an id outside 1 to 4094, or a range whose end is before its start.
pub fn parse_range(text: &str) -> Result<RangeInclusive<u16>, VlanRangeError> {
    let wrong = || VlanRangeError {
        found: text.to_owned(),
    };
    let id = |text: &str| {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|id| digits && PhysicalNetwork::ALL_VLANS.contains(id))
            .ok_or_else(wrong)
    };
    let (low, high) = match text.split_once('-') {
        Some((low, high)) => (id(low)?, id(high)?),
        None => (id(text)?, id(text)?),
    };
    if low <= high {
        Ok(low..=high)
    } else {
        Err(wrong())
    }
}

/// The text that [`parse_range`] reads.
#[must_use]
pub fn show_range(range: &RangeInclusive<u16>) -> String {
    if range.start() == range.end() {
        range.start().to_string()
    } else {
        format!("{}-{}", range.start(), range.end())
    }
}

/// The same ids as `ranges` in as few ranges as possible, in order.
#[must_use]
pub fn merge_ranges(mut ranges: Vec<RangeInclusive<u16>>) -> Vec<RangeInclusive<u16>> {
    ranges.sort_by_key(|range| *range.start());
    let mut merged: Vec<RangeInclusive<u16>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["1", "4094", "1-4094", "1001-2000"] {
            assert_eq!(show_range(&parse_range(text).unwrap()), text);
        }
        for text in [
            "", "0", "4095", "2-1", "1-", "-1", "1-2-3", "+1", "a", "99999",
        ] {
            assert_eq!(
                parse_range(text),
                Err(VlanRangeError {
                    found: text.to_owned()
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn ranges_merge_when_they_touch() {
        assert_eq!(
            merge_ranges(vec![5..=6, 1..=2, 3..=3, 9..=9, 5..=5]),
            vec![1..=3, 5..=6, 9..=9]
        );
    }
}
