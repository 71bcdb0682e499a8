//! See `flows_fuzz::multipart`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| flows_fuzz::multipart(data));
