//! A model with a request, in each of the protocol's three forms.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message as _;
use understudy_server::{
    proto::{ModelInferRequest, model_infer_request::InferInputTensor},
    tensor::{Data, Tensor},
};

use crate::load::{Request, Wire};

/// A model with the inputs of a request.
pub struct Case {
    pub name: &'static str,
    pub file: PathBuf,
    inputs: Vec<(&'static str, Tensor)>,
}

impl Case {
    /// A classifier of a row of 30 numbers, with so many rows.
    pub fn breast_cancer(rows: usize) -> Self {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
        let request = std::fs::read(samples.join("requests/infer.json")).expect("the sample request exists");
        let request: serde_json::Value = serde_json::from_slice(&request).expect("it is JSON");
        let row: Vec<f32> =
            serde_json::from_value(request["inputs"][0]["data"].clone()).expect("it has numbers");
        Self {
            name: "breast-cancer",
            file: samples.join("models/breast-cancer/1.0.0/model.onnx"),
            inputs: vec![("features", fp32(&[rows, row.len()], row.repeat(rows)))],
        }
    }

    /// Finds speech in 32 ms of sound: 512 samples after the last 64 before, and the state of the frames before.
    pub fn silero_vad(packages: &Path) -> Self {
        let samples = numbers(576).map(|number| number * 0.2).collect();
        let state = numbers(256).collect();
        let rate = Tensor { shape: vec![], data: Data::Int64(vec![16_000]) };
        Self {
            name: "silero-vad",
            file: packages.join("silero_vad/data/silero_vad_16k_op15.onnx"),
            inputs: vec![
                ("input", fp32(&[1, 576], samples)),
                ("state", fp32(&[2, 1, 128], state)),
                ("sr", rate),
            ],
        }
    }

    /// Finds the type of a file by its first and last bytes, here those of this file.
    pub fn magika(packages: &Path) -> Self {
        let bytes = include_bytes!("case.rs");
        let ends = bytes[..1024].iter().chain(&bytes[bytes.len() - 1024..]);
        let tokens = Data::Int32(ends.map(|byte| i32::from(*byte)).collect());
        Self {
            name: "magika",
            file: packages.join("magika/models/standard_v3_3/model.onnx"),
            inputs: vec![("bytes", Tensor { shape: vec![1, 2048], data: tokens })],
        }
    }

    /// One score for each KiB of FP32: hardly anything but the transport of its input.
    pub fn frames(rows: usize) -> Self {
        Self {
            name: "frames",
            file: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/frames.onnx"),
            inputs: vec![("audio", fp32(&[rows, 256], numbers(rows * 256).collect()))],
        }
    }

    /// The request in one of its forms.
    pub fn request(&self, wire: Wire) -> Request {
        match wire {
            Wire::Json => Request::new(wire, None, self.json().into_bytes()),
            Wire::Binary => {
                let (header, blobs) = self.binary();
                Request::new(wire, Some(header.len()), [header.into_bytes(), blobs].concat())
            }
            Wire::Grpc => Request::new(wire, None, self.grpc()),
        }
    }

    /// The request as JSON, with the shortest digits that keep each number.
    pub fn json(&self) -> String {
        let inputs: Vec<_> = self.described(|tensor| format!(r#""data":{}"#, text(&tensor.data))).collect();
        format!(r#"{{"inputs":[{}]}}"#, inputs.join(","))
    }

    fn binary(&self) -> (String, Vec<u8>) {
        let size = |tensor: &Tensor| {
            format!(r#""parameters":{{"binary_data_size":{}}}"#, elements(&tensor.data).len())
        };
        let inputs: Vec<_> = self.described(size).collect();
        let header =
            format!(r#"{{"inputs":[{}],"parameters":{{"binary_data_output":true}}}}"#, inputs.join(","));
        (header, self.inputs.iter().flat_map(|(_, tensor)| elements(&tensor.data)).copied().collect())
    }

    /// The message, after gRPC's five bytes: not compressed, and its length.
    fn grpc(&self) -> Vec<u8> {
        let input = |(name, tensor): &(&str, Tensor)| InferInputTensor {
            name: (*name).to_owned(),
            datatype: datatype(&tensor.data).to_owned(),
            shape: tensor.shape.clone(),
            ..InferInputTensor::default()
        };
        let message = ModelInferRequest {
            model_name: "bench".to_owned(),
            inputs: self.inputs.iter().map(input).collect(),
            raw_input_contents: self
                .inputs
                .iter()
                .map(|(_, tensor)| Bytes::copy_from_slice(elements(&tensor.data)))
                .collect(),
            ..ModelInferRequest::default()
        };
        let message = message.encode_to_vec();
        let length = u32::try_from(message.len()).expect("a message of a few megabytes");
        [&[0], &length.to_be_bytes()[..], &message].concat()
    }

    fn described(&self, rest: impl Fn(&Tensor) -> String) -> impl Iterator<Item = String> {
        self.inputs.iter().map(move |(name, tensor)| {
            let (shape, datatype) = (&tensor.shape, datatype(&tensor.data));
            format!(r#"{{"name":"{name}","shape":{shape:?},"datatype":"{datatype}",{}}}"#, rest(tensor))
        })
    }
}

fn fp32(shape: &[usize], data: Vec<f32>) -> Tensor {
    let shape = shape.iter().map(|extent| i64::try_from(*extent).expect("a small tensor")).collect();
    Tensor { shape, data: Data::Fp32(data) }
}

/// Numbers between -0.5 and 0.5, the same in every run.
pub fn numbers(count: usize) -> impl Iterator<Item = f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count).map(move |_| {
        // xorshift
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f32::from_bits(0x3f80_0000 | u32::try_from(state >> 41).expect("23 bits")) - 1.5
    })
}

const UNUSED: &str = "no case has this datatype";

fn datatype(data: &Data) -> &'static str {
    match data {
        Data::Fp32(_) => "FP32",
        Data::Int32(_) => "INT32",
        Data::Int64(_) => "INT64",
        _ => unreachable!("{UNUSED}"),
    }
}

/// The elements as the binary extension has them, on a little-endian machine.
fn elements(data: &Data) -> &[u8] {
    match data {
        Data::Fp32(elements) => bytemuck::cast_slice(elements),
        Data::Int32(elements) => bytemuck::cast_slice(elements),
        Data::Int64(elements) => bytemuck::cast_slice(elements),
        _ => unreachable!("{UNUSED}"),
    }
}

fn text(data: &Data) -> String {
    let text = match data {
        Data::Fp32(elements) => serde_json::to_string(elements),
        Data::Int32(elements) => serde_json::to_string(elements),
        Data::Int64(elements) => serde_json::to_string(elements),
        _ => unreachable!("{UNUSED}"),
    };
    text.expect("numbers are always JSON")
}
