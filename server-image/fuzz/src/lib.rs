//! Fuzz targets of the inference server. Each target is a module with a function `check`, which panics if the server's
//! code breaks a promise on these bytes. `README.md` says what each target promises and how to run it.
//!
//! | target | reads |
//! |---|---|
//! | [`json_tensor`] | the `data` of a tensor in JSON |
//! | [`binary_framing`] | a request with JSON, binary tensors or one raw tensor |
//! | [`grpc_message`] | a request of gRPC |
//! | [`predict`] | the records of `/predict` |
//! | [`example_lines`] | the examples of a version |
//! | [`onnx_scan`] | a model file, before ONNX Runtime reads it |
//!
//! The other modules are what the targets compare with: [`reference`](mod@reference) reads JSON with `serde_json` and numbers with the standard
//! library, [`protobuf`] reads models with `prost`, [`memory`] counts allocations, [`mod@in_memory`] has files, [`signatures`] has models.

#![allow(clippy::missing_panics_doc, reason = "a panic is how a target reports a broken promise")]

pub mod binary_framing;
pub mod example_lines;
pub mod grpc_message;
pub mod in_memory;
pub mod json_tensor;
pub mod memory;
pub mod onnx_scan;
pub mod predict;
pub mod protobuf;
pub mod reference;
pub mod signatures;
