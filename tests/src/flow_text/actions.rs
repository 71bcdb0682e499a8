//! Actions and instructions by chance, in the syntax of ovs-actions(7).

use super::{FlowText, Kind};
use flows::Field;
use flows::field::{Access, Masking, Prerequisite};

/// Every action that can be written, by the word that makes the writer choose it.
pub const ACTIONS: &[&str] = &[
    "output",
    "port",
    "controller",
    "enqueue",
    "group",
    "bundle",
    "bundle_load",
    "set_field",
    "load",
    "move",
    "push",
    "pop",
    "delete_field",
    "mod_vlan_vid",
    "mod_vlan_pcp",
    "set_vlan_vid",
    "set_vlan_pcp",
    "strip_vlan",
    "push_vlan",
    "mod_dl_src",
    "mod_dl_dst",
    "mod_nw_src",
    "mod_nw_dst",
    "mod_nw_tos",
    "mod_nw_ecn",
    "mod_nw_ttl",
    "mod_tp_src",
    "mod_tp_dst",
    "set_tunnel",
    "set_mpls_label",
    "set_mpls_tc",
    "set_mpls_ttl",
    "push_mpls",
    "pop_mpls",
    "dec_ttl",
    "dec_mpls_ttl",
    "dec_nsh_ttl",
    "set_queue",
    "pop_queue",
    "resubmit",
    "learn",
    "conjunction",
    "multipath",
    "note",
    "exit",
    "sample",
    "fin_timeout",
    "ct",
    "ct_clear",
    "clone",
    "check_pkt_larger",
    "encap",
    "decap",
    "output_reg",
    "output_trunc",
];

impl FlowText<'_> {
    /// What stands after `actions=`.
    pub(super) fn instructions(&mut self, kind: &Kind) -> String {
        if self.random.chance(4) {
            return self.random.pick(&["drop", "", "drop", "DROP"]).to_owned();
        }
        if self.random.chance(3) {
            let (id, clauses) = (self.random.u32(), 2 + self.random.below(63));
            let clause = 1 + self.random.below(clauses);
            return format!(
                "conjunction({id},{clause}/{clauses}),conjunction({},1/2)",
                id / 2
            );
        }
        let mut list = Vec::new();
        if self.random.chance(4) {
            list.push(format!("meter:{}", self.random.below(1 << 16)));
        }
        for _ in 0..self.random.below(5) {
            list.push(self.action(kind, 0));
        }
        if self.random.chance(4) {
            list.push("clear_actions".to_owned());
        }
        if self.random.chance(5) {
            let actions: Vec<_> = (0..self.random.below(3))
                .map(|_| self.action(kind, 1))
                .collect();
            list.push(format!("write_actions({})", actions.join(",")));
        }
        if self.random.chance(4) {
            let value = self.spelled(64);
            list.push(if self.random.chance(50) {
                format!("write_metadata:{value}/{}", self.spelled(64))
            } else {
                format!("write_metadata:{value}")
            });
        }
        if self.random.chance(6) {
            list.push(format!("goto_table:{}", self.random.below(256)));
        }
        if list.is_empty() {
            list.push(self.action(kind, 0));
        }
        if self.random.chance(1) {
            list.reverse();
        }
        list.join(",")
    }

    /// One action; seldom one that makes no sense for these packets.
    pub(super) fn action(&mut self, kind: &Kind, depth: u8) -> String {
        let sense = !self.random.chance(3);
        loop {
            let name = self.random.pick(ACTIONS);
            if sense && !makes_sense(name, kind, depth) {
                continue;
            }
            return self.named(name, kind, depth);
        }
    }

    fn named(&mut self, name: &str, kind: &Kind, depth: u8) -> String {
        let has = |field: Field| kind.fulfilled.contains(&field.info().prerequisite);
        let writable = |field: Field| {
            has(field)
                && field.info().access == Access::ReadWrite
                && !matches!(field, Field::CtMark | Field::CtLabel | Field::InPortOxm)
        };
        match name {
            "port" => self.port(),
            "output" => format!("output:{}", self.port()),
            "output_reg" => {
                let part = self.subfield(has, None);
                format!("output:{}", self.part(part))
            }
            "output_trunc" => {
                let (port, len) = (self.port(), 13 + self.random.u16() / 2);
                format!("output(port={port},max_len={len})")
            }
            "controller" => self.controller(),
            "enqueue" => {
                let (port, queue) = (self.port(), self.random.u32());
                if self.random.chance(50) {
                    format!("enqueue:{port}:{queue}")
                } else {
                    format!("enqueue({port},{queue})")
                }
            }
            "group" => format!("group:{}", self.random.number(31)),
            "bundle" | "bundle_load" => {
                let algorithm = self.random.pick(&["active_backup", "hrw"]);
                let word = self.random.pick(&["members", "slaves", "members"]);
                let members: Vec<_> = (0..self.random.below(5)).map(|_| self.member()).collect();
                let (fields, basis) = (self.hash(), self.random.u16());
                let dst = if name == "bundle_load" {
                    let part = self.subfield(writable, Some(16));
                    format!("{},", self.part(part))
                } else {
                    String::new()
                };
                format!(
                    "{name}({fields},{basis},{algorithm},ofport,{dst}{word}:{})",
                    members.join(",")
                )
            }
            "set_field" => {
                let field = self.field(writable);
                let maskable = field.info().masking == Masking::Masked;
                let (value, name) = (self.value(field, maskable), self.match_key(field));
                format!("set_field:{value}->{name}")
            }
            "load" => {
                // These make sense only as a whole.
                let whole =
                    |f: Field| f.is_tun_metadata() || matches!(f, Field::VlanVid | Field::NshTtl);
                let part = self.subfield(|f| writable(f) && !whole(f), None);
                let value = self.spelled(part.bits.min(64));
                format!("load:{value}->{}", self.part(part))
            }
            "move" => {
                let dst = self.subfield(writable, None);
                let src = self.subfield(has, Some(dst.bits));
                format!("move:{}->{}", self.part(src), self.part(dst))
            }
            "push" => {
                let part = self.subfield(has, None);
                format!("push:{}", self.part(part))
            }
            "pop" => {
                let part = self.subfield(writable, None);
                format!("pop:{}", self.part(part))
            }
            "delete_field" => format!("delete_field:tun_metadata{}", self.random.below(64)),
            "mod_vlan_vid" | "set_vlan_vid" => format!("{name}:{}", self.random.number(12)),
            "mod_vlan_pcp" | "set_vlan_pcp" => format!("{name}:{}", self.random.number(3)),
            "strip_vlan" => self.random.pick(&["strip_vlan", "pop_vlan"]).to_owned(),
            "push_vlan" => self
                .random
                .pick(&["push_vlan:0x8100", "push_vlan:0x88a8", "push_vlan:33024"])
                .to_owned(),
            "mod_dl_src" | "mod_dl_dst" => {
                let mac = self.mac();
                format!("{}:{mac}", self.old_or_new(name))
            }
            "mod_nw_src" | "mod_nw_dst" => {
                let ip = self.ipv4();
                format!("{}:{ip}", self.old_or_new(name))
            }
            "mod_nw_tos" => format!("{}:{}", self.old_or_new(name), self.random.number(6) << 2),
            "mod_nw_ecn" => format!("mod_nw_ecn:{}", self.random.below(4)),
            "mod_nw_ttl" => format!("mod_nw_ttl:{}", self.random.u8()),
            "mod_tp_src" | "mod_tp_dst" => {
                let port = self.random.u16();
                format!("{}:{port}", self.old_or_new(name))
            }
            "set_tunnel" => {
                let bits = if self.random.chance(30) { 64 } else { 32 };
                let word = self.random.pick(&["set_tunnel", "set_tunnel64"]);
                format!("{word}:{}", self.spelled(bits))
            }
            "set_mpls_label" => format!("set_mpls_label:{}", self.random.number(20)),
            "set_mpls_tc" => format!("set_mpls_tc:{}", self.random.below(8)),
            "set_mpls_ttl" => format!("set_mpls_ttl:{}", self.random.u8()),
            "push_mpls" => self
                .random
                .pick(&["push_mpls:0x8847", "push_mpls:0x8848"])
                .to_owned(),
            "pop_mpls" => format!("pop_mpls:{:#06x}", self.random.u16()),
            "dec_ttl" => match self.random.below(4) {
                0 => format!("dec_ttl({},{})", self.random.u16(), self.random.u16()),
                1 => format!("dec_ttl({})", self.random.below(3)),
                _ => "dec_ttl".to_owned(),
            },
            "set_queue" => format!("set_queue:{}", self.random.u32()),
            "resubmit" => self.resubmit(),
            "learn" => self.learn(kind),
            "conjunction" => "conjunction(7,1/2)".to_owned(),
            "multipath" => {
                let part = self.subfield(writable, None);
                let links = 1 + self.random.below(1 << part.bits.min(9));
                let algorithm =
                    self.random
                        .pick(&["modulo_n", "hash_threshold", "hrw", "iter_hash"]);
                let (fields, basis, arg) = (self.hash(), self.random.u16(), self.random.u32());
                format!(
                    "multipath({fields},{basis},{algorithm},{links},{arg},{})",
                    self.part(part)
                )
            }
            "note" => {
                let count = self.random.below(20);
                let bytes: Vec<_> = (0..count)
                    .map(|_| format!("{:02x}", self.random.u8()))
                    .collect();
                format!("note:{}", bytes.join(self.random.pick(&[".", ""])))
            }
            "sample" => self.sample(),
            "fin_timeout" => format!(
                "fin_timeout(idle_timeout={},hard_timeout={})",
                self.random.u16(),
                self.random.u16()
            ),
            "ct" => self.ct(kind, depth),
            "clone" => {
                let inner: Vec<_> = (0..1 + self.random.below(3))
                    .map(|_| self.action(kind, depth + 1))
                    .collect();
                format!("clone({})", inner.join(","))
            }
            "check_pkt_larger" => {
                let part = self.subfield(writable, Some(1));
                format!(
                    "check_pkt_larger({})->{}",
                    self.random.u16(),
                    self.part(part)
                )
            }
            "encap" => self
                .random
                .pick(&[
                    "encap(nsh(md_type=1))",
                    "encap(nsh)",
                    "encap(nsh())",
                    "encap(ethernet)",
                    "encap(nsh(md_type=2,tlv(0x1000,10,0x12345678)))",
                    "encap(nsh(md_type=2,tlv(0x1000,10,0x1234),tlv(0x2000,20,0xfedcba9876543210)))",
                    "encap(mpls)",
                    "encap(mpls_mc)",
                ])
                .to_owned(),
            "decap" => self
                .random
                .pick(&[
                    "decap",
                    "decap()",
                    "decap(packet_type(ns=0,type=0))",
                    "decap(packet_type(ns=1,type=0x894f))",
                ])
                .to_owned(),
            bare => bare.to_owned(),
        }
    }

    /// The name of OpenFlow 1.0 or that of its standard.
    fn old_or_new(&mut self, name: &str) -> String {
        if self.random.chance(98) {
            name.to_owned()
        } else {
            name.replacen("mod_", "set_", 1)
        }
    }

    fn member(&mut self) -> String {
        if self.random.chance(90) {
            self.random.below(0xff00).to_string()
        } else {
            self.port()
        }
    }

    fn hash(&mut self) -> &'static str {
        self.random.pick(&[
            "eth_src",
            "symmetric_l4",
            "symmetric_l3l4",
            "symmetric_l3l4+udp",
            "nw_src",
            "nw_dst",
            "symmetric_l3",
        ])
    }

    fn controller(&mut self) -> String {
        if self.random.chance(40) {
            return match self.random.below(4) {
                0 => "controller".to_owned(),
                1 => "CONTROLLER".to_owned(),
                2 => format!("CONTROLLER:{}", self.random.u16()),
                _ => format!("controller:{}", self.random.u16()),
            };
        }
        let mut parts = Vec::new();
        if self.random.chance(40) {
            let reason = self.random.pick(&[
                "no_match",
                "action",
                "invalid_ttl",
                "action_set",
                "group",
                "packet_out",
            ]);
            parts.push(format!("reason={reason}"));
        }
        if self.random.chance(40) {
            parts.push(format!("max_len={}", self.random.u16()));
        }
        if self.random.chance(40) {
            parts.push(format!("id={}", self.random.u16()));
        }
        if self.random.chance(30) {
            parts.push(format!(
                "userdata={}",
                self.random
                    .pick(&["01.02.03", "ff", "00.00.00.00.00.00.00.01", "0102"])
            ));
        }
        if self.random.chance(20) {
            parts.push("pause".to_owned());
        }
        if self.random.chance(20) {
            parts.push(format!("meter_id={}", self.random.u16()));
        }
        format!("controller({})", parts.join(","))
    }

    fn resubmit(&mut self) -> String {
        let (port, table) = (self.port(), self.random.below(255));
        match self.random.below(6) {
            0 => format!("resubmit:{port}"),
            1 => format!("resubmit({port},{table})"),
            2 => format!("resubmit({port})"),
            3 => format!("resubmit(,{table},ct)"),
            4 => format!("resubmit({port},)"),
            _ => format!("resubmit(,{table})"),
        }
    }

    fn sample(&mut self) -> String {
        let mut parts = vec![format!("probability={}", 1 + self.random.u16() / 2)];
        for key in ["collector_set_id", "obs_domain_id", "obs_point_id"] {
            if self.random.chance(60) {
                parts.push(format!("{key}={}", self.random.u32()));
            }
        }
        if self.random.chance(30) {
            parts.push(format!("sampling_port={}", self.member()));
        }
        if self.random.chance(30) {
            parts.push(self.random.pick(&["ingress", "egress"]).to_owned());
        }
        format!("sample({})", parts.join(","))
    }

    fn ct(&mut self, kind: &Kind, depth: u8) -> String {
        let mut parts = Vec::new();
        let commit = self.random.chance(50);
        if commit {
            parts.push("commit".to_owned());
            if self.random.chance(20) {
                parts.push("force".to_owned());
            }
        }
        if self.random.chance(40) {
            parts.push(format!("table={}", self.random.below(255)));
        }
        if self.random.chance(50) {
            parts.push(if self.random.chance(70) {
                format!("zone={}", self.random.u16())
            } else {
                let part =
                    self.subfield(|f| f.info().prerequisite == Prerequisite::Always, Some(16));
                format!("zone={}", self.part(part))
            });
        }
        if self.random.chance(10) {
            parts.push(format!("alg={}", self.random.pick(&["ftp", "tftp"])));
        }
        if self.random.chance(40) {
            parts.push(self.nat(kind));
        }
        if commit && depth < 2 && self.random.chance(30) {
            let inner: Vec<_> = (0..1 + self.random.below(2))
                .map(|_| match self.random.below(4) {
                    0 => format!("set_field:{}->ct_mark", self.value(Field::CtMark, true)),
                    1 => format!("load:{}->NXM_NX_CT_MARK[]", self.spelled(32)),
                    2 => "move:NXM_NX_REG0[]->NXM_NX_CT_LABEL[32..63]".to_owned(),
                    _ => format!("set_field:{}->ct_label", self.value(Field::CtLabel, true)),
                })
                .collect();
            parts.push(format!("exec({})", inner.join(",")));
        }
        if parts.is_empty() && self.random.chance(50) {
            return "ct".to_owned();
        }
        format!("ct({})", parts.join(","))
    }

    fn nat(&mut self, kind: &Kind) -> String {
        if self.random.chance(30) {
            return "nat".to_owned();
        }
        let v6 = kind.fulfilled.contains(&Prerequisite::Ipv6);
        let direction = self.random.pick(&["src", "dst"]);
        if self.random.chance(10) {
            return format!("nat({direction})");
        }
        let ports = match self.random.below(4) {
            0 => format!(":{}", 1 + self.random.below(1000)),
            1 => format!(
                ":{}-{}",
                1 + self.random.below(1000),
                1000 + self.random.below(9000)
            ),
            _ => String::new(),
        };
        let address = if v6 {
            let first = self.ipv6();
            let range = match self.random.below(3) {
                0 => (
                    first.to_string(),
                    std::net::Ipv6Addr::from_bits(first.to_bits() | 0xff).to_string(),
                ),
                _ => (first.to_string(), String::new()),
            };
            let bare = ports.is_empty() && self.random.chance(50);
            match range {
                (first, last) if last.is_empty() && bare => first,
                (first, last) if last.is_empty() => format!("[{first}]"),
                (first, last) if bare => format!("{first}-{last}"),
                (first, last) => format!("[{first}]-[{last}]"),
            }
        } else {
            let first = self.ipv4();
            match self.random.below(3) {
                0 => format!(
                    "{first}-{}",
                    std::net::Ipv4Addr::from_bits(first.to_bits() | 0xff)
                ),
                _ => first.to_string(),
            }
        };
        let flags = self.random.pick(&[
            "",
            "",
            "",
            ",persistent",
            ",hash",
            ",random",
            ",persistent,hash",
        ]);
        format!("nat({direction}={address}{ports}{flags})")
    }

    fn learn(&mut self, kind: &Kind) -> String {
        let mut parts = vec![format!("table={}", self.random.below(255))];
        for key in [
            "idle_timeout",
            "hard_timeout",
            "priority",
            "fin_idle_timeout",
            "fin_hard_timeout",
            "cookie",
            "limit",
        ] {
            if self.random.chance(15) {
                parts.push(format!("{key}={}", self.random.u16()));
            }
        }
        for flag in ["send_flow_rem", "delete_learned"] {
            if self.random.chance(10) {
                parts.push(flag.to_owned());
            }
        }
        if self.random.chance(10) {
            parts.push("result_dst=reg0[8]".to_owned());
        }
        let always = |field: Field| {
            matches!(
                field.info().prerequisite,
                Prerequisite::Always | Prerequisite::Ethernet
            ) && !matches!(field, Field::CtMark | Field::CtLabel)
        };
        let has =
            |field: Field| always(field) && kind.fulfilled.contains(&field.info().prerequisite);
        let writable = |field: Field| always(field) && field.info().access == Access::ReadWrite;
        for _ in 0..self.random.below(4) {
            let spec = match self.random.below(7) {
                0 => {
                    let part = self.subfield(has, None);
                    self.part(part)
                }
                1 => {
                    let dst = self.subfield(always, None);
                    let src = self.subfield(has, Some(dst.bits));
                    format!("{}={}", self.part(dst), self.part(src))
                }
                2 => {
                    let dst = self.subfield(writable, None);
                    let src = self.subfield(has, Some(dst.bits));
                    format!("load:{}->{}", self.part(src), self.part(dst))
                }
                3 => {
                    let dst = self.subfield(writable, None);
                    format!(
                        "load:{}->{}",
                        self.spelled(dst.bits.min(64)),
                        self.part(dst)
                    )
                }
                4 => {
                    let part = self.subfield(has, None);
                    format!("output:{}", self.part(part))
                }
                5 => {
                    let field = self.field(always);
                    let (name, value) = (self.match_key(field), self.value(field, false));
                    format!("{name}={value}")
                }
                _ => {
                    let part = self.subfield(always, None);
                    format!("{}={}", self.part(part), self.spelled(part.bits.min(64)))
                }
            };
            parts.push(spec);
        }
        format!("learn({})", parts.join(","))
    }
}

/// Whether packets of the kind have what the action needs.
fn makes_sense(name: &str, kind: &Kind, depth: u8) -> bool {
    use Prerequisite::*;
    let has = |prerequisite| kind.fulfilled.contains(&prerequisite);
    match name {
        "strip_vlan" | "set_vlan_vid" | "set_vlan_pcp" => has(Vlan),
        "mod_nw_src" | "mod_nw_dst" => has(Ipv4),
        "mod_nw_tos" | "mod_nw_ecn" | "mod_nw_ttl" | "dec_ttl" | "ct" => has(Ip),
        "mod_tp_src" | "mod_tp_dst" => has(Tcp) || has(Udp) || has(Sctp),
        "fin_timeout" => has(Tcp),
        "set_mpls_label" | "set_mpls_tc" | "set_mpls_ttl" | "dec_mpls_ttl" | "pop_mpls" => {
            has(Mpls)
        }
        "dec_nsh_ttl" => has(Nsh),
        "conjunction" => false,
        "clone" => depth < 3,
        "learn" => depth == 0,
        _ => true,
    }
}
