//! The speed of decoding JSON to a tensor of 3 x 224 x 224 FP32, the input of an image model, beside other readers of JSON: S5.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use jiter::{Jiter, JiterResult};
use serde::Deserialize;
use understudy_server::{
    codec::InferRequest,
    signature::{Port, Signature},
    tensor::Datatype,
};

use crate::{
    case::numbers,
    options::Options,
    report::{Figure, Report},
};

const SHAPE: [i64; 4] = [1, 3, 224, 224];
const ELEMENTS: usize = 3 * 224 * 224;
const VALID: &str = "the body is a request";

/// Reads a body, which it may change. Returns the number of elements.
type Reader = fn(&mut [u8]) -> usize;

/// A request for the readers that fill a type of the caller.
#[derive(Deserialize)]
struct Typed {
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    data: Vec<f32>,
}

/// MB/s of JSON text, with the 17 digits that Python prints, and with the shortest digits of an f32.
pub fn run(options: &Options, report: &mut Report) {
    for (digits, long) in [("digits as Python prints them", true), ("shortest digits", false)] {
        let body = body(long);
        let what = |reader: &str| format!("JSON of 602 KB FP32, {digits}, {reader}");
        let readers: [(&str, Reader); 5] = [
            ("Understudy", own),
            ("jiter", jiter),
            ("sonic-rs", sonic),
            ("simd-json", simd),
            ("serde_json", serde),
        ];
        let mut best = readers.map(|_| Duration::MAX);
        let begin = Instant::now();
        while begin.elapsed() < options.turn {
            for ((_, read), best) in readers.iter().zip(&mut best) {
                let mut copy = body.clone();
                let round = Instant::now();
                let elements = read(&mut copy);
                // The best round. The others show how busy the machine was.
                *best = (*best).min(round.elapsed());
                assert_eq!(elements, ELEMENTS);
            }
        }
        for ((reader, _), best) in readers.iter().zip(best) {
            #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
            let speed = body.len() as f64 / 1e6 / best.as_secs_f64();
            let figure = Figure::new("S5", what(reader), speed, "MB/s");
            report.add(if *reader == "Understudy" { figure.at_least(800.0) } else { figure });
        }
    }
}

fn own(body: &mut [u8]) -> usize {
    let signature = Signature { inputs: vec![Port::new("x", Datatype::Fp32, &SHAPE)], outputs: Vec::new() };
    InferRequest::read(body, None, &signature).expect(VALID).inputs[0].data.len()
}

/// Without a type of the caller: it pulls one value after the other.
fn jiter(body: &mut [u8]) -> usize {
    let mut reader = Jiter::new(body);
    let mut data = Vec::new();
    pull(&mut reader, &mut data).expect(VALID);
    data.len()
}

fn pull(reader: &mut Jiter<'_>, data: &mut Vec<f32>) -> JiterResult<()> {
    reader.next_object()?;
    reader.next_array()?;
    let mut key = reader.next_object()?.map(str::to_owned);
    while let Some(name) = key {
        if name == "data" {
            let mut next = reader.next_array()?;
            while let Some(peek) = next {
                #[expect(clippy::cast_possible_truncation, reason = "the tensor has FP32")]
                data.push(reader.known_float(peek)? as f32);
                next = reader.array_step()?;
            }
        } else {
            reader.next_skip()?;
        }
        key = reader.next_key()?.map(str::to_owned);
    }
    Ok(())
}

fn sonic(body: &mut [u8]) -> usize {
    elements(&sonic_rs::from_slice(body).expect(VALID))
}

fn simd(body: &mut [u8]) -> usize {
    elements(&simd_json::from_slice(body).expect(VALID))
}

fn serde(body: &mut [u8]) -> usize {
    elements(&serde_json::from_slice(body).expect(VALID))
}

fn elements(request: &Typed) -> usize {
    request.inputs[0].data.len()
}

fn body(long: bool) -> Vec<u8> {
    let mut body = format!(r#"{{"inputs":[{{"name":"x","shape":{SHAPE:?},"datatype":"FP32","data":["#);
    for (position, number) in numbers(ELEMENTS).enumerate() {
        let comma = if position == 0 { "" } else { ", " };
        let written =
            if long { write!(body, "{comma}{}", f64::from(number)) } else { write!(body, "{comma}{number}") };
        written.expect("writing to a string does not fail");
    }
    body.push_str("]}]}");
    body.into_bytes()
}
