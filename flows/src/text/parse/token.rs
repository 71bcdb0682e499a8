//! Keys and values: the outermost syntax of flows and actions, `key`, `key=value`, `key:value`, `key(value)`.

/// A key and its value, empty if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyValue<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: &'a str,
    /// What stood between them: `=`, `:`, `(` or nothing.
    pub(crate) delimiter: Option<u8>,
}

/// Cuts a text into keys and values. Commas and white space separate them, but not inside parentheses.
#[derive(Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

#[inline]
fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn next(&mut self) -> Option<KeyValue<'a>> {
        let (text, bytes) = (self.rest, self.rest.as_bytes());
        let start = bytes.iter().position(|b| !is_separator(*b))?;
        let key_end = key_end(bytes, start);
        let key = text.get(start..key_end).unwrap_or_default();
        let after = key_end + 1;
        let Some(&(kind @ (b':' | b'=' | b'('))) = bytes.get(key_end) else {
            self.rest = text.get(after..).unwrap_or_default();
            return Some(KeyValue {
                key,
                value: "",
                delimiter: None,
            });
        };
        let mut end = if kind == b'(' {
            value_end(bytes, after, |b| b == b')')
        } else {
            value_end(bytes, after, is_separator)
        };
        // `(x)->y`: the value goes on behind the parenthesis.
        if kind == b'(' && bytes.split_at(end).1.starts_with(b")->") {
            end = value_end(bytes, end, is_separator);
        }
        self.rest = text.get(end + 1..).unwrap_or_default();
        Some(KeyValue {
            key,
            value: text.get(after..end).unwrap_or_default(),
            delimiter: Some(kind),
        })
    }
}

/// Where a key that begins at `at` ends. All bytes that end one are below 0x40, as few of a key are.
#[inline]
fn key_end(text: &[u8], mut at: usize) -> usize {
    loop {
        at = first_below::<0x40>(text, at);
        match text.get(at) {
            Some(&byte) if !is_separator(byte) && !matches!(byte, b':' | b'=' | b'(') => at += 1,
            _ => return at,
        }
    }
}

/// Where a value ends that goes on at `at`: at a byte that ends it, outside of parentheses. All bytes looked for are below
/// `-`, as hardly any of a value are.
#[inline]
fn value_end(text: &[u8], mut at: usize, ends: impl Fn(u8) -> bool) -> usize {
    let mut level = 0u32;
    loop {
        at = first_below::<b'-'>(text, at);
        match text.get(at) {
            None => return at,
            Some(&byte) if level == 0 && ends(byte) => return at,
            Some(b'(') => level += 1,
            Some(b')') => level = level.saturating_sub(1),
            Some(_) => {}
        }
        at += 1;
    }
}

/// The place of the first byte from `at` on that is below `LIMIT`; the length if there is none. Looks at eight bytes at once:
/// in a difference to the limit the top bit of a smaller byte is set, and the lowest such bit is not one that was borrowed.
#[inline]
fn first_below<const LIMIT: u8>(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*eight);
        let below = word.wrapping_sub(ONES * u64::from(LIMIT)) & !word & (ONES << 7);
        if below != 0 {
            return at + (below.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let found = rest.iter().position(|byte| *byte < LIMIT);
    found.map_or(bytes.len(), |n| at + n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values() {
        let pairs = |text: &'static str| {
            let mut tokens = Tokens::new(text);
            std::iter::from_fn(move || tokens.next())
                .map(|p| (p.key, p.value))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            pairs("a,b c=d,e:f"),
            [("a", ""), ("b", ""), ("c", "d"), ("e", "f")]
        );
        assert_eq!(
            pairs("a(b,c(d)),x=(1,2)"),
            [("a", "b,c(d)"), ("x", "(1,2)")]
        );
        assert_eq!(pairs("load(1)->reg0,b"), [("load", "1)->reg0"), ("b", "")]);
        assert_eq!(pairs(" , "), []);
        assert_eq!(pairs("a(b"), [("a", "b")]);
        assert_eq!(
            pairs("ct_state=+trk-new,é=ü(ä,ö)ß,reg15=0x1"),
            [("ct_state", "+trk-new"), ("é", "ü(ä,ö)ß"), ("reg15", "0x1")]
        );
    }

    #[test]
    fn eight_bytes_at_once_are_as_one_at_a_time() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for from in 0..bytes.len() {
            for to in [from, from + 7, from + 8, from + 30, bytes.len()] {
                let Some(part) = bytes.get(from..to) else {
                    continue;
                };
                let one = part.iter().position(|b| *b < b'-').unwrap_or(part.len());
                assert_eq!(first_below::<b'-'>(part, 0), one, "{from}..{to}");
                let one = part.iter().position(|b| *b < 0x40).unwrap_or(part.len());
                assert_eq!(first_below::<0x40>(part, 0), one, "{from}..{to}");
            }
        }
    }
}
