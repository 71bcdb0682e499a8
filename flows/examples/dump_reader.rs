//! Reads what `ovs-ofctl dump-flows` printed and says what is in it: flows and packets by table, and how long reading and
//! writing took.
//!
//!     ovs-ofctl dump-flows br-int | cargo run --example dump_reader

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Instant;

use flows::text::{Names, parse_flow_stats};

fn main() -> io::Result<()> {
    report(io::stdin().lock(), io::stdout().lock(), io::stderr().lock())
}

/// Reads a dump line by line; the sums go to `out`, lines that are no flows and how long it took to `log`.
///
/// # Errors
/// If the dump can not be read or what is found can not be written.
pub(crate) fn report(
    dump: impl BufRead,
    mut out: impl Write,
    mut log: impl Write,
) -> io::Result<()> {
    let names = Names::default();
    let begin = Instant::now();
    let mut by_table: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    let mut flows = Vec::new();
    for (number, line) in (1u64..).zip(dump.lines()) {
        let line = line?;
        if line.trim().is_empty() || line.contains("reply") {
            continue;
        }
        match parse_flow_stats(&line, &names) {
            Ok(stats) => {
                let (count, packets) = by_table.entry(stats.flow.table).or_default();
                *count += 1;
                // All ones stand for a switch that did not say.
                let counted = Some(stats.packets).filter(|packets| *packets != u64::MAX);
                *packets = packets.saturating_add(counted.unwrap_or(0));
                flows.push(stats.flow);
            }
            Err(error) => writeln!(log, "line {number}: {error}")?,
        }
    }
    let took = begin.elapsed();
    for (table, (count, packets)) in &by_table {
        writeln!(out, "table {table}: {count} flows, {packets} packets")?;
    }
    writeln!(log, "{} flows read in {took:?}", flows.len())?;
    let begin = Instant::now();
    let mut text = String::new();
    for flow in &flows {
        flow.write_text(&mut text, &names);
        text.push('\n');
    }
    let took = begin.elapsed();
    writeln!(log, "written as {} bytes in {took:?}", text.len())
}
