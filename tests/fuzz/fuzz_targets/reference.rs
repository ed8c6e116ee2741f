//! See `tests/filters/checks/reference.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::checks::reference::check(data));
