//! See `understudy_fuzz::json_tensor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| understudy_fuzz::json_tensor::check(data));
