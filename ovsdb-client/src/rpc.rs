//! JSON-RPC 1.0 over a byte stream (RFC 7047 §4): finding the end of each message, and its members.
//!
//! The framer reads each byte once, however the stream is cut. It bounds the size and the depth of a message, so that
//! what comes after may recurse. It does not know methods.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Messages nest no deeper than this; the deepest of OVSDB, a map in an update3, is at 9.
pub const MAX_DEPTH: u32 = 64;

/// The stream is not a sequence of JSON objects within the bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A byte between messages that does not begin an object.
    #[error("expected a JSON object, found byte {0:#04x}")]
    NotAnObject(u8),
    /// A bracket closes more than was open.
    #[error("a closing bracket too many")]
    Unbalanced,
    /// Deeper than [`MAX_DEPTH`].
    #[error("a message nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// Longer than the limit, in bytes.
    #[error("a message longer than {0} bytes")]
    TooLong(usize),
}

/// Cuts a byte stream into JSON objects.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes of `buffer` already looked at.
    seen: usize,
    /// Start of the message under way, in `buffer`.
    start: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
    max_message: usize,
}

impl Framer {
    /// A framer that refuses messages of more than `max_message` bytes.
    #[must_use]
    pub fn new(max_message: usize) -> Self {
        Self {
            buffer: Vec::new(),
            seen: 0,
            start: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            max_message,
        }
    }

    /// Takes bytes from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.seen = self.seen.saturating_sub(self.start);
            self.start = 0;
            // What one large message needed is not kept for the small ones after it.
            if self.buffer.capacity() > 1 << 20 && self.buffer.len() < 1 << 16 {
                self.buffer.shrink_to(1 << 16);
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` until more bytes come. After an error the stream is lost.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let mut at = self.seen;
        while let Some(&byte) = self.buffer.get(at) {
            at = at.saturating_add(1);
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'{' | b'[' => {
                    if self.depth == 0 {
                        if byte != b'{' {
                            return Err(FrameError::NotAnObject(byte));
                        }
                        self.start = at.saturating_sub(1);
                    }
                    self.depth = self.depth.saturating_add(1);
                    if self.depth > MAX_DEPTH {
                        return Err(FrameError::TooDeep);
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.checked_sub(1).ok_or(FrameError::Unbalanced)?;
                    if self.depth == 0 {
                        let start = self.start;
                        if at.saturating_sub(start) > self.max_message {
                            return Err(FrameError::TooLong(self.max_message));
                        }
                        self.seen = at;
                        self.start = at;
                        return Ok(self.buffer.get(start..at));
                    }
                }
                b'"' if self.depth > 0 => self.in_string = true,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if self.depth == 0 => return Err(FrameError::NotAnObject(byte)),
                _ => {}
            }
        }
        self.seen = at;
        if self.depth == 0 {
            self.start = at;
        }
        if at.saturating_sub(self.start) > self.max_message {
            return Err(FrameError::TooLong(self.max_message));
        }
        Ok(None)
    }
}

/// The members of one message; of a member that stands twice the last counts, as in ovsdb-server.
#[derive(Debug, Default)]
pub struct Message<'a> {
    /// Present in requests and notifications.
    pub method: Option<String>,
    /// Present in requests and notifications.
    pub params: Option<&'a RawValue>,
    /// Present in replies; `None` for `null` too.
    pub result: Option<&'a RawValue>,
    /// Present in replies; `None` for `null` too.
    pub error: Option<&'a RawValue>,
    /// `None` for `null`: a notification.
    pub id: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Message<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Message<'de>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a JSON-RPC message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message<'de>, A::Error> {
                let mut message = Message::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "method" => message.method = map.next_value()?,
                        "params" => message.params = map.next_value()?,
                        "result" => message.result = map.next_value()?,
                        "error" => message.error = map.next_value()?,
                        "id" => message.id = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(message)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(stream: &[u8], step: usize) -> Result<Vec<String>, FrameError> {
        let mut framer = Framer::new(1000);
        let mut messages = Vec::new();
        for chunk in stream.chunks(step) {
            framer.push(chunk);
            while let Some(message) = framer.next_message()? {
                messages.push(String::from_utf8(message.to_vec()).unwrap());
            }
        }
        Ok(messages)
    }

    #[test]
    fn every_way_to_cut_the_stream_gives_the_same_messages() {
        let stream = br#"{"a":"}\"{["} {"b":[1,{"c":2}]}
            {}"#;
        let whole = vec![
            r#"{"a":"}\"{["}"#.to_owned(),
            r#"{"b":[1,{"c":2}]}"#.to_owned(),
            "{}".to_owned(),
        ];
        for step in 1..=stream.len() {
            assert_eq!(cut(stream, step).unwrap(), whole, "in steps of {step}");
        }
    }

    #[test]
    fn a_stream_of_something_else_is_refused() {
        assert_eq!(cut(b"{}x", 1), Err(FrameError::NotAnObject(b'x')));
        assert_eq!(cut(b"[]", 1), Err(FrameError::NotAnObject(b'[')));
        assert_eq!(cut(b"{}}", 1), Err(FrameError::Unbalanced));
        assert_eq!(
            cut("{\"a\":".repeat(65).as_bytes(), 7),
            Err(FrameError::TooDeep)
        );
        let long = format!("{{\"a\":\"{}", "x".repeat(2000));
        assert_eq!(cut(long.as_bytes(), 100), Err(FrameError::TooLong(1000)));
        // Also when it is complete before anybody could look.
        let long = format!("{long}\"}}");
        for step in [1, 999, 1001, 5000] {
            assert_eq!(cut(long.as_bytes(), step), Err(FrameError::TooLong(1000)));
        }
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let message: Message<'_> =
            serde_json::from_str(r#"{"id":1,"method":"a","id":2,"result":null,"extra":[{}]}"#)
                .unwrap();
        assert_eq!(message.id.unwrap().get(), "2");
        assert!(message.result.is_none());
        assert_eq!(message.method.as_deref(), Some("a"));
    }
}
