//! Ears: a packet socket in a station's namespace that reports every probe that comes by, whether or not the station's own IP stack
//! would take it.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::payload::{Nonce, Probe, Sighting};
use crate::station::Station;
use crate::{Error, Result};

/// All protocols (`ETH_P_ALL` of packet(7)).
const ALL: u16 = 3;
/// How soon an ear notices that it shall stop.
const TICK: Duration = Duration::from_millis(20);
/// Room for what comes while the machine is busy elsewhere.
const BUFFER: usize = 4 << 20;

/// A listening station. Stops when dropped.
pub(super) struct Ear {
    stop: Arc<AtomicBool>,
    worker: Option<JoinHandle<()>>,
}

impl Ear {
    /// Calls `heard` for every probe of this run that arrives at `station`, but not for those it sends itself. It listens from
    /// before this function returns.
    pub(super) fn start(
        station: &Station,
        nonce: Nonce,
        heard: impl Fn(Sighting) + Send + 'static,
    ) -> Result<Self> {
        let socket = station
            .namespace()
            .run(|| open().map_err(Error::io("open a packet socket")))?;
        let stop = Arc::new(AtomicBool::new(false));
        let own = station.id();
        let stopped = Arc::clone(&stop);
        let worker = thread::spawn(move || listen(&socket, nonce, own, &stopped, heard));
        Ok(Self {
            stop,
            worker: Some(worker),
        })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker.take() {
            // A panic there has been printed; what it missed shows as a probe that never arrived.
            let _ = worker.join();
        }
    }
}

fn open() -> std::io::Result<Socket> {
    let all = i32::from(ALL.to_be());
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(all)))?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_read_timeout(Some(TICK))?;
    Ok(socket)
}

fn listen(
    mut socket: &Socket,
    nonce: Nonce,
    own: u32,
    stop: &AtomicBool,
    heard: impl Fn(Sighting),
) {
    let mut buffer = vec![0; 1 << 16];
    let mut ends = false;
    loop {
        if !ends && stop.load(Ordering::Relaxed) {
            // What has come by now is heard, however long this thread has not run; nothing more is waited for.
            ends = true;
            if socket.set_nonblocking(true).is_err() {
                return;
            }
        }
        let length = match socket.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error)
                if !ends && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                continue;
            }
            // An interface that goes down is reported once and then forgotten by the kernel.
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ENETDOWN as i32) => {
                continue;
            }
            Err(_) => return,
        };
        let Some(sighting) = Probe::find(nonce, buffer.get(..length).unwrap_or_default()) else {
            continue;
        };
        let sender = if sighting.reply {
            sighting.probe.to
        } else {
            sighting.probe.from
        };
        if sender != own {
            heard(sighting);
        }
    }
}
