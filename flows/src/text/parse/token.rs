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

    /// The next key and value. Only where they end is found behind a call, so that they come back in registers.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<KeyValue<'a>> {
        let skip = self.rest.bytes().position(|b| !is_separator(b))?;
        let text = self.rest.split_at(skip).1;
        let (key_end, end) = ends(text.as_bytes());
        let (pair, rest) = text.split_at(end);
        let (key, value) = pair.split_at(key_end);
        self.rest = rest.strip_prefix(')').unwrap_or(rest);
        let delimiter = value.bytes().next();
        Some(KeyValue {
            key,
            value: value.split_at(value.len().min(1)).1,
            delimiter,
        })
    }
}

/// Where the key that a text begins with ends, and where its value does, delimiter included. Without a value both are one.
#[inline(never)]
fn ends(text: &[u8]) -> (usize, usize) {
    let key = key_end(text);
    match text.get(key) {
        Some(b':' | b'=') => (key, value_end(text, key + 1)),
        Some(b'(') => (key, parentheses_end(text, key + 1)),
        _ => (key, key),
    }
}

/// Where the key ends. All bytes that end one are below 0x40, as few of a key are.
#[inline]
fn key_end(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at = first_below::<0x40>(text, at);
        match text.get(at) {
            Some(&byte) if !is_separator(byte) && !matches!(byte, b':' | b'=' | b'(') => at += 1,
            _ => return at,
        }
    }
}

/// Where a value ends that goes on at `at`: at a separator outside of parentheses. All bytes looked for are below `-`, as hardly
/// any of a value are.
#[inline]
fn value_end(text: &[u8], mut at: usize) -> usize {
    let mut level = 0u32;
    loop {
        at = first_below::<b'-'>(text, at);
        match text.get(at) {
            None => return at,
            Some(&byte) if level == 0 && is_separator(byte) => return at,
            Some(b'(') => level += 1,
            Some(b')') => level = level.saturating_sub(1),
            Some(_) => {}
        }
        at += 1;
    }
}

/// Where a value ends that goes on at `at`, behind a parenthesis: where that is closed, or, in `(x)->y`, behind what follows.
#[inline(never)]
fn parentheses_end(text: &[u8], mut at: usize) -> usize {
    let mut level = 0u32;
    loop {
        at = first_below::<b'-'>(text, at);
        match text.get(at) {
            Some(b')') if level == 0 => break,
            Some(b')') => level -= 1,
            Some(b'(') => level += 1,
            Some(_) => {}
            None => return at,
        }
        at += 1;
    }
    if text.split_at(at).1.starts_with(b")->") {
        value_end(text, at)
    } else {
        at
    }
}

/// The place of the first byte from `at` on that is below `LIMIT`; the length if there is none. Looks at eight bytes at once:
/// in a difference to the limit the top bit of a smaller byte is set, and the lowest such bit is not one that was borrowed.
#[inline]
fn first_below<const LIMIT: u8>(bytes: &[u8], at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let mut rest = bytes.get(at..).unwrap_or_default();
    while let Some((eight, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        let below = word.wrapping_sub(ONES * u64::from(LIMIT)) & !word & (ONES << 7);
        if below != 0 {
            return bytes.len() - rest.len() + (below.trailing_zeros() / 8) as usize;
        }
        rest = behind;
    }
    let found = rest.iter().position(|byte| *byte < LIMIT);
    bytes.len() - rest.len() + found.unwrap_or(rest.len())
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
