//! Bytes to tensors and back: JSON, the binary extension, raw bodies and `/predict` records.
//!
//! [`request`] and [`response`] are the protocol; the rest are the parts they are made of. Numbers are read straight
//! into the vector that ONNX Runtime will borrow, and written straight from the one that it returns.

pub mod binary;
pub mod compression;
pub mod elements;
mod number;
pub mod predict;
pub mod request;
pub mod response;
pub mod scan;
pub(crate) mod write;

pub use request::InferRequest;
