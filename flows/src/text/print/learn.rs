//! Writing `learn`.

use super::actions::{close, subfield};
use super::matches::{field_value, hex_bytes};
use super::{Names, flow_flags};
use crate::action::{Learn, LearnSource, LearnTarget};
use crate::text::number::{dec, hex};

pub(super) fn learn(out: &mut String, names: &Names, learn: &Learn) {
    out.push_str("learn(table=");
    names.table(out, learn.table);
    for (label, value) in [
        (",idle_timeout=", learn.idle_timeout),
        (",hard_timeout=", learn.hard_timeout),
        (",fin_idle_timeout=", learn.fin_idle_timeout),
        (",fin_hard_timeout=", learn.fin_hard_timeout),
    ] {
        if value != 0 {
            out.push_str(label);
            dec(out, u64::from(value));
        }
    }
    if learn.priority != crate::DEFAULT_PRIORITY {
        out.push_str(",priority=");
        dec(out, u64::from(learn.priority));
    }
    out.push(',');
    flow_flags(out, learn.flags, ",");
    if learn.delete_learned {
        out.push_str("delete_learned,");
    }
    if learn.cookie != 0 {
        out.push_str("cookie=");
        hex(out, u128::from(learn.cookie));
        out.push(',');
    }
    if learn.limit != 0 {
        out.push_str("limit=");
        dec(out, u64::from(learn.limit));
        out.push(',');
    }
    if let Some(dst) = learn.result_dst {
        out.push_str("result_dst=");
        subfield(out, dst);
        out.push(',');
    }
    for spec in &learn.specs {
        match (&spec.source, spec.target) {
            (LearnSource::Value { bytes, bits }, LearnTarget::Match(dst)) => {
                if dst.offset == 0 && *bits == dst.field.bits() {
                    out.push_str(dst.field.name());
                    out.push('=');
                    if dst.field.is_tun_metadata() {
                        hex_bytes(out, bytes);
                    } else {
                        let value = bytes.iter().fold(0u128, |acc, &b| acc << 8 | u128::from(b));
                        field_value(out, names, dst.field, value, None);
                    }
                } else {
                    subfield(out, dst);
                    out.push('=');
                    hex_bytes(out, bytes);
                }
            }
            (LearnSource::Field(src), LearnTarget::Match(dst)) => {
                subfield(out, dst);
                if *src != dst {
                    out.push('=');
                    subfield(out, *src);
                }
            }
            (source, LearnTarget::Load(dst)) => {
                out.push_str("load:");
                match source {
                    LearnSource::Field(src) => subfield(out, *src),
                    LearnSource::Value { bytes, .. } => hex_bytes(out, bytes),
                }
                out.push_str("->");
                subfield(out, dst);
            }
            (source, LearnTarget::Output) => {
                out.push_str("output:");
                match source {
                    LearnSource::Field(src) => subfield(out, *src),
                    LearnSource::Value { bytes, .. } => hex_bytes(out, bytes),
                }
            }
        }
        out.push(',');
    }
    close(out);
}
