//! The installed `ovs-ofctl` as a judge: what it makes of flow syntax, as text and as bytes, and how it prints messages.
//! Each question is asked for many flows or messages at once, since a process is dear.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in what it shares too"
)]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use flows::Version;
use flows::ofpkt::{Body, Hello, Message, take};

/// No question takes longer, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A form in which flows are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The version of OpenFlow.
    pub version: Version,
    /// Nicira's form of OpenFlow 1.0 (`NXT_FLOW_MOD`).
    pub nicira: bool,
}

impl Protocol {
    /// Every form.
    pub const ALL: [Self; 7] = [
        Self::new(Version::V10, false),
        Self::new(Version::V10, true),
        Self::new(Version::V11, false),
        Self::new(Version::V12, false),
        Self::new(Version::V13, false),
        Self::new(Version::V14, false),
        Self::new(Version::V15, false),
    ];

    const fn new(version: Version, nicira: bool) -> Self {
        Self { version, nicira }
    }

    /// What `-O` and `-F` say of it.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match (self.version, self.nicira) {
            (Version::V10, false) => ("OpenFlow10", "OpenFlow10+table_id"),
            (Version::V10, true) => ("OpenFlow10", "NXM+table_id"),
            (Version::V11, _) => ("OpenFlow11", "OpenFlow11"),
            (Version::V12, _) => ("OpenFlow12", "OXM-OpenFlow12"),
            (Version::V13, _) => ("OpenFlow13", "OXM-OpenFlow13"),
            (Version::V14, _) => ("OpenFlow14", "OXM-OpenFlow14"),
            (Version::V15, _) => ("OpenFlow15", "OXM-OpenFlow15"),
        }
    }

    fn command(self) -> Command {
        let (version, format) = self.names();
        let mut command = Command::new("ovs-ofctl");
        command.args(["--timeout=60", "-O", version, "-F", format]);
        command
    }
}

/// Why a file of flows was refused.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// This line (from 0) is no flow.
    Line(usize, String),
    /// Some line can not be said in the protocol.
    Some(String),
}

/// True where there is an `ovs-ofctl` of the release that this crate speaks like.
#[must_use]
pub fn is_installed() -> bool {
    let version = Command::new("ovs-ofctl").arg("--version").output();
    version.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(" 3.1."))
}

/// What `ovs-ofctl parse-flows` prints of each line, transaction ids counted from 1.
///
/// # Errors
/// The refusal.
///
/// # Panics
/// If it can not be run or answers strangely.
pub fn parse_flows(protocol: Protocol, dir: &Path, lines: &[&str]) -> Result<Vec<String>, Refusal> {
    let file = write_lines(dir, lines);
    let out = protocol
        .command()
        .arg("parse-flows")
        .arg(&file)
        .output()
        .expect("ovs-ofctl runs");
    if !out.status.success() {
        return Err(refusal(&out, lines.len()));
    }
    let text = String::from_utf8(out.stdout).expect("ovs-ofctl writes UTF-8");
    let mut printed: Vec<String> = Vec::new();
    for line in text.lines().skip(2) {
        // What it can not read itself it shows in several lines.
        match printed.last_mut() {
            Some(last) if !line.contains("T_FLOW_MOD") => {
                last.push('\n');
                last.push_str(line);
            }
            _ => printed.push(line.to_owned()),
        }
    }
    assert_eq!(printed.len(), lines.len(), "all flows are printed: {text}");
    Ok(printed)
}

fn write_lines(dir: &Path, lines: &[&str]) -> std::path::PathBuf {
    let file = dir.join("flows.txt");
    let mut text = lines.join("\n");
    text.push('\n');
    std::fs::write(&file, text).expect("the directory can be written");
    file
}

fn refusal(out: &Output, count: usize) -> Refusal {
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let number = text
        .split("flows.txt:")
        .nth(1)
        .and_then(|rest| rest.split(':').next())
        .and_then(|digits| digits.parse::<usize>().ok())
        .filter(|line| (1..=count).contains(line));
    // Warnings stand before the last word.
    let why = text.lines().rfind(|line| line.starts_with("ovs-ofctl: "));
    let why = why.unwrap_or(&text).to_owned();
    match number {
        Some(line) => Refusal::Line(line - 1, why),
        None => Refusal::Some(why),
    }
}

/// The messages by which `ovs-ofctl add-flows` sends flows to a switch, one for each line.
///
/// # Errors
/// The refusal.
///
/// # Panics
/// If it can not be run or says strange things.
pub fn flow_mods(protocol: Protocol, dir: &Path, lines: &[&str]) -> Result<Vec<Vec<u8>>, Refusal> {
    let file = write_lines(dir, lines);
    let socket = dir.join("switch.sock");
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).expect("a socket of our own");
    let version = protocol.version;
    let done = Arc::new(AtomicBool::new(false));
    let ear = std::thread::spawn({
        let done = Arc::clone(&done);
        move || {
            // One connection is for the names, the next for the flows.
            let mut heard = Vec::new();
            for stream in listener.incoming() {
                if done.load(Ordering::Acquire) {
                    break;
                }
                listen(stream.expect("someone comes"), version, &mut heard);
            }
            heard
        }
    });
    let out = protocol
        .command()
        .arg("add-flows")
        .arg(format!("unix:{}", socket.display()))
        .arg(&file)
        .output()
        .expect("ovs-ofctl runs");
    done.store(true, Ordering::Release);
    drop(UnixStream::connect(&socket));
    let heard = ear.join().expect("the switch stands");
    let complaint = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        return Err(refusal(&out, lines.len()));
    }
    assert_eq!(
        heard.len(),
        lines.len(),
        "a message for each flow: {complaint}"
    );
    Ok(heard)
}

/// Runs lines that should all be taken, and tells which are not; the messages are those of the others.
///
/// # Panics
/// As [`flow_mods`].
pub fn send<'a>(
    protocol: Protocol,
    dir: &Path,
    lines: &mut Vec<&'a str>,
    refused: &mut Vec<(&'a str, String)>,
) -> Vec<Vec<u8>> {
    loop {
        if lines.is_empty() {
            return Vec::new();
        }
        match flow_mods(protocol, dir, lines) {
            Ok(sent) => return sent,
            Err(Refusal::Line(number, why)) => refused.push((lines.remove(number), why)),
            Err(Refusal::Some(why)) => {
                if lines.len() == 1 {
                    refused.push((lines.remove(0), why));
                    return Vec::new();
                }
                let mut tail = lines.split_off(lines.len() / 2);
                let mut sent = send(protocol, dir, lines, refused);
                sent.extend(send(protocol, dir, &mut tail, refused));
                lines.append(&mut tail);
                return sent;
            }
        }
    }
}

/// Is a switch of one version to whoever speaks: keeps the changes of flows until the other end is closed.
fn listen(mut stream: UnixStream, version: Version, changes: &mut Vec<Vec<u8>>) {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a timeout can be set");
    let mut received = BytesMut::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        while let Ok(Some(bytes)) = take(&mut received) {
            let xid = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            let kind = (bytes[1], version == Version::V10);
            let answer = match kind {
                (0, _) => Some(Body::Hello(Hello::offering(&[version]))),
                // Features: a switch without ports.
                (5, _) => Some(Body::Other(6, vec![0; 24])),
                (18, true) | (20, false) => Some(Body::BarrierReply),
                // Whatever is asked, for the names of ports and tables, there is none.
                (16, true) | (18, false) => {
                    let mut answer = bytes[8..if kind.1 { 12 } else { 16 }].to_vec();
                    if answer[..2] == [0, 12] {
                        // Table features are never empty: table 0 with its eight properties, and nothing in these.
                        answer.extend([0, 128]);
                        answer.extend([0; 62]);
                        for property in (0..16).step_by(2) {
                            answer.extend([0, property, 0, 4, 0, 0, 0, 0]);
                        }
                    }
                    Some(Body::Other(kind.0 + 1, answer))
                }
                (14, _) => {
                    changes.push(bytes.to_vec());
                    None
                }
                // NXT_FLOW_MOD; the other extensions only set up the connection.
                (4, true) if bytes[8..16] == [0, 0, 0x23, 0x20, 0, 0, 0, 13] => {
                    changes.push(bytes.to_vec());
                    None
                }
                _ => None,
            };
            if let Some(body) = answer {
                let reply = Message::new(version, xid, body).encode();
                stream.write_all(&reply).expect("the other end listens");
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => received.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
}

/// What `ovs-ofctl ofp-parse` prints of each message, with `more` times `-m`: as `ofp-print` does at verbosity 2 + `more`.
///
/// # Panics
/// If it can not be run or a message does not come out.
#[must_use]
pub fn print_messages(dir: &Path, messages: &[Vec<u8>], more: usize) -> Vec<String> {
    let printed = print_hostile_messages(dir, messages, more).into_iter();
    printed
        .map(|text| text.expect("ovs-ofctl survives"))
        .collect()
}

/// The same of messages that may be spoiled; `None` is one over which `ovs-ofctl` dies.
///
/// # Panics
/// If it can not be run.
#[must_use]
pub fn print_hostile_messages(
    dir: &Path,
    messages: &[Vec<u8>],
    more: usize,
) -> Vec<Option<String>> {
    let mut printed = Vec::with_capacity(messages.len());
    let mut most = messages.len();
    while let Some(left) = messages
        .get(printed.len()..)
        .filter(|left| !left.is_empty())
    {
        let some = left.get(..most).unwrap_or(left);
        let came = print_some(dir, some, more);
        // What it has not yet written when it dies is lost: the one at fault is found by asking for fewer.
        match (came.len(), some.len()) {
            (0, 1) => {
                printed.push(None);
                most = messages.len();
            }
            (0, several) => most = several / 2,
            _ => printed.extend(came.into_iter().map(Some)),
        }
    }
    printed
}

/// What is printed of the messages up to the first one that ends `ovs-ofctl`.
fn print_some(dir: &Path, messages: &[Vec<u8>], more: usize) -> Vec<String> {
    // Between any two stands a question that nobody else asks.
    const MARK: u32 = 0x5ee4_0000;
    let mut stream = Vec::new();
    let mark = |n: usize| MARK + u32::try_from(n).expect("few messages");
    for (n, message) in messages.iter().enumerate() {
        stream.extend_from_slice(message);
        stream.extend(Message::new(Version::V10, mark(n), Body::BarrierRequest).encode());
    }
    let file = dir.join("messages");
    std::fs::write(&file, stream).expect("the directory can be written");
    let out = Command::new("ovs-ofctl")
        .args(vec!["-m"; more])
        .arg("ofp-parse")
        .arg(&file)
        .output()
        .expect("ovs-ofctl runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut rest = text.as_str();
    let mut printed = Vec::new();
    for n in 0..messages.len() {
        let end = format!("OFPT_BARRIER_REQUEST (xid={:#x}):\n", mark(n));
        let Some((one, after)) = rest.split_once(&end) else {
            assert!(
                !out.status.success(),
                "message {n} does not come out: {rest}"
            );
            break;
        };
        printed.push(one.to_owned());
        // From verbosity 5 on, the bytes follow; of the mark they are of no interest.
        rest = after;
    }
    printed
}

/// What `ovs-ofctl ofp-print` prints of one message at a verbosity.
///
/// # Panics
/// If it can not be run.
#[must_use]
pub fn print_message(message: &[u8], verbosity: u8) -> String {
    let digits: String = message.iter().map(|b| format!("{b:02x}")).collect();
    let out = Command::new("ovs-ofctl")
        .args(["ofp-print", &digits, &verbosity.to_string()])
        .output()
        .expect("ovs-ofctl runs");
    String::from_utf8_lossy(&out.stdout).into_owned()
}
