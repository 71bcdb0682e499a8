//! See `flows_fuzz::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flows_fuzz::text(data));
