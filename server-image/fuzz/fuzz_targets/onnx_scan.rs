//! See `understudy_fuzz::onnx_scan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| understudy_fuzz::onnx_scan::check(data));
