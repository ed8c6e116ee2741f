//! See `tests/filters/checks/stack.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::checks::stack::check(data));
