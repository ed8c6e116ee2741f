//! See `tests/filters/checks/http.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::checks::http::check(data));
