//! Packets by chance, of the protocols that Open vSwitch looks into, some of them cut or with a byte spoiled.

use crate::random::Random;

/// A packet with the header of Ethernet, unless `packet_type` says that it has none (OpenFlow 1.5.1, 7.2.3.11).
#[must_use]
pub fn packet(random: &mut Random, packet_type: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let kind = match packet_type & 0xffff {
        0 => {
            any(&mut out, random, 12);
            while random.chance(20) {
                let tag = *[0x8100u16, 0x88a8]
                    .get(random.below(2) as usize)
                    .unwrap_or(&0x8100);
                put(&mut out, &tag.to_be_bytes());
                any(&mut out, random, 2);
            }
            const KINDS: [u16; 10] = [
                0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x8847, 0x8848, 0x894f, 0x0100,
            ];
            let index = random.below(KINDS.len() as u64 + 1) as usize;
            let kind = KINDS.get(index).copied().unwrap_or_else(|| random.u16());
            put(&mut out, &kind.to_be_bytes());
            if kind == 0x0100 {
                // A SNAP header may hide the type.
                put(&mut out, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
                0x0800
            } else {
                kind
            }
        }
        kind => kind as u16,
    };
    match kind {
        0x0800 => ipv4(&mut out, random),
        0x86dd => ipv6(&mut out, random),
        0x0806 | 0x8035 => {
            put(&mut out, &[0, 1, 8, 0, 6, 4]);
            let operation = random.u16() % 300;
            put(&mut out, &operation.to_be_bytes());
            any(&mut out, random, 20);
        }
        0x8847 | 0x8848 => {
            for _ in 0..=random.below(4) {
                any(&mut out, random, 4);
            }
        }
        0x894f => nsh(&mut out, random),
        _ => any(&mut out, random, 20),
    }
    if random.chance(15) {
        out.truncate(random.below(out.len() as u64 + 1) as usize);
    }
    if random.chance(15)
        && let Some(place) = {
            let at = random.below(out.len() as u64) as usize;
            out.get_mut(at)
        }
    {
        *place = random.u8();
    }
    out
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn any(out: &mut Vec<u8>, random: &mut Random, count: usize) {
    out.extend((0..count).map(|_| random.u8()));
}

const PROTOCOLS: [u8; 8] = [6, 17, 132, 1, 2, 58, 47, 6];

fn ipv4(out: &mut Vec<u8>, random: &mut Random) {
    let proto = PROTOCOLS
        .get(random.below(8) as usize)
        .copied()
        .unwrap_or(6);
    let mut body = Vec::new();
    transport(&mut body, random, proto);
    let options = if random.chance(20) { 4 } else { 0 };
    let total = (20 + options + body.len()) as u16;
    put(out, &[0x45 + (options / 4) as u8, random.u8()]);
    put(out, &total.to_be_bytes());
    any(out, random, 2);
    let fragment = [0u16, 0, 0, 0x2000, 0x4000, 0x0010];
    let fragment = fragment.get(random.below(6) as usize).unwrap_or(&0);
    put(out, &fragment.to_be_bytes());
    put(out, &[random.u8(), proto]);
    any(out, random, 10 + options);
    out.append(&mut body);
    // Short frames are padded.
    any(out, random, random.clone().below(4) as usize);
}

fn ipv6(out: &mut Vec<u8>, random: &mut Random) {
    let mut proto = PROTOCOLS
        .get(random.below(8) as usize)
        .copied()
        .unwrap_or(58);
    let mut body = Vec::new();
    transport(&mut body, random, proto);
    while random.chance(25) {
        let header = [0u8, 43, 60, 51, 44];
        let header = *header.get(random.below(5) as usize).unwrap_or(&0);
        let mut extension = vec![proto];
        match header {
            44 => {
                put(&mut extension, &[0, 0, random.u8() & 0x0f]);
                any(&mut extension, random, 4);
            }
            51 => {
                put(&mut extension, &[1]);
                any(&mut extension, random, 10);
            }
            _ => {
                put(&mut extension, &[0]);
                any(&mut extension, random, 6);
            }
        }
        extension.append(&mut body);
        body = extension;
        proto = header;
    }
    put(out, &[0x60 | random.u8() >> 4]);
    any(out, random, 3);
    put(out, &(body.len() as u16).to_be_bytes());
    put(out, &[proto, random.u8()]);
    any(out, random, 32);
    out.append(&mut body);
}

fn transport(out: &mut Vec<u8>, random: &mut Random, proto: u8) {
    match proto {
        6 => {
            any(out, random, 12);
            put(out, &[0x50, random.u8()]);
            any(out, random, 6);
        }
        58 if random.chance(60) => {
            put(out, &[135 + random.u8() % 2, 0]);
            any(out, random, 22);
            while random.chance(60) {
                put(out, &[1 + random.u8() % 3, 1]);
                any(out, random, 6);
            }
        }
        _ => any(out, random, 12),
    }
    any(out, random, random.clone().below(6) as usize);
}

fn nsh(out: &mut Vec<u8>, random: &mut Random) {
    let first = random.chance(60);
    // Version, flags, time to live and length in words of 4 bytes; the type of metadata, the next protocol.
    let words = if first { 6 } else { 2 };
    let head = u16::from(random.u8() & 3) << 12 | (random.u16() & 63) << 6 | words;
    put(out, &head.to_be_bytes());
    put(out, &[if first { 1 } else { 2 }, random.u8()]);
    any(out, random, 4);
    if first {
        any(out, random, 16);
    }
    any(out, random, 14);
}
