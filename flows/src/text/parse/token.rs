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
        let skip = self.rest.bytes().take_while(|b| is_separator(*b)).count();
        let text = self.rest.split_at(skip).1;
        if text.is_empty() {
            self.rest = text;
            return None;
        }
        let ends = |b: &u8| is_separator(*b) || matches!(b, b':' | b'=' | b'(');
        let key_len = text.as_bytes().iter().position(ends).unwrap_or(text.len());
        let (key, rest) = text.split_at(key_len);
        let delimiter = rest.bytes().next();
        let after = rest.split_at(rest.len().min(1)).1;
        let Some(kind @ (b':' | b'=' | b'(')) = delimiter else {
            self.rest = after;
            return Some(KeyValue {
                key,
                value: "",
                delimiter: None,
            });
        };
        let mut len = if kind == b'(' {
            value_len(after, |b| b == b')')
        } else {
            value_len(after, is_separator)
        };
        // `(x)->y`: the value goes on behind the parenthesis.
        if kind == b'(' && after.split_at(len).1.starts_with(")->") {
            len += value_len(after.split_at(len).1, is_separator);
        }
        let (value, rest) = after.split_at(len);
        self.rest = rest.split_at(rest.len().min(1)).1;
        Some(KeyValue {
            key,
            value,
            delimiter: Some(kind),
        })
    }
}

/// How long a value is: up to a byte that ends it, outside of parentheses. All bytes looked for are ASCII.
fn value_len(text: &str, ends: impl Fn(u8) -> bool) -> usize {
    let mut level = 0u32;
    for (i, byte) in text.bytes().enumerate() {
        if level == 0 && ends(byte) {
            return i;
        }
        match byte {
            b'(' => level += 1,
            b')' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    text.len()
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
    }
}
