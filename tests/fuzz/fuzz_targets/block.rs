//! See `tests/filters/checks/block.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::checks::block::check(data));
