//! See `flows_fuzz::matches`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flows_fuzz::matches(data));
