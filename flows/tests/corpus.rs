//! The corpus of the fuzz targets (`fuzz/`), run by a normal test: what fuzzers have found stays found.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../fuzz/src/lib.rs"]
#[allow(
    unreachable_pub,
    reason = "the fuzz targets, which are another crate, call them too"
)]
mod targets;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let data = std::fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| run(&data)).is_err() {
            panic!("{} fails", path.display());
        }
        count += 1;
    }
    assert!(count >= 10, "{count} files in {}", directory.display());
}

#[test]
fn messages() {
    replay("message", targets::message);
}

#[test]
fn multipart_bodies() {
    replay("multipart", targets::multipart);
}

#[test]
fn lists_of_actions() {
    replay("actions", targets::actions);
}

#[test]
fn matches() {
    replay("matches", targets::matches);
}

#[test]
fn text() {
    replay("text", targets::text);
}
