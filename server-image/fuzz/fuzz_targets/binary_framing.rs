//! See `understudy_fuzz::binary_framing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| understudy_fuzz::binary_framing::check(data));
