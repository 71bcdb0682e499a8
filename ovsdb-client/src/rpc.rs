//! JSON-RPC 1.0 over a byte stream (RFC 7047 §4): finding the end of each message, and its members.
//!
//! The framer reads each byte once, however the stream is cut. It bounds the size and the depth of a message, so that
//! what comes after may recurse. It does not know methods.

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

/// Cuts a byte stream into JSON objects, and notes on the way where their members are.
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
    /// The member under way.
    member: Member,
    members: Members,
    max_message: usize,
}

/// Where the parts of a member are, from the start of its message.
#[derive(Clone, Copy, Debug, Default)]
struct Member {
    /// After the bracket or comma before it.
    start: usize,
    /// Its name, with the quotes; both 0 until it has come.
    name: (usize, usize),
    /// The colon; 0 until it has come.
    colon: usize,
    /// The comma or bracket after it.
    end: usize,
}

/// The members of a message that count; of one that stands twice the last does, as in ovsdb-server.
#[derive(Clone, Copy, Debug, Default)]
struct Members {
    method: Option<Member>,
    params: Option<Member>,
    result: Option<Member>,
    error: Option<Member>,
    id: Option<Member>,
    /// What has no name or no value, first.
    odd: Option<Member>,
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
            member: Member::default(),
            members: Members::default(),
            max_message,
        }
    }

    /// Takes bytes from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Drops the messages that were taken.
    fn drop_taken(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.seen = self.seen.saturating_sub(self.start);
            self.start = 0;
            // What one large message needed is not kept for the small ones after it.
            if self.buffer.capacity() > 1 << 20 && self.buffer.len() < 1 << 16 {
                self.buffer.shrink_to(1 << 16);
            }
        }
    }

    /// The next whole message, or `None` until more bytes come. After an error the stream is lost.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn next_message(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        // What is looked at with every byte is kept in registers.
        let (mut depth, mut in_string, mut escaped) = (self.depth, self.in_string, self.escaped);
        let rest = self.buffer.get(self.seen..).unwrap_or_default();
        for (offset, &byte) in rest.iter().enumerate() {
            if in_string {
                if escaped {
                    escaped = false;
                } else if byte == b'\\' {
                    escaped = true;
                } else if byte == b'"' {
                    in_string = false;
                    if depth == 1 && self.member.name.1 == 0 {
                        let end = self.seen.saturating_add(offset).saturating_add(1);
                        self.member.name.1 = end.saturating_sub(self.start);
                    }
                }
                continue;
            }
            let class = class(byte);
            if class == Class::Other && depth > 0 || class == Class::Space {
                continue;
            }
            let at = self.seen.saturating_add(offset);
            match class {
                Class::Open => {
                    if depth == 0 {
                        if byte != b'{' {
                            return Err(FrameError::NotAnObject(byte));
                        }
                        self.start = at;
                        self.members = Members::default();
                        self.member = Member {
                            start: 1,
                            ..Member::default()
                        };
                    }
                    depth = depth.saturating_add(1);
                    if depth > MAX_DEPTH {
                        return Err(FrameError::TooDeep);
                    }
                }
                Class::Close => {
                    depth = depth.checked_sub(1).ok_or(FrameError::Unbalanced)?;
                    if depth == 0 {
                        let end = at.saturating_add(1);
                        let length = end.saturating_sub(self.start);
                        if length > self.max_message {
                            return Err(FrameError::TooLong(self.max_message));
                        }
                        let bytes = self.buffer.get(self.start..end).unwrap_or_default();
                        self.member.end = length.saturating_sub(1);
                        self.members.add(self.member, bytes, true);
                        (self.depth, self.in_string, self.escaped) = (0, false, false);
                        self.seen = end;
                        self.start = end;
                        return Ok(Some(Frame {
                            bytes,
                            members: self.members,
                        }));
                    }
                }
                Class::Quote if depth > 0 => {
                    in_string = true;
                    if depth == 1 && self.member.name.0 == 0 {
                        self.member.name.0 = at.saturating_sub(self.start);
                    }
                }
                _ if depth == 0 => return Err(FrameError::NotAnObject(byte)),
                Class::Comma if depth == 1 => {
                    let message = self.buffer.get(self.start..).unwrap_or_default();
                    self.member.end = at.saturating_sub(self.start);
                    self.members.add(self.member, message, false);
                    self.member = Member {
                        start: self.member.end.saturating_add(1),
                        ..Member::default()
                    };
                }
                Class::Colon if depth == 1 && self.member.colon == 0 => {
                    self.member.colon = at.saturating_sub(self.start);
                }
                _ => {}
            }
        }
        (self.depth, self.in_string, self.escaped) = (depth, in_string, escaped);
        self.seen = self.buffer.len();
        if depth == 0 {
            self.start = self.seen;
        }
        // Not when more bytes come, which may be long: much is done with a large message meanwhile.
        self.drop_taken();
        if self.seen.saturating_sub(self.start) > self.max_message {
            return Err(FrameError::TooLong(self.max_message));
        }
        Ok(None)
    }
}

impl Members {
    /// Keeps a member that is whole, of a message that begins with these bytes.
    fn add(&mut self, member: Member, message: &[u8], last: bool) {
        let name = message.get(member.name.0..member.name.1);
        match name.unwrap_or_default() {
            br#""method""# => self.method = Some(member),
            br#""params""# => self.params = Some(member),
            br#""result""# => self.result = Some(member),
            br#""error""# => self.error = Some(member),
            br#""id""# => self.id = Some(member),
            // An object without members has one that is nothing at all.
            name if name.is_empty()
                && last
                && member.start == 1
                && is_space(message.get(1..member.end)) => {}
            name if name.is_empty() || member.colon == 0 => {
                self.odd.get_or_insert(member);
            }
            _ => {}
        }
    }
}

/// What a byte outside of strings does to the structure of a JSON text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Open,
    Close,
    Quote,
    Comma,
    Colon,
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            b' ' | b'\t' | b'\r' | b'\n' => Class::Space,
            b'{' | b'[' => Class::Open,
            b'}' | b']' => Class::Close,
            b'"' => Class::Quote,
            b',' => Class::Comma,
            b':' => Class::Colon,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    // The table has a place for every byte.
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Other)
}

fn is_space(bytes: Option<&[u8]>) -> bool {
    let space = |byte: &u8| class(*byte) == Class::Space;
    bytes.unwrap_or_default().iter().all(space)
}

/// One whole message.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    members: Members,
}

/// The members of one message, as JSON text that nobody has looked into; of a member that stands twice the last counts,
/// as in ovsdb-server.
#[derive(Debug, Default, PartialEq)]
pub struct Message<'a> {
    /// Present in requests and notifications: the name, in quotes.
    pub method: Option<&'a str>,
    /// Present in requests and notifications.
    pub params: Option<&'a str>,
    /// Present in replies; `None` for `null` too.
    pub result: Option<&'a str>,
    /// Present in replies; `None` for `null` too.
    pub error: Option<&'a str>,
    /// `None` for `null`: a notification.
    pub id: Option<&'a str>,
}

/// A message that is not an object of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: expected {expected}")]
pub struct MessageError {
    /// Where in the message, counted from 0.
    pub at: usize,
    /// What should be there.
    pub expected: &'static str,
}

impl<'a> Frame<'a> {
    /// The message as it came.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The members.
    ///
    /// # Errors
    /// A member without name or value.
    pub fn message(&self) -> Result<Message<'a>, MessageError> {
        if let Some(odd) = self.members.odd {
            return Err(self.fault(odd.start, "a member with a name and a value"));
        }
        Ok(Message {
            method: self.value(self.members.method)?,
            params: self.value(self.members.params)?,
            result: self.value(self.members.result)?,
            error: self.value(self.members.error)?,
            id: self.value(self.members.id)?,
        })
    }

    fn fault(&self, at: usize, expected: &'static str) -> MessageError {
        MessageError { at, expected }
    }

    /// The value of a member; `None` also for `null`.
    fn value(&self, member: Option<Member>) -> Result<Option<&'a str>, MessageError> {
        let Some(member) = member else {
            return Ok(None);
        };
        let Member {
            start, name, colon, ..
        } = member;
        if !is_space(self.bytes.get(start..name.0)) {
            return Err(self.fault(start, "a name"));
        }
        if colon < name.1 || !is_space(self.bytes.get(name.1..colon)) {
            return Err(self.fault(name.1, "a colon"));
        }
        let from = colon.saturating_add(1);
        let value = self.bytes.get(from..member.end).unwrap_or_default();
        let value = std::str::from_utf8(value)
            .map_err(|error| self.fault(from.saturating_add(error.valid_up_to()), "UTF-8"))?;
        match value.trim_matches([' ', '\t', '\r', '\n']) {
            "" => Err(self.fault(from, "a value")),
            "null" => Ok(None),
            value => Ok(Some(value)),
        }
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
                messages.push(String::from_utf8(message.bytes().to_vec()).unwrap());
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
    fn a_large_message_that_was_taken_takes_no_room() {
        let mut framer = Framer::new(4 << 20);
        framer.push(format!("{{\"a\":\"{}\"}}{{\"b\"", "x".repeat(3 << 20)).as_bytes());
        assert!(framer.next_message().unwrap().is_some());
        assert!(framer.next_message().unwrap().is_none());
        assert!(framer.buffer.capacity() <= 1 << 16);
        framer.push(b":1}");
        let frame = framer.next_message().unwrap().unwrap();
        assert_eq!(frame.bytes(), b"{\"b\":1}");
    }

    fn split(bytes: &[u8]) -> Result<String, MessageError> {
        let mut framer = Framer::new(1000);
        framer.push(bytes);
        let frame = framer.next_message().unwrap().expect("a whole message");
        frame.message().map(|message| format!("{message:?}"))
    }

    #[test]
    fn the_last_of_two_members_counts() {
        let text = br#" {"id":1,"method":"a","id" : [2, "}\"", {"id":[]}] ,"result":null,"extra":[{}], "error":-1.5e3}"#;
        let expected = Message {
            method: Some("\"a\""),
            id: Some(r#"[2, "}\"", {"id":[]}]"#),
            error: Some("-1.5e3"),
            ..Message::default()
        };
        let expected = format!("{expected:?}");
        assert_eq!(split(text).unwrap(), expected);
        // However it was cut.
        for step in 1..text.len() {
            let mut framer = Framer::new(1000);
            for (at, chunk) in text.chunks(step).enumerate() {
                if at == 0 {
                    framer.push(b"{\"id\":0}{");
                    assert!(framer.next_message().unwrap().is_some());
                    assert!(framer.next_message().unwrap().is_none());
                    framer.push(b"}");
                    assert!(framer.next_message().unwrap().is_some());
                }
                framer.push(chunk);
                if let Some(frame) = framer.next_message().unwrap() {
                    assert_eq!(
                        format!("{:?}", frame.message().unwrap()),
                        expected,
                        "{step}"
                    );
                }
            }
        }
        assert_eq!(split(b"{ }").unwrap(), format!("{:?}", Message::default()));
    }

    #[test]
    fn what_is_no_object_of_members_is_told_with_its_place() {
        const MEMBER: &str = "a member with a name and a value";
        for (text, at, expected) in [
            (&b"{\"id\" 1}"[..], 5, "a colon"),
            (b"{\"id\" 1 : 2}", 5, "a colon"),
            (b"{:\"id\"}", 1, "a name"),
            (b"{\"a\" 1}", 1, MEMBER),
            (b"{\"id\": }", 6, "a value"),
            (b"{\"id\":1,}", 8, MEMBER),
            (b"{,}", 1, MEMBER),
            (b"{a:1}", 1, MEMBER),
            (b"{ x \"id\":1}", 1, "a name"),
            (b"{\"id\":\"\xff\"}", 7, "UTF-8"),
        ] {
            assert_eq!(
                split(text),
                Err(MessageError { at, expected }),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }
}
