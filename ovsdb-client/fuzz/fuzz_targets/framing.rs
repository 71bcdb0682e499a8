//! JSON-RPC framing: however the stream is cut, the messages are the same, and each is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovsdb_client::rpc::{FrameError, Framer, Message};

fn messages(stream: &[u8], step: usize) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut framer = Framer::new(1000);
    let mut found = Vec::new();
    for chunk in stream.chunks(step) {
        framer.push(chunk);
        loop {
            match framer.next_message() {
                Ok(Some(message)) => found.push(message.to_vec()),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (step, stream) = input;
    let whole = messages(stream, 1);
    let cut = messages(stream, usize::from(step).max(1));
    assert_eq!(whole.0, cut.0);
    for message in whole.0 {
        let _ = serde_json::from_slice::<Message<'_>>(&message);
    }
});
