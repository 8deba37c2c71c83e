//! The inference server of Understudy: one immutable model version over the Open Inference Protocol v2.
//!
//! | step | modules |
//! |---|---|
//! | start | [`args`], [`server`] runs all steps, [`termination`] leaves a failure for the operator |
//! | fetch the model and check its digest | [`artifact`] |
//! | inspect the file within bounds | [`onnx`] |
//! | load and warm up the model | [`model`], its [`signature`] and [`columns`] |
//! | handle requests | [`http`] and [`page`], [`codec`] between bytes and [`tensor`]s, [`engine`] runs the model, [`error`] |
//! | follow the operator | [`routing`] reads who is main ([`role`]), who is challenger, what is recorded |
//! | observe calls after their responses | [`observer`] hands each [`call`] to the next three |
//! | copy it to the challenger | [`mirror`] |
//! | compare, join outcomes, find drift | [`analysis`] |
//! | record it | [`records`] |
//!
//! [`queue`] has the parts of the queues of mirror and analysis, [`metrics`] the counters of requests, [`headers`] the
//! names of headers, and [`ids`] generates ids of calls.

#![allow(
    clippy::missing_panics_doc,
    reason = "an `expect` states an invariant, so it is not a part of the interface"
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
