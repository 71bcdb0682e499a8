//! Writing actions and instructions.

use super::Names;
use super::matches::{field_value, hex_bytes};
use crate::action::{
    Bundle, Controller, Ct, CtZone, Encap, HashFields, Multipath, Nat, NatDirection, Sample,
    SetField, SetSpelling, Subfield,
};
use crate::text::number::{dec, eth, hex, hex_digits, hex_padded, ipv4};
use crate::{Action, Instructions, Port};
use std::fmt::Write;
use std::net::IpAddr;

/// What stands after `actions=`.
pub(crate) fn instructions(out: &mut String, names: &Names, instructions: &Instructions) {
    let before = out.len();
    if let Some(meter) = instructions.meter {
        out.push_str("meter:");
        dec(out, u64::from(meter));
        out.push(',');
    }
    for action in &instructions.apply {
        action_text(out, names, action);
        out.push(',');
    }
    if instructions.clear {
        out.push_str("clear_actions,");
    }
    if let Some(write) = &instructions.write {
        out.push_str("write_actions(");
        list(out, names, write);
        out.push_str("),");
    }
    if let Some(metadata) = &instructions.write_metadata {
        out.push_str("write_metadata:");
        hex(out, u128::from(metadata.value));
        if metadata.mask != u64::MAX {
            out.push('/');
            hex(out, u128::from(metadata.mask));
        }
        out.push(',');
    }
    if let Some(table) = instructions.goto_table {
        out.push_str("goto_table:");
        names.table(out, table);
        out.push(',');
    }
    for (_, piece) in instructions.raw() {
        out.push_str("instruction(");
        dotted(out, piece);
        out.push_str("),");
    }
    if out.len() == before {
        out.push_str("drop");
    } else {
        out.pop();
    }
}

/// Actions separated by commas; `drop` for none.
pub(crate) fn list(out: &mut String, names: &Names, actions: &[Action]) {
    if actions.is_empty() {
        out.push_str("drop");
    }
    items(out, names, actions);
}

fn items(out: &mut String, names: &Names, actions: &[Action]) {
    for (i, action) in actions.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        action_text(out, names, action);
    }
}

/// `NXM_NX_REG0[]`, `[3]` or `[0..15]`.
pub(crate) fn subfield(out: &mut String, part: Subfield) {
    out.push_str(
        part.field
            .info()
            .wire
            .first()
            .map_or(part.field.name(), |id| id.name),
    );
    if part.is_whole() {
        out.push_str("[]");
    } else {
        out.push('[');
        dec(out, u64::from(part.offset));
        if part.bits != 1 {
            out.push_str("..");
            dec(
                out,
                u64::from(part.offset) + u64::from(part.bits).saturating_sub(1),
            );
        }
        out.push(']');
    }
}

fn word(out: &mut String, name: &str, value: u64) {
    out.push_str(name);
    dec(out, value);
}

fn output(out: &mut String, names: &Names, port: Port) {
    if port.name().is_none() {
        out.push_str("output:");
    }
    names.port(out, port);
}

fn action_text(out: &mut String, names: &Names, action: &Action) {
    match action {
        Action::Output(port) | Action::OutputMaxLen(port, _) => output(out, names, *port),
        Action::OutputController(max_len) => word(out, "CONTROLLER:", u64::from(*max_len)),
        Action::Controller(controller) => to_controller(out, controller),
        Action::OutputReg(part, _) => {
            out.push_str("output:");
            subfield(out, *part);
        }
        Action::OutputTrunc(port, max_len) => {
            out.push_str("output(port=");
            names.port(out, *port);
            word(out, ",max_len=", u64::from(*max_len));
            out.push(')');
        }
        Action::Enqueue(port, queue) => {
            out.push_str("enqueue:");
            names.port(out, *port);
            word(out, ":", u64::from(*queue));
        }
        Action::Group(group) => word(out, "group:", u64::from(*group)),
        Action::Bundle(bundle) => bundle_text(out, names, bundle),
        Action::SetField(set) => set_field(out, names, set),
        Action::Move { src, dst } | Action::CopyField { src, dst } => {
            out.push_str("move:");
            subfield(out, *src);
            out.push_str("->");
            subfield(out, *dst);
        }
        Action::Push(part) => {
            out.push_str("push:");
            subfield(out, *part);
        }
        Action::Pop(part) => {
            out.push_str("pop:");
            subfield(out, *part);
        }
        Action::DeleteField(field) => {
            out.push_str("delete_field:");
            out.push_str(field.name());
        }
        Action::ModVlanVid(vid) => word(out, "mod_vlan_vid:", u64::from(*vid)),
        Action::ModVlanPcp(pcp) => word(out, "mod_vlan_pcp:", u64::from(*pcp)),
        Action::SetVlanVid(vid) => word(out, "set_vlan_vid:", u64::from(*vid)),
        Action::SetVlanPcp(pcp) => word(out, "set_vlan_pcp:", u64::from(*pcp)),
        Action::ModDlSrc(mac) => {
            out.push_str("mod_dl_src:");
            eth(out, u128::from(mac.to_u64()));
        }
        Action::ModDlDst(mac) => {
            out.push_str("mod_dl_dst:");
            eth(out, u128::from(mac.to_u64()));
        }
        Action::ModNwSrc(ip) => {
            out.push_str("mod_nw_src:");
            ipv4(out, u128::from(ip.to_bits()));
        }
        Action::ModNwDst(ip) => {
            out.push_str("mod_nw_dst:");
            ipv4(out, u128::from(ip.to_bits()));
        }
        Action::ModNwTos(tos) => word(out, "mod_nw_tos:", u64::from(*tos)),
        Action::ModNwEcn(ecn) => word(out, "mod_nw_ecn:", u64::from(*ecn)),
        Action::ModNwTtl(ttl) => word(out, "mod_nw_ttl:", u64::from(*ttl)),
        Action::ModTpSrc(port) => word(out, "mod_tp_src:", u64::from(*port)),
        Action::ModTpDst(port) => word(out, "mod_tp_dst:", u64::from(*port)),
        Action::SetTunnel(id) => {
            out.push_str("set_tunnel:");
            hex(out, u128::from(*id));
        }
        Action::SetTunnel64(id) => {
            out.push_str("set_tunnel64:");
            hex(out, u128::from(*id));
        }
        Action::SetMplsLabel(label) => parenthesised(out, "set_mpls_label", u64::from(*label)),
        Action::SetMplsTc(tc) => parenthesised(out, "set_mpls_tc", u64::from(*tc)),
        Action::SetMplsTtl(ttl) => parenthesised(out, "set_mpls_ttl", u64::from(*ttl)),
        Action::StripVlan => out.push_str("strip_vlan"),
        Action::PopVlan => out.push_str("pop_vlan"),
        Action::PushVlan(kind) => ethertype(out, "push_vlan:", *kind),
        Action::PushMpls(kind) => ethertype(out, "push_mpls:", *kind),
        Action::PopMpls(kind) => ethertype(out, "pop_mpls:", *kind),
        Action::DecTtl(ids) => {
            out.push_str("dec_ttl");
            for (i, id) in ids.iter().enumerate() {
                word(out, if i == 0 { "(" } else { "," }, u64::from(*id));
            }
            if !ids.is_empty() {
                out.push(')');
            }
        }
        Action::DecMplsTtl => out.push_str("dec_mpls_ttl"),
        Action::DecNshTtl => out.push_str("dec_nsh_ttl"),
        Action::SetQueue(queue) => word(out, "set_queue:", u64::from(*queue)),
        Action::PopQueue => out.push_str("pop_queue"),
        Action::ResubmitPort(port) if *port != Port::IN_PORT => {
            out.push_str("resubmit:");
            names.port(out, *port);
        }
        Action::Resubmit {
            port,
            table: 255,
            ct: false,
        } if *port != Port::IN_PORT => {
            out.push_str("resubmit:");
            names.port(out, *port);
        }
        Action::ResubmitPort(_) => out.push_str("resubmit(,)"),
        Action::Resubmit { port, table, ct } => {
            out.push_str("resubmit(");
            if *port != Port::IN_PORT {
                names.port(out, *port);
            }
            out.push(',');
            if *table != 255 {
                names.table(out, *table);
            }
            out.push_str(if *ct { ",ct)" } else { ")" });
        }
        Action::Learn(learn) => super::learn::learn(out, names, learn),
        Action::Conjunction {
            id,
            clause,
            n_clauses,
        } => {
            let _ = write!(
                out,
                "conjunction({id},{}/{n_clauses})",
                u16::from(*clause) + 1
            );
        }
        Action::Multipath(multipath) => multipath_text(out, multipath),
        Action::Note(bytes) => {
            out.push_str("note:");
            dotted(out, bytes);
        }
        Action::Exit => out.push_str("exit"),
        Action::DebugSlow => out.push_str("debug_slow"),
        Action::DebugRecirc => out.push_str("debug_recirc"),
        Action::Sample(sample) => sample_text(out, names, sample),
        Action::FinTimeout(idle, hard) => {
            out.push_str("fin_timeout(");
            if *idle != 0 {
                word(out, "idle_timeout=", u64::from(*idle));
                out.push(',');
            }
            if *hard != 0 {
                word(out, "hard_timeout=", u64::from(*hard));
                out.push(',');
            }
            close(out);
        }
        Action::Ct(ct) => ct_text(out, names, ct),
        Action::CtClear => out.push_str("ct_clear"),
        Action::Clone(actions) => {
            out.push_str("clone(");
            if actions.is_empty() {
                out.push_str("drop");
            }
            items(out, names, actions);
            out.push(')');
        }
        Action::CheckPktLarger(len, dst) => {
            parenthesised(out, "check_pkt_larger", u64::from(*len));
            out.push_str("->");
            subfield(out, *dst);
        }
        Action::Encap(encap) => encap_text(out, encap),
        Action::Decap(None) => out.push_str("decap()"),
        Action::Decap(Some(kind)) => {
            let _ = write!(out, "decap(packet_type(ns={},type=", kind >> 16);
            hex(out, u128::from(kind & 0xffff));
            out.push_str("))");
        }
        Action::Meter(meter) => word(out, "meter:", u64::from(*meter)),
        Action::Unknown(bytes) => {
            out.push_str("unknown(");
            dotted(out, bytes);
            out.push(')');
        }
    }
}

/// Ends a list of `name=value,` with a parenthesis in place of the last comma.
pub(super) fn close(out: &mut String) {
    if out.ends_with(',') {
        out.pop();
    }
    out.push(')');
}

fn parenthesised(out: &mut String, name: &str, value: u64) {
    out.push_str(name);
    word(out, "(", value);
    out.push(')');
}

fn ethertype(out: &mut String, name: &str, kind: u16) {
    out.push_str(name);
    hex_padded(out, u128::from(kind), 4);
}

fn dotted(out: &mut String, bytes: &[u8]) {
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.push('.');
        }
        hex_digits(out, u128::from(*byte), 2);
    }
}

/// Names of the reasons of a packet-in; numbers for others.
pub(crate) fn packet_in_reason(reason: u8) -> Option<&'static str> {
    Some(match reason {
        0 => "no_match",
        1 => "action",
        2 => "invalid_ttl",
        3 => "action_set",
        4 => "group",
        5 => "packet_out",
        _ => return None,
    })
}

fn to_controller(out: &mut String, controller: &Controller) {
    let Controller {
        reason,
        max_len,
        controller_id,
        userdata,
        pause,
        meter_id,
        ..
    } = controller;
    // A meter of 0 is none.
    let meter_id = meter_id.filter(|meter| *meter != 0);
    if *reason == 1 && *controller_id == 0 && userdata.is_empty() && !pause && meter_id.is_none() {
        return word(out, "CONTROLLER:", u64::from(*max_len));
    }
    out.push_str("controller(");
    if *reason != 1 {
        out.push_str("reason=");
        match packet_in_reason(*reason) {
            // Two kinds of misses, for which Open vSwitch has no word.
            None if matches!(reason, 6 | 7) => {}
            Some(name) => out.push_str(name),
            None => dec(out, u64::from(*reason)),
        }
        out.push(',');
    }
    if *max_len != 0xffff {
        word(out, "max_len=", u64::from(*max_len));
        out.push(',');
    }
    if *controller_id != 0 {
        word(out, "id=", u64::from(*controller_id));
        out.push(',');
    }
    if !userdata.is_empty() {
        out.push_str("userdata=");
        dotted(out, userdata);
        out.push(',');
    }
    if *pause {
        out.push_str("pause,");
    }
    if let Some(meter) = meter_id {
        word(out, "meter_id=", u64::from(meter));
        out.push(',');
    }
    close(out);
}

/// The name of a hash.
pub(crate) fn hash_fields_name(fields: HashFields) -> &'static str {
    match fields {
        HashFields::EthSrc => "eth_src",
        HashFields::SymmetricL4 => "symmetric_l4",
        HashFields::SymmetricL3L4 => "symmetric_l3l4",
        HashFields::SymmetricL3L4Udp => "symmetric_l3l4+udp",
        HashFields::NwSrc => "nw_src",
        HashFields::NwDst => "nw_dst",
        HashFields::SymmetricL3 => "symmetric_l3",
        HashFields::Other(_) => "<unknown>",
    }
}

fn bundle_text(out: &mut String, names: &Names, bundle: &Bundle) {
    out.push_str(if bundle.dst.is_some() {
        "bundle_load("
    } else {
        "bundle("
    });
    out.push_str(hash_fields_name(bundle.fields));
    word(out, ",", u64::from(bundle.basis));
    out.push_str(match bundle.algorithm {
        0 => ",active_backup,ofport,",
        1 => ",hrw,ofport,",
        _ => ",<unknown>,ofport,",
    });
    if let Some(dst) = bundle.dst {
        subfield(out, dst);
        out.push(',');
    }
    out.push_str("members:");
    for (i, port) in bundle.members.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        names.port(out, *port);
    }
    out.push(')');
}

fn multipath_text(out: &mut String, multipath: &Multipath) {
    out.push_str("multipath(");
    out.push_str(hash_fields_name(multipath.fields));
    word(out, ",", u64::from(multipath.basis));
    out.push(',');
    out.push_str(match multipath.algorithm {
        0 => "modulo_n",
        1 => "hash_threshold",
        2 => "hrw",
        3 => "iter_hash",
        _ => "<unknown>",
    });
    word(out, ",", u64::from(multipath.max_link) + 1);
    word(out, ",", u64::from(multipath.arg));
    out.push(',');
    subfield(out, multipath.dst);
    out.push(')');
}

fn sample_text(out: &mut String, names: &Names, sample: &Sample) {
    word(out, "sample(probability=", u64::from(sample.probability));
    word(
        out,
        ",collector_set_id=",
        u64::from(sample.collector_set_id),
    );
    word(out, ",obs_domain_id=", u64::from(sample.obs_domain_id));
    word(out, ",obs_point_id=", u64::from(sample.obs_point_id));
    if sample.sampling_port != Port::ANY {
        out.push_str(",sampling_port=");
        names.port(out, sample.sampling_port);
    }
    out.push_str(match sample.direction {
        1 => ",ingress)",
        2 => ",egress)",
        _ => ")",
    });
}

fn set_field(out: &mut String, names: &Names, set: &SetField) {
    match set.spelling() {
        SetSpelling::Load => load(out, set),
        SetSpelling::SetField => {
            out.push_str("set_field:");
            match set.wide_bytes() {
                Some(wide)
                    if wide
                        .mask
                        .as_ref()
                        .is_some_and(|mask| mask.iter().all(|byte| *byte == 0)) =>
                {
                    out.push_str("ANY");
                }
                Some(wide) => {
                    hex_bytes(out, &wide.value);
                    if let Some(mask) = &wide.mask {
                        out.push('/');
                        hex_bytes(out, mask);
                    }
                }
                None if set.mask() == 0 => out.push_str("ANY"),
                None => {
                    let mask = (!set.is_whole()).then(|| set.mask());
                    field_value(out, names, set.field(), set.value(), mask);
                }
            }
            out.push_str("->");
            out.push_str(set.field().name());
        }
    }
}

/// A `load` for each run of bits that is written, from the lowest; none is longer than 64 bits.
fn load(out: &mut String, set: &SetField) {
    for (i, (part, value)) in crate::action::load_segments(set).into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str("load:");
        hex(out, u128::from(value));
        out.push_str("->");
        subfield(out, part);
    }
}

fn ct_text(out: &mut String, names: &Names, ct: &Ct) {
    out.push_str("ct(");
    if ct.commit {
        out.push_str("commit,");
    }
    if ct.force {
        out.push_str("force,");
    }
    if ct.recirc_table != 255 {
        out.push_str("table=");
        names.table(out, ct.recirc_table);
        out.push(',');
    }
    match ct.zone {
        CtZone::Number(0) => {}
        CtZone::Number(zone) => {
            word(out, "zone=", u64::from(zone));
            out.push(',');
        }
        CtZone::Field(part) => {
            out.push_str("zone=");
            subfield(out, part);
            out.push(',');
        }
    }
    if let Some(nat) = &ct.nat {
        nat_text(out, nat);
        out.push(',');
    }
    if !ct.actions.is_empty() {
        out.push_str("exec(");
        items(out, names, &ct.actions);
        out.push_str("),");
    }
    match ct.alg {
        0 => {}
        21 => out.push_str("alg=ftp,"),
        69 => out.push_str("alg=tftp,"),
        other => {
            word(out, "alg=", u64::from(other));
            out.push(',');
        }
    }
    close(out);
}

fn address(out: &mut String, ip: IpAddr, brackets: bool) {
    match ip {
        IpAddr::V4(v4) => ipv4(out, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => {
            if brackets {
                out.push('[');
            }
            crate::text::number::ipv6(out, v6.to_bits());
            if brackets {
                out.push(']');
            }
        }
    }
}

fn nat_text(out: &mut String, nat: &Nat) {
    out.push_str("nat");
    let Some(direction) = nat.direction else {
        return;
    };
    out.push_str(if direction == NatDirection::Src {
        "(src"
    } else {
        "(dst"
    });
    if let Some((first, last)) = nat.addresses {
        out.push('=');
        let brackets = nat.ports.is_some();
        address(out, first, brackets);
        // A range of one is told as that one.
        if let Some(last) = last.filter(|last| *last != first) {
            out.push('-');
            address(out, last, brackets);
        }
        if let Some((first, last)) = nat.ports {
            word(out, ":", u64::from(first));
            if let Some(last) = last.filter(|last| *last != first) {
                word(out, "-", u64::from(last));
            }
        }
        for (flag, name) in [(4, ",persistent"), (8, ",hash"), (16, ",random")] {
            if nat.flags & flag != 0 {
                out.push_str(name);
            }
        }
    }
    out.push(')');
}

fn encap_text(out: &mut String, encap: &Encap) {
    out.push_str("encap(");
    match encap.packet_type {
        0 => out.push_str("ethernet"),
        0x0001_894f => out.push_str("nsh"),
        0x0001_8847 => out.push_str("mpls"),
        0x0001_8848 => out.push_str("mpls_mc"),
        other => {
            let _ = write!(out, "packet_type({},", other >> 16);
            hex(out, u128::from(other & 0xffff));
            out.push(')');
        }
    }
    encap_properties(out, encap);
    out.push(')');
}

fn encap_properties(out: &mut String, encap: &Encap) {
    if encap.properties.is_empty() {
        return;
    }
    out.push('(');
    for (i, property) in encap.properties.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match (property.class, property.kind, property.data.as_ref()) {
            (4, 1, [md_type, ..]) => word(out, "md_type=", u64::from(*md_type)),
            (4, 2, [class_high, class_low, kind, _, value @ ..]) => {
                out.push_str("tlv(0x");
                hex_digits(
                    out,
                    u128::from(*class_high) << 8 | u128::from(*class_low),
                    4,
                );
                word(out, ",", u64::from(*kind));
                out.push(',');
                hex_bytes(out, value);
                out.push(')');
            }
            _ => out.push_str("<error>"),
        }
    }
    out.push(')');
}
