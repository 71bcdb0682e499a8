//! See `flows_fuzz::actions`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flows_fuzz::actions(data));
