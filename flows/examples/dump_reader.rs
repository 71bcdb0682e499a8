//! Reads what `ovs-ofctl dump-flows` printed and says what is in it: flows by table, and how long reading took.
//!
//!     ovs-ofctl dump-flows br-int | cargo run --example dump_reader

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Instant;

use flows::text::{Names, parse_flow_stats};

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let begin = Instant::now();
    let mut by_table: BTreeMap<u8, (u64, u64)> = BTreeMap::new();
    let mut flows = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.contains("reply") {
            continue;
        }
        match parse_flow_stats(line, &Names::default()) {
            Ok(stats) => {
                let (count, packets) = by_table.entry(stats.flow.table).or_default();
                *count += 1;
                // All ones stand for a switch that did not say.
                *packets += if stats.packets == u64::MAX {
                    0
                } else {
                    stats.packets
                };
                flows.push(stats.flow);
            }
            Err(error) => eprintln!("line {}: {error}", number + 1),
        }
    }
    let took = begin.elapsed();
    for (table, (count, packets)) in &by_table {
        println!("table {table}: {count} flows, {packets} packets");
    }
    eprintln!("{} flows read in {took:?}", flows.len());
    let begin = Instant::now();
    let written: usize = flows
        .iter()
        .map(|flow| flow.to_text(&Names::default()).len())
        .sum();
    eprintln!("written as {written} bytes in {:?}", begin.elapsed());
    Ok(())
}
