//! A look into the model file before ONNX Runtime sees it. A model is foreign code: what is checked here is what
//! has let files reach other files, or let a few bytes become gigabytes.
//!
//! The file is walked field by field ([`wire`]), never loaded, so the memory this takes does not grow with it.
//! Message and field numbers are those of onnx.proto3 (`ModelProto` and what it holds).

mod error;
mod functions;
mod inspect;
mod limits;
mod tensors;
mod wire;

pub use inspect::{Facts, inspect};
