//! `monitor`: all that a switch tells a controller, as text in a file. It runs on a thread of its own, takes commands while it
//! runs, and ends when it is dropped.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use flows::Version;
use flows::ofpkt::{Body, Message, MultipartRequest, PacketIn2};
use flows::text::{Names, print_message};

use super::format::Formats;
use super::{Call, Stop, fatal, port, unhex};
use crate::Connection;

/// How long the switch may say nothing until commands are looked at.
const TICK: Duration = Duration::from_millis(5);
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(20);

enum Command {
    Barrier,
    Output(File),
    Block(bool),
    Send(Vec<Vec<u8>>),
}

/// A monitor in the background.
#[derive(Debug)]
pub(super) struct Monitor {
    target: String,
    commands: Option<Sender<(Command, Sender<()>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// By which name it is controlled.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn barrier(&mut self) -> Result<(), String> {
        self.command(Command::Barrier)
    }

    pub(super) fn set_output_file(&mut self, path: &Path) -> Result<(), String> {
        let file = File::create(path).map_err(|error| error.to_string())?;
        self.command(Command::Output(file))
    }

    pub(super) fn block(&mut self, on: bool) -> Result<(), String> {
        self.command(Command::Block(on))
    }

    /// Sends messages in hexadecimal; returns what `ovs-appctl` prints.
    pub(super) fn send(&mut self, messages: &[&str]) -> Result<String, String> {
        let bytes: Result<Vec<_>, _> = messages.iter().map(|text| unhex(text)).collect();
        let bytes = bytes.map_err(|stop| format!("{stop:?}"))?;
        self.command(Command::Send(bytes))?;
        Ok("sent\n".repeat(messages.len()))
    }

    fn command(&self, command: Command) -> Result<(), String> {
        let (done, wait) = mpsc::channel();
        let commands = self.commands.as_ref().ok_or("the monitor has ended")?;
        commands
            .send((command, done))
            .map_err(|error| error.to_string())?;
        wait.recv_timeout(PATIENCE)
            .map_err(|error| format!("the monitor does not answer: {error}"))
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Watch {
    connection: Connection,
    commands: Receiver<(Command, Sender<()>)>,
    output: File,
    verbosity: u8,
    resume: bool,
    blocked: bool,
    /// The transaction id of a barrier that is waited for, and who waits.
    barrier: Option<(u32, Sender<()>)>,
}

impl Watch {
    fn run(mut self) -> std::io::Result<()> {
        loop {
            match self.commands.try_recv() {
                Ok((command, done)) => self.obey(command, done)?,
                Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                Err(mpsc::TryRecvError::Empty) => {}
            }
            if self.blocked {
                std::thread::sleep(TICK);
                continue;
            }
            match self.connection.receive_any() {
                Ok((bytes, message)) => self.tell(&bytes, message)?,
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn obey(&mut self, command: Command, done: Sender<()>) -> std::io::Result<()> {
        match command {
            Command::Barrier => {
                let xid = self.connection.send(Body::BarrierRequest)?;
                self.barrier = Some((xid, done));
                return Ok(());
            }
            Command::Output(file) => self.output = file,
            Command::Block(on) => self.blocked = on,
            Command::Send(messages) => {
                for bytes in messages {
                    self.print("send: ", &bytes, self.verbosity)?;
                    self.connection.send_bytes(&bytes)?;
                }
            }
        }
        let _ = done.send(());
        Ok(())
    }

    fn print(&mut self, before: &str, bytes: &[u8], verbosity: u8) -> std::io::Result<()> {
        let text = print_message(bytes, verbosity, &Names::default());
        self.output.write_all(format!("{before}{text}").as_bytes())
    }

    fn tell(&mut self, bytes: &[u8], message: Message) -> std::io::Result<()> {
        let verbosity = self.verbosity + 2;
        self.print("", bytes, verbosity)?;
        if let Err(why) = crate::connection::again(bytes, &message) {
            self.output.write_all(format!("{why}\n").as_bytes())?;
        }
        match message.body {
            Body::BarrierReply => {
                if let Some((_, done)) = self.barrier.take_if(|(xid, _)| *xid == message.xid) {
                    let _ = done.send(());
                }
            }
            Body::EchoRequest(data) => {
                self.connection
                    .send_as(message.xid, Body::EchoReply(data))?;
            }
            Body::PacketIn2(packet) if self.resume && packet.continuation.is_some() => {
                let resume = Body::Resume(PacketIn2 {
                    // What the switch said for the controller's eyes is not sent back.
                    buffer_id: None,
                    full_len: None,
                    ..packet
                });
                let version = self.connection.version();
                let bytes = Message::new(version, 0, resume).encode();
                self.print("send: ", &bytes, verbosity)?;
                self.connection.send_bytes(&bytes)?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Call {
    /// Starts a monitor: sets up what is to be told and leaves the rest to a thread.
    pub(super) fn monitor(&mut self, bridge: &str, what: &[&str]) -> Result<Monitor, Stop> {
        if what.contains(&"invalid_ttl") {
            let old = Formats::of_versions(&[Version::V10, Version::V11, Version::V12]);
            self.options.formats = self.options.formats.and(old);
        }
        let mut connection = self.connect(bridge)?;
        let mut resume = false;
        for word in what {
            match *word {
                "invalid_ttl" => {
                    let mut config = port::config(&mut connection)?;
                    config.flags |= 4;
                    self.change(&mut connection, Body::SetConfig(config))?;
                }
                "resume" => {
                    resume = true;
                    self.set_miss_send_len(&mut connection, u16::MAX)?;
                }
                word if word.starts_with("watch:") => {
                    let watch = word.split_at("watch:".len()).1;
                    self.watch(bridge, &mut connection, watch)?;
                }
                number if number.starts_with(|c: char| c.is_ascii_digit()) => {
                    let length = number.parse().unwrap_or(u16::MAX);
                    self.set_miss_send_len(&mut connection, length)?;
                }
                word => return fatal(format!("{word}: unsupported \"monitor\" argument")),
            }
        }
        match self.options.packet_in_format {
            Some(format) => self.change(&mut connection, Body::SetPacketInFormat(format))?,
            None => {
                let refusal = connection.change(Body::SetPacketInFormat(2))?;
                self.expect_done(refusal)?;
            }
        }
        connection.set_patience(TICK)?;
        let (commands, receiver) = mpsc::channel();
        let target = self.options.target.clone();
        let output = File::options()
            .create(true)
            .append(true)
            .open(self.dir.join(&self.log))?;
        let watch = Watch {
            connection,
            commands: receiver,
            output,
            verbosity: self.options.verbosity,
            resume,
            blocked: false,
            barrier: None,
        };
        let thread = std::thread::spawn(move || {
            // The connection ends with the switch.
            let _ = watch.run();
        });
        Ok(Monitor {
            target,
            commands: Some(commands),
            thread: Some(thread),
        })
    }

    fn set_miss_send_len(&mut self, connection: &mut Connection, len: u16) -> Result<(), Stop> {
        let mut config = port::config(connection)?;
        config.miss_send_len = len;
        self.change(connection, Body::SetConfig(config))
    }

    fn watch(&mut self, bridge: &str, connection: &mut Connection, text: &str) -> Result<(), Stop> {
        let names = self.names(bridge)?;
        let request = flows::text::parse_flow_monitor(text, connection.version(), &names)
            .map_err(|error| Stop::Fatal(error.what))?;
        let request = MultipartRequest::FlowMonitor(vec![request]);
        self.print_answer(connection, Body::MultipartRequest(request))
    }
}
