//! See `understudy_fuzz::grpc_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| understudy_fuzz::grpc_message::check(data));
