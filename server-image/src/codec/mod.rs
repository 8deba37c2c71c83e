//! Bytes to tensors and back: JSON, the binary extension, raw bodies, `/predict` records and the messages of gRPC.
//!
//! [`request`] and [`response`] implement the protocol over REST, [`grpc`] over gRPC. The other modules are their parts. A request's numbers go
//! directly into the vector that ONNX Runtime borrows. A response's numbers come directly from the memory that ONNX
//! Runtime returns.

mod batch;
pub mod binary;
pub mod classification;
pub mod compression;
pub mod elements;
mod gathered;
pub mod grpc;
pub mod infer_request;
pub mod message_bounds;
mod number;
pub mod predict;
pub mod request;
pub mod response;
mod room;
pub mod scan;
pub mod write;

pub use infer_request::{InferRequest, RequestedOutput};
