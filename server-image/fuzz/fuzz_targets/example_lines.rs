//! See `understudy_fuzz::example_lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| understudy_fuzz::example_lines::check(data));
