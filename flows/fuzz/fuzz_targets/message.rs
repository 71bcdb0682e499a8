//! See `flows_fuzz::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flows_fuzz::message(data));
