//! Bytes to tensors and back: JSON, the binary extension, raw bodies and `/predict` records.
//!
//! [`request`] and [`response`] implement the protocol. The other modules are their parts. A request's numbers go
//! directly into the vector that ONNX Runtime borrows. A response's numbers come directly from the memory that ONNX
//! Runtime returns.

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
