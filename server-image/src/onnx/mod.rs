//! Inspects the model file before ONNX Runtime loads it. A model is untrusted code. The inspection rejects what has let
//! models read other files, or turn a few bytes into gigabytes of memory.
//!
//! The file is read field by field and never loaded, so memory use does not depend on its size.
//! Messages and field numbers are those of onnx.proto3 (`ModelProto` and the messages in it).

mod error;
mod functions;
mod inspect;
mod limits;
mod ports;
mod tensors;
mod wire;

pub use inspect::{Facts, inspect};
