//! How a packet that stopped for a controller goes on, as text.

use super::Style;
use crate::ofpkt::continuation::Continuation;
use crate::text::number::hex_digits;
use crate::text::print::action_list;
use std::fmt::Write;

pub(super) fn continuation(out: &mut String, carried: &Continuation, style: &Style<'_>) {
    if carried.bridge != 0 {
        out.push_str(" continuation.bridge=");
        let mut digits = String::new();
        // Open vSwitch sends the four words of the UUID as its machine keeps them.
        let words = carried.bridge.to_be_bytes();
        for word in words.chunks_exact(4) {
            for byte in word.iter().rev() {
                hex_digits(&mut digits, (*byte).into(), 2);
            }
        }
        for (i, digit) in digits.chars().enumerate() {
            if matches!(i, 8 | 12 | 16 | 20) {
                out.push('-');
            }
            out.push(digit);
        }
        out.push('\n');
    }
    if !carried.stack.is_empty() {
        out.push_str(" continuation.stack=(top)");
        for value in &carried.stack {
            out.push_str(" 0x");
            let skip = value
                .iter()
                .take_while(|b| **b == 0)
                .count()
                .min(value.len().saturating_sub(1));
            for (i, byte) in value.iter().skip(skip).enumerate() {
                hex_digits(out, (*byte).into(), if i == 0 { 1 } else { 2 });
            }
        }
        out.push_str(" (bottom)\n");
    }
    if carried.mirrors != 0 {
        let _ = writeln!(out, " continuation.mirrors=0x{:x}", carried.mirrors);
    }
    if carried.conntracked {
        out.push_str(" continuation.conntracked=true\n");
    }
    if !carried.actions.is_empty() {
        out.push_str(" continuation.actions=");
        for (i, (table, cookie, actions)) in carried.actions.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            let _ = write!(out, "unroll_xlate(table={table}, cookie={cookie})");
            if !actions.is_empty() {
                out.push(',');
                action_list(out, style.names, actions);
            }
        }
        out.push('\n');
    }
    if !carried.action_set.is_empty() {
        out.push_str(" continuation.action_set=");
        action_list(out, style.names, &carried.action_set);
        out.push('\n');
    }
    if carried.odp_port != 0 {
        let _ = writeln!(out, " continuation.odp_port={}", carried.odp_port);
    }
}
