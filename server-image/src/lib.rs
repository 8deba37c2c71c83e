//! The inference server of Understudy: one immutable model version over the Open Inference Protocol v2.
//!
//! A pod lives through three steps, each a module: [`artifact`] brings the model file here and checks its digest,
//! [`onnx`] reads it with bounds before ONNX Runtime does, [`model`] loads and warms it. From then on [`http`] takes
//! requests, [`codec`] turns bytes into tensors and back, and [`engine`] decides on which thread they run.
//! [`routing`] follows what the operator says: who is main ([`role`]), who is the challenger, what is recorded.
//! [`observer`] is all that happens to a call after its answer: the copy to the challenger, comparison, records, drift.

#![allow(
    clippy::missing_panics_doc,
    reason = "an `expect` states an invariant, so it is no part of an interface"
)]

pub mod analysis;
pub mod args;
pub mod artifact;
pub mod call;
pub mod codec;
pub mod columns;
pub mod engine;
pub mod error;
pub mod headers;
pub mod http;
pub mod ids;
pub mod metrics;
pub mod mirror;
pub mod model;
mod named_enum;
pub mod observer;
pub mod onnx;
pub mod page;
pub mod queue;
pub mod records;
pub mod role;
pub mod routing;
pub mod server;
pub mod signature;
pub mod tensor;
pub mod termination;
