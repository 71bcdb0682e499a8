//! `cargo lab bench ovsdb`: the client against a real ovsdb-server, beside `ovsdb-client dump`, the Python IDL and bare
//! sockets, in one run on the same server. Standard output holds one JSON object a figure; what is done goes to standard
//! error. `cargo lab bench ovsdb sync|transactions|latency|ceiling` runs a part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench fails as a test does"
)]

mod bare;
mod ceiling;
mod latency;
mod server;
mod sync;
mod transactions;

use serde_json::{Value, json};

use server::Server;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, remote] = args.as_slice()
        && flag == sync::CHILD
    {
        return sync::child(remote);
    }
    // Cargo passes --bench.
    let parts: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    if wanted("transactions") {
        transactions::run();
    }
    if wanted("ceiling") {
        ceiling::run();
    }
    if wanted("sync") || wanted("latency") {
        let server = Server::start();
        eprintln!("filling the database with {} rows", server::ROWS);
        server.fill();
        if wanted("sync") {
            sync::run(&server);
        }
        if wanted("latency") {
            latency::run(&server);
        }
    }
}

/// What a figure is measured against.
struct Against<'t> {
    /// Who or what.
    name: &'t str,
    /// Its value of the same figure.
    value: f64,
    /// Ours to it; of several rounds their median, which need not be that of the medians.
    ratio: f64,
}

/// Prints one figure.
fn figure(name: &str, value: f64, unit: &str, against: Option<Against<'_>>) {
    // Every line has the same members; what stands alone is against nothing.
    let (name_of_other, value_of_other, ratio) = match against {
        Some(against) => (
            json!(against.name),
            json!(against.value),
            json!(against.ratio),
        ),
        None => (Value::Null, Value::Null, Value::Null),
    };
    println!(
        r#"{{"bench":"ovsdb","figure":{},"value":{},"unit":{},"against":{name_of_other},"against_value":{value_of_other},"ratio":{ratio}}}"#,
        json!(name),
        json!(value),
        json!(unit),
    );
}

/// Prints a figure of several rounds beside another's in the same rounds.
fn figure_of_rounds(name: &str, ours: &[f64], unit: &str, against: &str, theirs: &[f64]) {
    let ratios = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    figure(
        name,
        median(ours.to_vec()),
        unit,
        Some(Against {
            name: against,
            value: median(theirs.to_vec()),
            ratio: median(ratios),
        }),
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
