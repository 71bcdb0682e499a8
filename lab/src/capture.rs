//! Packet captures: `tcpdump` writes, the lab reads. Frames keep their VLAN tag, which a bare packet socket would lose.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::frame::Frame;
use crate::namespace::Namespace;
use crate::shared::lock;
use crate::{Error, Result, tool, wait};

/// A capture is of laboratory traffic; more than this is a loop, and must not eat the memory.
const MOST_FRAMES: usize = 500_000;

/// A running capture. It ends when dropped.
pub struct Capture {
    frames: Arc<Mutex<Vec<Frame>>>,
    programs: Vec<Child>,
}

impl Capture {
    /// Everything that passes `nic` in `namespace`, in both directions.
    ///
    /// # Errors
    /// When `tcpdump` does not start.
    pub fn of_nic(namespace: &Namespace, nic: &str) -> Result<Self> {
        let mut capture = Self {
            frames: Arc::default(),
            programs: Vec::new(),
        };
        capture.add(namespace, nic, "inout")?;
        Ok(capture)
    }

    /// What arrives at any of `nics`.
    pub(crate) fn of_arrivals(namespace: &Namespace, nics: &[String]) -> Result<Self> {
        let mut capture = Self {
            frames: Arc::default(),
            programs: Vec::new(),
        };
        for nic in nics {
            capture.add(namespace, nic, "in")?;
        }
        Ok(capture)
    }

    fn add(&mut self, namespace: &Namespace, nic: &str, direction: &str) -> Result<()> {
        let mut command = Command::new("tcpdump");
        command.args([
            "-i",
            nic,
            "-Q",
            direction,
            "-U",
            "--immediate-mode",
            "-n",
            "-s",
            "2000",
            "-Z",
            "root",
            "-w",
            "-",
        ]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let line = tool::line(&command);
        let mut child =
            namespace.run(|| command.spawn().map_err(Error::io(format!("run `{line}`"))))?;
        let pipes = (child.stdout.take(), child.stderr.take());
        self.programs.push(child);
        let (Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::unexpected(line, "no pipe", "a pipe from it"));
        };
        // It says that it listens, and from then on misses nothing.
        let mut stderr = BufReader::new(stderr);
        let mut said = String::new();
        while !said.contains("listening on") {
            let length = stderr
                .read_line(&mut said)
                .map_err(Error::io(format!("read from `{line}`")))?;
            if length == 0 {
                return Err(Error::Command {
                    command: line,
                    status: "ended early".to_owned(),
                    said: said.trim().to_owned(),
                });
            }
        }
        let frames = Arc::clone(&self.frames);
        thread::spawn(move || {
            // The capture ends in the middle of a record when the program is stopped; all before that counts.
            let _ = read_all(stdout, &frames);
        });
        // It must be able to say goodbye without a broken pipe.
        thread::spawn(move || io::copy(&mut stderr, &mut io::sink()));
        Ok(())
    }

    /// A copy of what has been captured so far.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        lock(&self.frames).clone()
    }

    /// How many frames so far are as asked.
    #[must_use]
    pub fn count(&self, wanted: impl Fn(&Frame) -> bool) -> usize {
        lock(&self.frames)
            .iter()
            .filter(|frame| wanted(frame))
            .count()
    }

    /// Waits for the first frame that is as asked, and returns a copy of it.
    ///
    /// # Errors
    /// When none comes.
    pub fn wait_for(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Frame) -> bool,
    ) -> Result<Frame> {
        wait::until(&format!("captured: {what}"), patience, || {
            let frames = lock(&self.frames);
            Ok(match frames.iter().find(|frame| wanted(frame)) {
                Some(frame) => wait::Look::Done(frame.clone()),
                None => wait::Look::NotYet(format!("{} other frames", frames.len())),
            })
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // Both fail only if it has ended already.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// Reads the classic capture format in this machine's byte order: a header of 24 bytes, then for each frame 16 bytes with the
/// captured length at offset 8, and the frame.
fn read_all(pipe: ChildStdout, frames: &Mutex<Vec<Frame>>) -> io::Result<()> {
    let mut pipe = BufReader::new(pipe);
    pipe.read_exact(&mut [0; 24])?;
    loop {
        let mut head = [0; 16];
        pipe.read_exact(&mut head)?;
        let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = head;
        let length = u64::from(u32::from_ne_bytes([a, b, c, d]));
        let mut bytes = Vec::new();
        if (&mut pipe).take(length).read_to_end(&mut bytes)? as u64 != length {
            return Ok(());
        }
        let mut frames = lock(frames);
        if frames.len() < MOST_FRAMES {
            frames.push(Frame::new(bytes));
        }
    }
}
