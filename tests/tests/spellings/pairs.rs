//! Flows put together of parts that have several spellings each: two spellings of one flow are equal, and a flow in which one
//! part says something else is not.

use flows::Flow;
use flows::text::{Names, parse_flow, parse_flow_stats};
use tests::random::Random;

use crate::Run;

mod actions;

/// Something that a flow says: in these ways, and in those it says something else that is nearly the same.
type Part = (Vec<String>, Vec<String>);

fn part(ways: &[&str], misses: &[&str]) -> Part {
    let all = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    (all(ways), all(misses))
}

/// A part of numbers: each `{}` of the ways is the number, of the misses the number with one bit changed.
fn numbers(ways: &[&str], number: u64, other: u64) -> Part {
    let with = |number: u64| {
        let with = |way: &&str| {
            way.replace("{}", &number.to_string())
                .replace("{x}", &format!("{number:#x}"))
        };
        ways.iter().map(with).collect()
    };
    (with(number), with(other))
}

/// What a flow is for, and what it does.
struct Draft {
    matches: Vec<Part>,
    actions: Vec<Part>,
    /// What each action is, as [`action_part`] numbers them.
    kinds: Vec<u64>,
}

/// A kind of packets, in words that mean the same, and in such as mean others.
struct Packets {
    part: Part,
    ip: bool,
    v6: bool,
    ports: Option<&'static str>,
}

fn packets(random: &mut Random) -> Packets {
    let kind = |ways: &[&str], misses: &[&str], ip, v6, ports| Packets {
        part: part(ways, misses),
        ip,
        v6,
        ports,
    };
    match random.below(9) {
        0 => kind(
            &[
                "ip",
                "dl_type=0x0800",
                "eth_type=2048",
                "eth,ip",
                "eth_type=0x800",
            ],
            &["ipv6", "dl_type=0x0801", ""],
            true,
            false,
            None,
        ),
        1 => kind(
            &["ipv6", "ip6", "dl_type=0x86dd", "eth_type=34525"],
            &["ip", "dl_type=0x86dc", ""],
            false,
            true,
            None,
        ),
        2 => kind(
            &[
                "tcp",
                "ip,nw_proto=6",
                "dl_type=0x800,ip_proto=6",
                "nw_proto=6,ip",
                "eth_type=0x0800,nw_proto=0x6",
            ],
            &["tcp6", "udp", "sctp", "ip,nw_proto=7"],
            true,
            false,
            Some("tcp"),
        ),
        3 => kind(
            &["tcp6", "ipv6,nw_proto=6", "ip_proto=6,dl_type=0x86dd"],
            &["tcp", "udp6", "sctp6"],
            false,
            true,
            Some("tcp"),
        ),
        4 => kind(
            &["udp", "ip,nw_proto=17", "dl_type=0x0800,nw_proto=0x11"],
            &["udp6", "tcp", "ip,nw_proto=16"],
            true,
            false,
            Some("udp"),
        ),
        5 => kind(
            &["sctp", "ip,nw_proto=132", "ip,ip_proto=0x84"],
            &["sctp6", "udp", "tcp"],
            true,
            false,
            Some("sctp"),
        ),
        6 => kind(
            &[
                "icmp6,icmp_type=135",
                "icmp6,icmpv6_type=135",
                "ipv6,nw_proto=58,icmp_type=135",
                "icmpv6_type=0x87,icmp6",
            ],
            &[
                "icmp6",
                "icmp6,icmp_type=136",
                "icmp6,icmp_type=135,icmp_code=0",
                "icmp,icmp_type=135",
            ],
            false,
            true,
            None,
        ),
        7 => kind(
            &["arp", "dl_type=0x0806", "eth_type=2054"],
            &["rarp", "ip", ""],
            false,
            false,
            None,
        ),
        _ => kind(
            &[
                "icmp,icmp_type=8",
                "ip,nw_proto=1,icmp_type=8",
                "dl_type=0x800,nw_proto=1,icmp_type=0x8",
            ],
            &["icmp6,icmp_type=8", "icmp,icmp_type=9", "icmp,icmp_code=8"],
            true,
            false,
            None,
        ),
    }
}

/// A number of some bits, and the same with one bit changed.
fn pair(random: &mut Random, bits: u16) -> (u64, u64) {
    let number = random.number(bits) as u64;
    (number, number ^ 1 << random.below(u64::from(bits)))
}

fn quad(bits: u64) -> String {
    std::net::Ipv4Addr::from_bits(bits as u32).to_string()
}

fn mac(bits: u64) -> String {
    let [_, _, octets @ ..] = bits.to_be_bytes();
    octets.map(|octet| format!("{octet:02x}")).join(":")
}

/// Parts of the match that packets of any or of this kind have.
fn match_part(random: &mut Random, packets: &Packets) -> (u8, Part) {
    let which = random.below(14) as u8;
    let part = match which {
        0 => {
            let (a, b) = pair(random, 12);
            let vid = |vid: u64| {
                let tagged = 0x1000 | vid;
                vec![
                    format!("dl_vlan={vid}"),
                    format!("dl_vlan={vid:#x}"),
                    format!("vlan_vid={tagged:#x}"),
                    format!("vlan_vid={tagged}/0x1fff"),
                    format!("vlan_tci={tagged:#x}/0x1fff"),
                    // What the mask leaves out is nothing.
                    format!("vlan_tci={:#x}/0x1fff", tagged | 0xe000),
                ]
            };
            let mut misses = vid(b);
            misses.extend([
                format!("vlan_tci={a:#x}/0x1fff"),
                format!("vlan_tci={a:#x}/0xfff"),
                format!("dl_vlan={a},dl_vlan_pcp=0"),
                format!("vlan_tci={:#x}", 0x1000 | a),
            ]);
            (vid(a), misses)
        }
        1 => part(
            &[
                "vlan_tci=0",
                "dl_vlan=0xffff",
                "vlan_tci=0/0x1fff",
                "vlan_vid=0",
                "vlan_tci=0x0000/0x1000",
            ],
            &[
                "vlan_tci=0/0xfff",
                "dl_vlan=0",
                "vlan_tci=0x1000/0x1000",
                "",
            ],
        ),
        2 => {
            let (a, b) = pair(random, 32);
            numbers(
                &["reg3={}", "reg3={x}", "reg3={x}/0xffffffff", "reg3={}/-1"][..3],
                a,
                b,
            )
        }
        3 => {
            let (a, b) = pair(random, 64);
            let wide = |n: u64| {
                vec![
                    format!("xreg2={n:#x}"),
                    format!("reg4={:#x},reg5={:#x}", n >> 32, n & 0xffff_ffff),
                    format!("reg5={},reg4={}", n & 0xffff_ffff, n >> 32),
                    format!(
                        "xxreg1={:#x}/0xffffffffffffffff0000000000000000",
                        u128::from(n) << 64
                    ),
                ]
            };
            (wide(a), wide(b))
        }
        4 => {
            let (a, b) = pair(random, 64);
            let mask = random.bits() | 1;
            let masked = |n: u64| {
                vec![
                    format!("metadata={:#x}/{mask:#x}", n & mask),
                    format!("metadata={n:#x}/{mask:#x}"),
                    format!("metadata={n}/{mask}"),
                ]
            };
            let mut misses = masked(if (a ^ b) & mask == 0 { a ^ 1 } else { b });
            misses.push(format!("metadata={a:#x}/{:#x}", mask ^ 1));
            (masked(a), misses)
        }
        5 if packets.ip => {
            let (a, b) = pair(random, 32);
            let bits = 1 + random.below(31);
            let mask = !0u32 << (32 - bits);
            let net = |n: u64| {
                vec![
                    format!("nw_src={}/{bits}", quad(n)),
                    format!("ip_src={}/{}", quad(n), quad(mask.into())),
                    format!("nw_src={}/{bits}", quad(n & u64::from(mask))),
                ]
            };
            let differs = if (a ^ b) & u64::from(mask) == 0 {
                a ^ 1 << 31
            } else {
                b
            };
            let mut misses = net(differs);
            misses.push(format!("nw_dst={}/{bits}", quad(a)));
            (net(a), misses)
        }
        6 if packets.ip || packets.v6 => {
            let (a, b) = pair(random, 6);
            let tos = |n: u64| {
                vec![
                    format!("nw_tos={}", n << 2),
                    format!("ip_dscp={n}"),
                    format!("nw_tos={:#x}", n << 2),
                ]
            };
            let mut misses = tos(b);
            misses.push(format!("ip_dscp={a},nw_ecn=0"));
            (tos(a), misses)
        }
        7 => {
            let (a, b) = pair(random, 16);
            match packets.ports {
                Some(name) => numbers(
                    &[
                        "tp_dst={}",
                        "tp_dst={x}",
                        &format!("{name}_dst={{}}"),
                        &format!("{name}_dst={{x}}/0xffff"),
                    ],
                    a,
                    b,
                ),
                None => {
                    let (a, b) = pair(random, 48);
                    let of = |n: u64| {
                        vec![
                            format!("dl_dst={}", mac(n)),
                            format!("eth_dst={}", mac(n)),
                            format!("eth_dst={}/ff:ff:ff:ff:ff:ff", mac(n)),
                        ]
                    };
                    (of(a), of(b))
                }
            }
        }
        8 => {
            let (a, b) = pair(random, 48);
            let one = |n: u64| {
                vec![
                    format!("dl_src={}/01:00:00:00:00:00", mac(n)),
                    format!("eth_src={}/01:00:00:00:00:00", mac(n & 1 << 40)),
                ]
            };
            let _ = b;
            let mut misses = one(a ^ 1 << 40);
            misses.push(format!("eth_src={}/03:00:00:00:00:00", mac(a)));
            (one(a), misses)
        }
        9 => {
            let (a, b) = pair(random, 32);
            let mut part = numbers(
                &[
                    "tun_id={}",
                    "tunnel_id={x}",
                    "tun_id={x}/0xffffffffffffffff",
                ],
                a,
                b,
            );
            part.1.push(format!("tun_id={a:#x}/0xffffffff"));
            part
        }
        10 => part(
            &[
                "in_port=LOCAL",
                "in_port=65534",
                "in_port=local",
                "in_port_oxm=LOCAL",
                "in_port=4294967294",
            ],
            &["in_port=1", "in_port=IN_PORT", "in_port=65533"],
        ),
        11 if packets.ip || packets.v6 => part(
            &[
                "ct_state=+trk+est-new",
                "ct_state=-new+est+trk",
                "ct_state=0x22/0x23",
            ],
            &[
                "ct_state=+trk+est",
                "ct_state=+trk-est-new",
                "ct_state=+trk+est-new-rpl",
                "ct_state=0x22",
            ],
        ),
        12 if packets.ip || packets.v6 => part(
            &["nw_frag=no", "ip_frag=no"],
            &["nw_frag=first", "nw_frag=not_later", "nw_frag=yes"],
        ),
        _ => part(
            &[
                "tun_metadata3=0x12ab",
                "tun_metadata3=0x000012ab",
                "tun_metadata3=0x12AB",
            ],
            &[
                "tun_metadata3=0x12aa",
                "tun_metadata4=0x12ab",
                "tun_metadata3",
                "tun_metadata3=0x12ab/0xffff00",
            ],
        ),
    };
    (which, part)
}

fn draft(random: &mut Random) -> Draft {
    let packets = packets(random);
    let mut seen = Vec::new();
    let mut matches = Vec::new();
    for _ in 0..random.below(5) {
        let (which, part) = match_part(random, &packets);
        // Two parts about one thing would undo each other.
        let about = match which {
            1 => 0,
            11 | 12 if !(packets.ip || packets.v6) => 13,
            5 if !packets.ip => 13,
            6 if !(packets.ip || packets.v6) => 13,
            which => which,
        };
        if !seen.contains(&about) {
            seen.push(about);
            matches.push(part);
        }
    }
    let (mut kinds, mut actions) = (Vec::new(), Vec::new());
    for _ in 0..1 + random.below(5) {
        let which = 1 + random.below(27);
        // Of two writes of one field the first is no part of what a flow does.
        if !kinds.contains(&which) {
            let part = actions::part_of(random, &packets, which);
            if !part.0.is_empty() {
                kinds.push(which);
                actions.push(part);
            }
        }
    }
    matches.insert(0, packets.part);
    Draft {
        matches,
        actions,
        kinds,
    }
}

/// True if this kind of action writes fields that no other kind writes.
fn is_write(kind: u64) -> bool {
    matches!(kind, 1 | 4..=6 | 16 | 17 | 19 | 20)
}

/// True if this kind sends the packet as it is then.
fn is_output(kind: u64) -> bool {
    matches!(kind, 7..=10 | 12 | 23 | 25 | 26)
}

/// The draft with an action before one that sends the packet behind it, if there are such.
fn disordered(draft: &Draft) -> Option<Draft> {
    let mut pairs = draft.kinds.windows(2);
    let n = pairs.position(|pair| is_write(pair[0]) && is_output(pair[1]))?;
    let mut other = Draft {
        matches: draft.matches.clone(),
        actions: draft.actions.clone(),
        kinds: draft.kinds.clone(),
    };
    other.actions.swap(n, n + 1);
    other.kinds.swap(n, n + 1);
    Some(other)
}

/// One spelling of the draft, with the parts of the match in any order; the part `miss` says something else.
fn spell(random: &mut Random, draft: &Draft, miss: Option<usize>) -> String {
    let mut words = Vec::new();
    let all = draft.matches.iter().chain(&draft.actions).enumerate();
    for (n, (ways, misses)) in all {
        let from = if miss == Some(n) { misses } else { ways };
        let from: Vec<&str> = from.iter().map(String::as_str).collect();
        words.push(random.pick(&from).to_owned());
    }
    let mut actions = words.split_off(draft.matches.len());
    // Writes come in any order.
    for n in 1..actions.len() {
        if is_write(draft.kinds[n - 1]) && is_write(draft.kinds[n]) && random.chance(50) {
            actions.swap(n - 1, n);
        }
    }
    for n in (1..words.len()).rev() {
        words.swap(n, random.below(n as u64 + 1) as usize);
    }
    words.insert(
        random.below(words.len() as u64 + 1) as usize,
        "table=3,priority=7".to_owned(),
    );
    words.retain(|word| !word.is_empty());
    let separator = random.pick(&[",", ", ", " "]);
    let word = random.pick(&["actions=", "action="]);
    format!(
        "{}{separator}{word}{}",
        words.join(separator),
        actions.join(",")
    )
}

fn read(text: &str) -> Result<Flow, String> {
    // Both ways to read a flow.
    let flow = parse_flow(text).map_err(|e| format!("{text}: {e}"))?;
    let stats = parse_flow_stats(text, &Names::default()).map_err(|e| format!("{text}: {e}"))?;
    match flow == stats.flow {
        true => Ok(flow),
        false => Err(format!("{text}: {flow} is listed as {}", stats.flow)),
    }
}

#[test]
fn spellings_of_one_flow_are_equal_and_near_misses_are_not() {
    let mut run = Run::new("pairs", 10_000);
    let mut random = Random::new(run.seed);
    let (mut same, mut other) = (0, 0);
    for _ in 0..run.flows {
        let draft = draft(&mut random);
        let first = spell(&mut random, &draft, None);
        let second = spell(&mut random, &draft, None);
        match (read(&first), read(&second)) {
            (Ok(a), Ok(b)) => {
                same += 1;
                let again = |flow: &Flow| read(&flow.to_string());
                if a != b {
                    run.failures.push(format!(
                        "are not equal:\n  {first}\n  {second}\n  {a:?}\n  {b:?}"
                    ));
                } else if again(&a).as_ref() != Ok(&b) {
                    run.failures
                        .push(format!("is written as another:\n  {first}\n  {a}"));
                }
            }
            (Err(e), _) | (_, Err(e)) => run.failures.push(format!("not read: {e}")),
        }
        if let Some(draft) = disordered(&draft) {
            let third = spell(&mut random, &draft, None);
            if read(&first) == read(&third) {
                run.failures
                    .push(format!("are equal in another order:\n  {first}\n  {third}"));
            }
        }
        let parts = draft.matches.len() + draft.actions.len();
        let miss = random.below(parts as u64) as usize;
        let missed = draft.matches.iter().chain(&draft.actions).nth(miss);
        if missed.is_none_or(|(_, misses)| misses.is_empty()) {
            continue;
        }
        // What the other spelling means may make no sense for the rest of the flow.
        let third = spell(&mut random, &draft, Some(miss));
        if let (Ok(a), Ok(b)) = (read(&first), read(&third)) {
            other += 1;
            if a == b {
                run.failures
                    .push(format!("are equal:\n  {first}\n  {third}"));
            }
        }
    }
    run.say(&format!("{same} equal, {other} different"));
    assert!(same > run.flows / 2 && other > run.flows / 4);
    run.end();
}
