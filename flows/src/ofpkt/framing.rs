//! Cutting a stream of bytes into messages, by the length in each message's head.

use bytes::{Buf, Bytes, BytesMut};

/// The stream can not be cut into messages any further; the connection is to be closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// The length in a head is less than the head has itself.
    #[error("a message says it is {0} bytes long, less than the 8 of its own head")]
    TooShort(u16),
}

/// Takes the first message out of `stream`, whole; `None` if more bytes must come first. A message has at most 65535 bytes.
///
/// # Errors
/// If the head says a length of less than 8 bytes.
pub fn take(stream: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Some([_, _, high, low, _, _, _, _]) = stream.first_chunk::<8>().copied() else {
        return Ok(None);
    };
    let length = u16::from_be_bytes([high, low]);
    if length < 8 {
        return Err(FrameError::TooShort(length));
    }
    let length = usize::from(length);
    if stream.remaining() < length {
        stream.reserve(length - stream.remaining());
        return Ok(None);
    }
    Ok(Some(stream.split_to(length).freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_one_by_one_however_they_arrive() {
        let bytes = [1, 0, 0, 8, 0, 0, 0, 1, 5, 2, 0, 10, 0, 0, 0, 2, 7, 8];
        let mut stream = BytesMut::new();
        let mut found = Vec::new();
        for byte in bytes {
            stream.extend_from_slice(&[byte]);
            while let Some(message) = take(&mut stream).unwrap() {
                found.push(message.len());
            }
        }
        assert_eq!(found, [8, 10]);
        assert!(stream.is_empty());
    }

    #[test]
    fn a_length_below_the_head_is_an_error() {
        let mut stream = BytesMut::from(&[1, 0, 0, 7, 0, 0, 0, 1][..]);
        assert_eq!(take(&mut stream), Err(FrameError::TooShort(7)));
    }
}
