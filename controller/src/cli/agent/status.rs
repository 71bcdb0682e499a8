//! `heddle agent status`: asks the agent of this host, and prints the answer for people or programs.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::super::render::emit;
use super::super::{Failure, Global};
use super::RUNTIME_DIR;
use crate::agent::status::{Bridge, Source, State, Status};
use crate::agent::{Peer, socket};

/// How long the agent has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: some hundred thousand ports.
const LONGEST: usize = 256 << 20;

const EXAMPLES: &str = "\
Examples:
  heddle agent status                         # the agent of this host
  heddle agent status --json | jq .state      # waiting, working or applied

With --json: one object, whose keys are described in the documentation of controller::agent::status::Status.";

/// How the agent does
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// Where the agent has its socket
    #[arg(long, value_name = "DIRECTORY", default_value = RUNTIME_DIR)]
    runtime_dir: PathBuf,
}

impl Arguments {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let socket = socket(&self.runtime_dir);
        let patience = global.timeout.unwrap_or(PATIENCE);
        let asked = timeout(patience, ask(&socket)).await;
        let body = asked.map_err(|_| {
            Failure::failed(format_args!(
                "the agent at {} did not answer within {} s",
                socket.display(),
                patience.as_secs_f64()
            ))
        })??;
        let status: Status = serde_json::from_slice(&body).map_err(|error| {
            Failure::failed(format_args!(
                "the answer of the agent at {} can not be read: {error}",
                socket.display()
            ))
        })?;
        if self.json {
            let text = serde_json::to_string_pretty(&status).map_err(Failure::failed)?;
            return emit(&(text + "\n"));
        }
        emit(&text(&status))
    }
}

/// `GET /status`.
async fn ask(socket: &Path) -> Result<Bytes, Failure> {
    let stream = UnixStream::connect(socket).await.map_err(|error| {
        Failure::failed(match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
                "no agent runs here: {}: {error}; `heddle agent` starts one, --runtime-dir says where its socket is",
                socket.display()
            ),
            _ => format!("{}: {error}", socket.display()),
        })
    })?;
    let failed = |error: hyper::Error| {
        Failure::failed(format_args!("the agent at {}: {error}", socket.display()))
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // What goes wrong with the connection is told by the answer that does not come.
    tokio::spawn(connection);
    let request = Request::get("/status")
        .header("host", "agent")
        .body(Empty::<Bytes>::new())
        .map_err(Failure::failed)?;
    let response = sender.send_request(request).await.map_err(failed)?;
    let code = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await;
    let body = body
        .map_err(|error| {
            Failure::failed(format_args!("the agent at {}: {error}", socket.display()))
        })?
        .to_bytes();
    if code != StatusCode::OK {
        let said = String::from_utf8_lossy(&body);
        return Err(Failure::failed(format_args!("{}", said.trim())));
    }
    Ok(body)
}

/// What a person wants to see, the most important first.
fn text(status: &Status) -> String {
    let mut out = String::new();
    let host = status.host.as_deref().unwrap_or("(no name yet)");
    let _ = writeln!(
        out,
        "heddle agent {} on {host}, up {}, {:.1} MiB",
        status.version,
        duration(status.uptime),
        mebibytes(status.memory)
    );
    let state = match (status.state, &status.waiting_for) {
        (State::Waiting, Some(what)) => format!("waiting for {what}"),
        (State::Waiting, None) => "waiting".to_owned(),
        (State::Working, _) => "working: changes are on their way".to_owned(),
        (State::Applied, _) => "all that is known is on the switch".to_owned(),
    };
    let _ = writeln!(out, "state       {state}");
    let _ = writeln!(out, "intent      {}", intent(status));
    let repairs = match status.counters.switch_repairs {
        0 => String::new(),
        count => format!("; {count} edits by others put right"),
    };
    let _ = writeln!(out, "switch      {}{repairs}", peer(&status.switch));
    let remotes = status.northbound_remotes.join(",");
    let _ = writeln!(out, "northbound  {} ({remotes})", peer(&status.northbound));
    if !status.bridges.is_empty() {
        out.push_str("bridges\n");
        table(
            &mut out,
            status
                .bridges
                .iter()
                .map(|(name, found)| vec![name.clone(), bridge(found)]),
        );
    }
    let up = status.ports.iter().filter(|port| port.up).count();
    let _ = writeln!(
        out,
        "ports       {up} up, {} waiting",
        status.ports.len().saturating_sub(up)
    );
    table(
        &mut out,
        status.ports.iter().map(|port| {
            let state = match &port.waits_for {
                None => "up".to_owned(),
                Some(what) => format!("waits for: {what}"),
            };
            vec![port.name.clone(), port.interface.clone(), state]
        }),
    );
    for (title, pairs, between) in [
        ("unbound", &status.unbound, "names no port: iface-id="),
        ("problems", &status.problems, ""),
    ] {
        if !pairs.is_empty() {
            let _ = writeln!(out, "{title}");
            let rows = pairs
                .iter()
                .map(|(key, value)| vec![key.clone(), format!("{between}{value}")]);
            table(&mut out, rows);
        }
    }
    // Names and reasons come from others: what would move the cursor is not shown.
    out.replace(|c: char| c.is_control() && c != '\n', "?")
}

fn intent(status: &Status) -> String {
    let intent = &status.intent;
    let Some(revision) = intent.revision else {
        return "none yet".to_owned();
    };
    let applied = match intent.applied {
        Some(applied) if applied == revision => "applied".to_owned(),
        Some(applied) => format!(
            "applied up to {applied}, for {} not newer",
            duration(intent.lag)
        ),
        None => "nothing applied yet".to_owned(),
    };
    let source = match intent.source {
        Source::None | Source::Database => "",
        Source::File => " (the last known one: no northbound database since the start)",
    };
    format!("revision {revision}{source}, {applied}")
}

fn peer(peer: &Peer) -> String {
    let mut text = match (&peer.error, peer.connected) {
        (_, true) => "connected".to_owned(),
        (Some(error), false) => format!("not connected: {error}"),
        (None, false) => "not connected yet".to_owned(),
    };
    if peer.sessions > 1 {
        let _ = write!(text, ", {} sessions so far", peer.sessions);
    }
    text
}

fn bridge(bridge: &Bridge) -> String {
    let programmed = &bridge.programmed;
    let mut text = format!(
        "{}, {} flows; sent {} adds, {} deletes in {} bundles",
        peer(&bridge.session),
        bridge.flow_count(),
        programmed.added,
        programmed.deleted,
        programmed.acknowledged.saturating_add(programmed.refused),
    );
    if programmed.refused > 0 {
        let _ = write!(text, ", {} of them refused", programmed.refused);
    }
    if programmed.repaired > 0 {
        let _ = write!(text, "; {} flows repaired", programmed.repaired);
    }
    if bridge.programming {
        text.push_str(", one on its way");
    }
    text
}

/// Rows in columns, indented.
fn table(out: &mut String, rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<_> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..rows.iter().map(Vec::len).max().unwrap_or_default())
        .map(width)
        .collect();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(out, "  {}", line.join("  ").trim_end());
    }
}

/// `1 d 2 h`, `3 m 4 s`, `5.2 s`.
fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 1e12)).as_secs();
    let (days, hours, minutes, seconds) = (
        whole / 86_400,
        whole / 3_600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    match (days, hours) {
        (0, 0) => format!("{minutes} m {seconds} s"),
        (0, _) => format!("{hours} h {minutes} m"),
        _ => format!("{days} d {hours} h"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one digit is shown")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::status::{Flows, Intent, Port};

    #[test]
    fn a_picture_as_text() {
        let mut bridge = Bridge {
            flows: vec![Flows {
                count: 17,
                ..Flows::default()
            }],
            ..Bridge::default()
        };
        bridge.session.connected = true;
        bridge.session.sessions = 2;
        (bridge.programmed.added, bridge.programmed.acknowledged) = (20, 2);
        let port = |name: &str, waits_for: Option<&str>| Port {
            name: name.to_owned(),
            interface: format!("tap-{name}"),
            up: waits_for.is_none(),
            waits_for: waits_for.map(str::to_owned),
            ..Port::default()
        };
        let status = Status {
            version: "0.1.0".to_owned(),
            host: Some("h1".to_owned()),
            uptime: 3_725.0,
            memory: 15 << 20,
            state: State::Working,
            intent: Intent {
                source: Source::Database,
                revision: Some(9),
                applied: Some(8),
                lag: 0.25,
                ..Intent::default()
            },
            northbound: Peer {
                error: Some("refused".to_owned()),
                ..Peer::default()
            },
            northbound_remotes: vec!["tcp:192.0.2.10:6641".to_owned()],
            bridges: [("br-int".to_owned(), bridge)].into(),
            ports: vec![port("web-1", None), port("db", Some("a\u{1b}[2Jnumber"))],
            unbound: [("tap9".to_owned(), "vm7".to_owned())].into(),
            problems: [("blue".to_owned(), "no tunnel address".to_owned())].into(),
            ..Status::default()
        };
        let expected = "\
heddle agent 0.1.0 on h1, up 1 h 2 m, 15.0 MiB
state       working: changes are on their way
intent      revision 9, applied up to 8, for 0.2 s not newer
switch      not connected yet
northbound  not connected: refused (tcp:192.0.2.10:6641)
bridges
  br-int  connected, 2 sessions so far, 17 flows; sent 20 adds, 0 deletes in 2 bundles
ports       1 up, 1 waiting
  web-1  tap-web-1  up
  db     tap-db     waits for: a?[2Jnumber
unbound
  tap9  names no port: iface-id=vm7
problems
  blue  no tunnel address
";
        assert_eq!(text(&status), expected);
    }

    #[test]
    fn durations_are_short() {
        for (seconds, shown) in [
            (0.04, "0.0 s"),
            (59.9, "59.9 s"),
            (61.0, "1 m 1 s"),
            (7_260.0, "2 h 1 m"),
            (180_000.0, "2 d 2 h"),
            (f64::MAX, "11574074 d 1 h"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }

    #[tokio::test]
    async fn no_agent_is_an_answer() {
        let directory = tempfile::Builder::new()
            .prefix("heddle-status-")
            .tempdir()
            .unwrap();
        let error = ask(&socket(directory.path())).await.unwrap_err();
        let Failure::Failed(error) = error else {
            panic!("{error:?}")
        };
        assert!(
            error.to_string().starts_with("no agent runs here"),
            "{error}"
        );
    }
}
