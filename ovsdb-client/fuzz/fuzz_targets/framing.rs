//! JSON-RPC framing: however the stream is cut, the messages are the same, and each is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ovsdb_client::rpc::{FrameError, Framer, Message, MessageError};
use serde_json::Value;

/// The members as values, where they are.
type Members = [Option<String>; 5];

fn members(message: &Message<'_>) -> Members {
    [
        message.method,
        message.params,
        message.result,
        message.error,
        message.id,
    ]
    .map(|member| member.map(str::to_owned))
}

type Found = (Vec<u8>, Result<Members, MessageError>);

fn messages(stream: &[u8], step: usize) -> (Vec<Found>, Option<FrameError>) {
    let mut framer = Framer::new(1000);
    let mut found = Vec::new();
    for chunk in stream.chunks(step) {
        framer.push(chunk);
        loop {
            match framer.next_message() {
                Ok(Some(frame)) => found.push((
                    frame.bytes().to_vec(),
                    frame.message().map(|message| members(&message)),
                )),
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
    // A second opinion: what is JSON has the members that serde_json finds, names written with escapes aside.
    for (message, members) in whole.0 {
        let Ok(Value::Object(object)) = serde_json::from_slice(&message) else {
            continue;
        };
        if message.contains(&b'\\') {
            continue;
        }
        let names = ["method", "params", "result", "error", "id"];
        for (name, member) in names.into_iter().zip(members.unwrap()) {
            let value = member.map(|text| serde_json::from_str::<Value>(&text).unwrap());
            let expected = object.get(name).filter(|value| !value.is_null());
            assert_eq!(value.as_ref(), expected, "{name}");
        }
    }
});
