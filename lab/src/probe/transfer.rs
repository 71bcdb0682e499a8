//! A TCP transfer between two stations, compared byte by byte at the far end.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::station::Station;
use crate::{Error, Result, wait};

/// The longest silence within a transfer.
const SILENCE: Duration = Duration::from_secs(15);
const CHUNK: usize = 1 << 16;

/// A transfer that arrived intact.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// How much.
    pub bytes: usize,
    /// From the first byte's sending to the last one's arrival.
    pub took: Duration,
}

/// Sends `bytes` bytes over TCP and compares every one of them where they arrive.
///
/// # Errors
/// When no connection comes about, the transfer stalls, or a byte is wrong or missing.
pub fn transfer(from: &Station, to: &Station, v6: bool, bytes: usize) -> Result<Transfer> {
    let address = to
        .address(v6)
        .ok_or_else(|| Error::unexpected(to.name(), "no address", "one of that IP version"))?;
    let name = format!("TCP {} -> {} ({address})", from.name(), to.name());
    let listener = to
        .namespace()
        .run(|| listen(address).map_err(Error::io(format!("listen on {address}"))))?;
    let target = listener
        .local_addr()
        .map_err(Error::io(format!("listen on {address}")))?;
    let start = Instant::now();
    thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(&listener, bytes, &name));
        let sender = scope.spawn(|| {
            from.namespace()
                .run(|| send(target, bytes).map_err(Error::io(format!("send: {name}"))))
        });
        let join = |worker: thread::ScopedJoinHandle<'_, Result<()>>| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        let sent = join(sender);
        join(receiver)?;
        sent
    })?;
    Ok(Transfer {
        bytes,
        took: start.elapsed(),
    })
}

fn listen(address: IpAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::new(address, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn send(target: SocketAddr, bytes: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&target, SILENCE)?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut noise = Noise::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let part = chunk.get_mut(..left.min(CHUNK)).unwrap_or_default();
        noise.fill(part);
        stream.write_all(part)?;
        left -= part.len();
    }
    stream.shutdown(std::net::Shutdown::Write)
}

fn receive(listener: &TcpListener, bytes: usize, name: &str) -> Result<()> {
    let mut stream = wait::until(&format!("{name}: a connection"), SILENCE, || match listener
        .accept()
    {
        Ok((stream, _)) => Ok(wait::Look::Done(stream)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Ok(wait::Look::NotYet(String::new()))
        }
        Err(source) => Err(Error::Io {
            what: format!("accept: {name}"),
            source,
        }),
    })?;
    let set = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(SILENCE)));
    set.map_err(Error::io(format!("set up: {name}")))?;
    let mut noise = Noise::new();
    let (mut chunk, mut wanted) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut total = 0;
    loop {
        let length = stream.read(&mut chunk).map_err(Error::io(format!(
            "receive byte {total} of {bytes}: {name}"
        )))?;
        if length == 0 {
            break;
        }
        let (got, want) = (
            chunk.get(..length).unwrap_or_default(),
            wanted.get_mut(..length).unwrap_or_default(),
        );
        noise.fill(want);
        if got != want {
            return Err(Error::unexpected(
                name,
                format!("other bytes from {total} on"),
                "the bytes that were sent",
            ));
        }
        total += length;
    }
    if total == bytes {
        return Ok(());
    }
    Err(Error::unexpected(
        name,
        format!("{total} bytes"),
        format!("{bytes} bytes"),
    ))
}

/// The same bytes at both ends: the high byte of a linear congruential generator (Knuth's MMIX constants).
struct Noise(u64);

impl Noise {
    fn new() -> Self {
        Self(1)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let [high, ..] = self.0.to_be_bytes();
            *byte = high;
        }
    }
}
