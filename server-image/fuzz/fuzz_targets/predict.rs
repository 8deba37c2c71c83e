//! See `understudy_fuzz::predict`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| understudy_fuzz::predict::check(data));
