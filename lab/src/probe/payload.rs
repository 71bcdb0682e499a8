//! What a probe packet carries, and how it is found in a frame. Knows nothing of sockets.

use std::sync::atomic::{AtomicU32, Ordering};

use memchr::memmem;

/// Opens every probe, whoever sends it.
const MAGIC: [u8; 8] = *b"heddlab1";
/// Length of a [`Probe`] as bytes.
const LENGTH: usize = 40;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// Told apart from every other run of probes on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonce(u64);

impl Nonce {
    /// A new run.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let low = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(u64::from(std::process::id()) << 32 | u64::from(low))
    }

    /// The 16 bytes that open every probe of this run.
    fn needle(self) -> [u8; 16] {
        let mut needle = [0; 16];
        let (magic, nonce) = needle.split_at_mut(8);
        magic.copy_from_slice(&MAGIC);
        nonce.copy_from_slice(&self.0.to_be_bytes());
        needle
    }
}

/// How the probe travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// In an ICMP echo request, whose reply carries it back.
    Echo,
    /// Behind the end of a packet that is not an echo, such as ARP.
    Trailer,
}

/// One probe packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) nonce: Nonce,
    pub(super) carrier: Carrier,
    pub(super) v6: bool,
    /// [`Station`](crate::Station)'s number of the sender.
    pub(super) from: u32,
    /// The number of the station that it is meant for.
    pub(super) to: u32,
    pub(super) sequence: u32,
    /// Nanoseconds since the run began.
    pub(super) sent: u64,
}

/// A probe that was seen in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) probe: Probe,
    /// It is on its way back.
    pub(super) reply: bool,
}

impl Probe {
    pub(super) fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(self.nonce.needle());
        bytes.extend([
            u8::from(self.carrier == Carrier::Trailer),
            u8::from(self.v6),
            0,
            0,
        ]);
        bytes.extend(self.from.to_be_bytes());
        bytes.extend(self.to.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.sent.to_be_bytes());
        bytes.try_into().unwrap_or([0; LENGTH])
    }

    /// Finds a probe of this run in a frame, wherever it stands: also one that was delivered inside a tunnel packet.
    pub(super) fn find(nonce: Nonce, frame: &[u8]) -> Option<Sighting> {
        let at = memmem::find(frame, &nonce.needle())?;
        let number = |offset: usize| -> Option<u32> {
            let bytes = frame.get(at + offset..at + offset + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let carrier = if *frame.get(at + 16)? == 1 {
            Carrier::Trailer
        } else {
            Carrier::Echo
        };
        let v6 = *frame.get(at + 17)? == 1;
        let sent = u64::from(number(32)?) << 32 | u64::from(number(36)?);
        let probe = Self {
            nonce,
            carrier,
            v6,
            from: number(20)?,
            to: number(24)?,
            sequence: number(28)?,
            sent,
        };
        Some(Sighting {
            probe,
            reply: carrier == Carrier::Echo && is_reply(frame, at)?,
        })
    }
}

/// The ICMP header is 8 bytes long and stands in front of the probe; its first byte is the type (RFC 792, RFC 4443).
fn is_reply(frame: &[u8], at: usize) -> Option<bool> {
    let kind = *frame.get(at.checked_sub(8)?)?;
    let ethertype: [u8; 2] = frame.get(12..14)?.try_into().ok()?;
    Some(match ethertype {
        ETHERTYPE_IPV4 => kind == 0,
        ETHERTYPE_IPV6 => kind == 129,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    #[test]
    fn a_probe_is_found_in_requests_replies_and_trailers_of_its_own_run_only() {
        let nonce = Nonce::new();
        let probe = Probe {
            nonce,
            carrier: Carrier::Echo,
            v6: false,
            from: 3,
            to: 9,
            sequence: 7,
            sent: 0x1234_5678_9abc,
        };
        let ip = || PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
        let mut request = Vec::new();
        ip().icmpv4_echo_request(1, 1)
            .write(&mut request, &probe.to_bytes())
            .unwrap();
        assert_eq!(
            Probe::find(nonce, &request),
            Some(Sighting {
                probe,
                reply: false
            })
        );
        assert_eq!(Probe::find(Nonce::new(), &request), None);

        let mut reply = Vec::new();
        ip().icmpv4_echo_reply(1, 1)
            .write(&mut reply, &probe.to_bytes())
            .unwrap();
        assert_eq!(
            Probe::find(nonce, &reply),
            Some(Sighting { probe, reply: true })
        );

        let six = Probe { v6: true, ..probe };
        let mut reply = Vec::new();
        let ip = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv6([1; 16], [2; 16], 64);
        ip.icmpv6_echo_reply(1, 1)
            .write(&mut reply, &six.to_bytes())
            .unwrap();
        assert_eq!(
            Probe::find(nonce, &reply),
            Some(Sighting {
                probe: six,
                reply: true
            })
        );

        let trailer = Probe {
            carrier: Carrier::Trailer,
            ..probe
        };
        let frame = [&[0xff; 42][..], &trailer.to_bytes()].concat();
        assert_eq!(
            Probe::find(nonce, &frame),
            Some(Sighting {
                probe: trailer,
                reply: false
            })
        );
        for end in 0..frame.len() {
            assert_eq!(Probe::find(nonce, &frame[..end]), None, "cut at {end}");
        }
    }
}
