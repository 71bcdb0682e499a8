//! Actions in several spellings, and what is nearly the same.

use tests::random::Random;

use super::{Packets, Part, mac, numbers, pair, part, quad};

/// An action, or several that belong together.
pub(super) fn part_of(random: &mut Random, packets: &Packets, which: u64) -> Part {
    match which {
        1 => {
            let field = random.pick(&["src", "dst"]);
            let other = if field == "src" { "dst" } else { "src" };
            let upper = field.to_ascii_uppercase();
            let (a, b) = pair(random, 48);
            let all = |n: u64| {
                vec![
                    format!("mod_dl_{field}:{}", mac(n)),
                    format!("set_field:{}->eth_{field}", mac(n)),
                    format!("set_field:{}->dl_{field}", mac(n)),
                    format!("load:{n:#x}->NXM_OF_ETH_{upper}[]"),
                    format!("load:{n}->eth_{field}[0..47]"),
                    format!(
                        "load:{:#x}->OXM_OF_ETH_{upper}[24..47],load:{:#x}->eth_{field}[0..23]",
                        n >> 24,
                        n & 0xff_ffff
                    ),
                    format!("set_field:{}/ff:ff:ff:ff:ff:ff->eth_{field}", mac(n)),
                ]
            };
            let mut misses = all(b);
            misses.extend([
                format!("mod_dl_{other}:{}", mac(a)),
                format!("set_field:{}/ff:ff:ff:ff:ff:fe->eth_{field}", mac(a)),
                format!("load:{:#x}->eth_{field}[0..46]", a & ((1 << 47) - 1)),
            ]);
            (all(a), misses)
        }
        2 => part(
            &["strip_vlan", "pop_vlan"],
            &[
                "push_vlan:0x8100",
                "strip_vlan,strip_vlan",
                "pop_mpls:0x0800",
            ],
        ),
        3 => part(
            &["push_vlan:0x8100", "push_vlan:33024"],
            &["push_vlan:0x88a8", "pop_vlan"],
        ),
        4 => {
            let (a, b) = pair(random, 32);
            numbers(
                &[
                    "set_tunnel:{}",
                    "set_tunnel:{x}",
                    "set_tunnel64:{x}",
                    "set_field:{x}->tun_id",
                    "set_field:{}->tunnel_id",
                    "load:{x}->NXM_NX_TUN_ID[]",
                    "load:{}->OXM_OF_TUNNEL_ID[0..63]",
                    "load:0->tun_id[32..63],load:{}->tun_id[0..31]",
                ],
                a,
                b,
            )
        }
        5 => {
            let (a, b) = pair(random, 32);
            numbers(
                &[
                    "load:{x}->NXM_NX_REG1[]",
                    "load:{}->reg1[0..31]",
                    "set_field:{}->reg1",
                    "set_field:{x}/0xffffffff->reg1",
                    "set_field:{x}00000000/0xffffffff00000000->xxreg0",
                ][..4],
                a,
                b,
            )
        }
        6 => {
            let (a, b) = pair(random, 64);
            let all = |n: u64| {
                let (high, low) = (n >> 32, n & 0xffff_ffff);
                vec![
                    format!("load:{n:#x}->OXM_OF_PKT_REG3[]"),
                    format!("set_field:{n:#x}->xreg3"),
                    format!("load:{high:#x}->NXM_NX_REG6[],load:{low:#x}->NXM_NX_REG7[]"),
                    format!("set_field:{low}->reg7,set_field:{high}->reg6"),
                    format!("set_field:{n:#x}/0xffffffffffffffff->xxreg1"),
                    format!("load:{low:#x}->xreg3[0..31],load:{high:#x}->xxreg1[32..63]"),
                ]
            };
            let mut misses = all(b);
            misses.push(format!("load:{a:#x}->OXM_OF_PKT_REG2[]"));
            (all(a), misses)
        }
        7 => part(
            &["resubmit(,5)", "resubmit(in_port,5)", "resubmit(IN_PORT,5)"],
            &[
                "resubmit(,6)",
                "resubmit(5)",
                "resubmit(1,5)",
                "goto_table:5",
            ][..3],
        ),
        8 => part(
            &[
                "resubmit:7",
                "resubmit(7)",
                "resubmit(7,)",
                "resubmit(7,255)",
            ],
            &["resubmit:8", "resubmit(,7)", "resubmit(7,0)"],
        ),
        9 => {
            let (a, b) = pair(random, 14);
            let all = |n: u64| {
                vec![
                    format!("{}", n + 1),
                    format!("output:{}", n + 1),
                    format!("output({})", n + 1),
                ]
            };
            let mut misses = all(b);
            misses.extend([
                format!("output(port={},max_len=100)", a + 1),
                "in_port".to_owned(),
                format!("enqueue:{}:0", a + 1),
                format!("group:{}", a + 1),
            ]);
            (
                all(a)[..2].to_vec(),
                misses[..2].iter().chain(&misses[3..]).cloned().collect(),
            )
        }
        10 => part(
            &[
                "CONTROLLER",
                "controller",
                "output:controller",
                "controller:65535",
                "output:65533",
            ],
            &[
                "controller:65534",
                "controller(reason=no_match)",
                "controller(id=1)",
                "LOCAL",
            ],
        ),
        11 => part(
            &[
                "controller(id=5,reason=no_match)",
                "controller(reason=no_match,id=5)",
                "controller(reason=no_match,max_len=65535,id=5)",
            ],
            &[
                "controller(id=5)",
                "controller(id=4,reason=no_match)",
                "controller(reason=no_match,id=5,pause)",
            ],
        ),
        12 => part(
            &[
                "enqueue:3:7",
                "enqueue(3,7)",
                "set_queue:7,output:3,pop_queue",
            ],
            &[
                "enqueue:3:6",
                "enqueue:2:7",
                "set_queue:7,output:3",
                "output:3",
            ],
        ),
        13 if packets.ip || packets.v6 => part(
            &[
                "ct(commit,zone=5,table=3)",
                "ct(table=3,zone=5,commit)",
                "ct(zone=0x5,commit,table=3)",
            ],
            &[
                "ct(zone=5,table=3)",
                "ct(commit,zone=4,table=3)",
                "ct(commit,zone=5)",
                "ct(commit,force,zone=5,table=3)",
                "ct(commit,zone=5,table=3,nat)",
            ],
        ),
        14 if packets.ip || packets.v6 => part(
            &[
                "ct(commit,exec(set_field:5->ct_mark))",
                "ct(commit,exec(load:5->NXM_NX_CT_MARK[]))",
                "ct(commit,exec(load:0x5->ct_mark[0..31]))",
                "ct(exec(set_field:0x5/0xffffffff->ct_mark),commit)",
            ],
            &[
                "ct(commit,exec(set_field:4->ct_mark))",
                "ct(commit)",
                "ct(commit,exec(set_field:5/0xff->ct_mark))",
                "ct(commit,exec(set_field:5->ct_label))",
            ],
        ),
        15 if packets.ip => part(
            &[
                "ct(commit,nat(src=10.0.0.1-10.0.0.9:5-9))",
                "ct(nat(src=10.0.0.1-10.0.0.9:5-9),commit)",
            ],
            &[
                "ct(commit,nat(dst=10.0.0.1-10.0.0.9:5-9))",
                "ct(commit,nat(src=10.0.0.1-10.0.0.8:5-9))",
                "ct(commit,nat(src=10.0.0.1-10.0.0.9:5-8))",
                "ct(commit,nat(src=10.0.0.1:5-9))",
                "ct(commit,nat(src=10.0.0.1-10.0.0.9:5-9,random))",
            ],
        ),
        16 if packets.ip || packets.v6 => {
            let (a, b) = pair(random, 6);
            let all = |n: u64| {
                vec![
                    format!("mod_nw_tos:{}", n << 2),
                    format!("set_field:{n}->ip_dscp"),
                    format!("load:{n}->OXM_OF_IP_DSCP[]"),
                    format!("load:{n:#x}->NXM_OF_IP_TOS[2..7]"),
                ]
            };
            let mut misses = all(b);
            misses.push(format!("set_field:{a}->ip_dscp,mod_nw_ecn:0"));
            (all(a), misses)
        }
        17 if packets.ip || packets.v6 => {
            let (a, b) = pair(random, 8);
            let mut part = numbers(
                &[
                    "mod_nw_ttl:{}",
                    "set_field:{}->nw_ttl",
                    "load:{x}->NXM_NX_IP_TTL[]",
                    "load:{}->nw_ttl[0..7]",
                ],
                a,
                b,
            );
            part.1.push("dec_ttl".to_owned());
            part
        }
        18 if packets.ip || packets.v6 => part(
            &["dec_ttl", "dec_ttl(0)"],
            &["dec_ttl(1)", "dec_ttl,dec_ttl", "dec_ttl(0,1)"],
        ),
        19 if packets.ip => {
            let (a, b) = pair(random, 32);
            let all = |n: u64| {
                vec![
                    format!("mod_nw_dst:{}", quad(n)),
                    format!("set_field:{}->ip_dst", quad(n)),
                    format!("set_field:{}->nw_dst", quad(n)),
                    format!("load:{n:#x}->NXM_OF_IP_DST[]"),
                    format!(
                        "load:{:#x}->ip_dst[16..31],load:{:#x}->ip_dst[0..15]",
                        n >> 16,
                        n & 0xffff
                    ),
                ]
            };
            let mut misses = all(b);
            misses.push(format!("mod_nw_src:{}", quad(a)));
            misses.push(format!("set_field:{}/255.255.255.0->ip_dst", quad(a)));
            (all(a), misses)
        }
        20 => {
            let (a, b) = pair(random, 16);
            match packets.ports {
                Some(name) => {
                    let upper = name.to_ascii_uppercase();
                    let class = if name == "sctp" { "OXM" } else { "NXM" };
                    numbers(
                        &[
                            "mod_tp_dst:{}",
                            &format!("set_field:{{}}->{name}_dst"),
                            &format!("load:{{x}}->{class}_OF_{upper}_DST[]"),
                            &format!("set_field:{{x}}/0xffff->{name}_dst"),
                        ],
                        a,
                        b,
                    )
                }
                None => Part::default(),
            }
        }
        21 => part(
            &[
                "move:NXM_NX_REG0[]->NXM_NX_REG1[]",
                "move:reg0[0..31]->reg1[0..31]",
                "move:reg0->reg1",
            ],
            &[
                "move:NXM_NX_REG1[]->NXM_NX_REG0[]",
                "move:reg0[0..30]->reg1[0..30]",
                "move:reg0[0..30]->reg1[1..31]",
                "load:0->reg1[]",
            ],
        ),
        22 => part(
            &[
                "note:01.02.03",
                "note:010203",
                "note:01.02.03.00.00.00",
                "note:01.02.03.00",
            ],
            &["note:01.02.04", "note:01.02.03.00.00.00.00", "note:"],
        ),
        23 => part(
            &[
                "clone(set_field:1->reg0,output:5)",
                "clone(load:1->NXM_NX_REG0[],5)",
            ],
            &[
                "set_field:1->reg0,output:5",
                "clone(output:5,set_field:1->reg0)",
                "clone(set_field:1->reg0,output:4)",
            ],
        ),
        24 => part(
            &[
                "learn(table=9,eth_dst=eth_src,output:in_port)",
                "learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])",
                "learn(table=9,priority=32768,dl_dst=dl_src,output:in_port)",
            ],
            &[
                "learn(table=8,eth_dst=eth_src,output:in_port)",
                "learn(table=9,eth_src=eth_dst,output:in_port)",
                "learn(table=9,priority=1,eth_dst=eth_src,output:in_port)",
                "learn(table=9,eth_dst=eth_src)",
            ],
        ),
        25 => part(
            &["output:NXM_NX_REG2[]", "output:reg2", "output:reg2[0..31]"],
            &["output:reg3", "output:reg2[0..15]"],
        ),
        26 => part(
            &[
                "bundle(eth_src,0,hrw,ofport,members:1,2)",
                "bundle(eth_src,0,hrw,ofport,slaves:1,2)",
                "bundle(eth_src,0x0,hrw,ofport,members:1,2)",
            ],
            &[
                "bundle(eth_src,0,hrw,ofport,members:2,1)",
                "bundle(eth_src,1,hrw,ofport,members:1,2)",
                "bundle(eth_src,0,active_backup,ofport,members:1,2)",
            ],
        ),
        27 => part(&["group:5", "group:0x5"], &["group:4", "output:5"]),
        // Packets of this kind have not what it is about.
        _ => Part::default(),
    }
}
