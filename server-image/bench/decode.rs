//! The speed of decoding JSON to a tensor of 3 x 224 x 224 FP32, the input of an image model.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use understudy_server::{
    codec::InferRequest,
    signature::{Port, Signature},
    tensor::Datatype,
};

const SHAPE: [i64; 4] = [1, 3, 224, 224];
const ELEMENTS: usize = 3 * 224 * 224;

/// MB/s of JSON text, with the 17 digits that Python prints, and with the shortest digits of an f32.
pub fn megabytes_a_second() -> [(&'static str, f64); 2] {
    let signature = Signature { inputs: vec![Port::new("x", Datatype::Fp32, &SHAPE)], outputs: Vec::new() };
    [("as Python prints it", true), ("in its shortest digits", false)].map(|(what, long)| {
        let body = body(long);
        let begin = Instant::now();
        // The best round. The others show how busy the machine was.
        let mut best = Duration::MAX;
        while begin.elapsed() < Duration::from_secs(2) {
            let round = Instant::now();
            let request =
                InferRequest::read(body.as_bytes(), None, &signature).expect("the body is a request");
            best = best.min(round.elapsed());
            assert_eq!(request.inputs[0].data.len(), ELEMENTS);
        }
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let megabytes = body.len() as f64 / 1e6;
        (what, megabytes / best.as_secs_f64())
    })
}

fn body(long: bool) -> String {
    let mut body = format!(r#"{{"inputs":[{{"name":"x","shape":{SHAPE:?},"datatype":"FP32","data":["#);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for position in 0..ELEMENTS {
        // xorshift: the same numbers in every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let number = f32::from_bits(0x3f80_0000 | u32::try_from(state >> 41).expect("23 bits")) - 1.5;
        let comma = if position == 0 { "" } else { ", " };
        let written =
            if long { write!(body, "{comma}{}", f64::from(number)) } else { write!(body, "{comma}{number}") };
        written.expect("writing to a string does not fail");
    }
    body.push_str("]}]}");
    body
}
