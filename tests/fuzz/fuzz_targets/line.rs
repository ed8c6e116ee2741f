//! See `tests/filters/checks/line.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::checks::line::check(data));
