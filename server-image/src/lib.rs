//! The inference server of Understudy: one immutable model version over the Open Inference Protocol v2.
//!
//! | step | modules |
//! |---|---|
//! | start | [`args`], [`server`] runs all steps, [`memory_limit`] keeps the process within its container, [`termination`] leaves a failure for the operator |
//! | fetch the [`version_files`] and check their digests | [`artifact`] |
//! | inspect the file within bounds | [`onnx`] |
//! | load and warm up the model | [`loading`] fetches and loads, [`load`] makes the [`model`], its [`signature`] and [`columns`], [`warm_up`] |
//! | reproduce the expected answers | [`examples`], and what is known then: [`proof`] |
//! | turn bytes into tensors and back | [`http`], [`grpc`] ([`proto`]) and [`page`] on the same ports ([`transports`]), [`exchange`] (of an [`api`]) and its [`codec`], [`tensor`] and [`view`], [`error`] |
//! | run them | [`engine`] takes a [`session`] (of [`onnx_runtime`], a [`pipeline`] of graphs; or of a [`runtime`], another program in the pod) where [`placement`] says, until its [`deadline`], unless there is an [`overload`], several in one [`batch`] where that pays, [`output`] and [`outputs`], [`laps`] |
//! | follow the operator | [`routing`] reads who is main ([`role`]), who is challenger, what is recorded |
//! | observe calls after their responses | [`observer`] hands each [`call`] to the next three |
//! | copy it to the challenger | [`mirror`] |
//! | compare, join outcomes, find drift | [`analysis`] |
//! | record it | [`records`] |
//!
//! `beneath` opens files on a PVC, [`shard`] divides what all threads use, [`queue`] has the parts of the queues of mirror and analysis, [`metrics`] the counters of requests, [`headers`] the
//! names of headers, [`traceparent`] takes over the trace of a call, and [`ids`] generates ids of calls.

#![allow(
    clippy::missing_panics_doc,
    reason = "an `expect` states an invariant, so it is not a part of the interface"
)]

pub mod analysis;
pub mod api;
pub mod args;
pub mod artifact;
pub mod batch;
mod beneath;
pub mod call;
pub mod codec;
pub mod columns;
pub mod deadline;
pub mod engine;
pub mod error;
pub mod examples;
pub mod exchange;
pub mod grpc;
pub mod headers;
pub mod http;
pub mod ids;
pub mod laps;
pub mod load;
pub mod loading;
pub mod memory_limit;
pub mod metrics;
pub mod mirror;
pub mod model;
mod named_enum;
pub mod observer;
pub mod onnx;
pub mod onnx_runtime;
pub mod output;
pub mod outputs;
pub mod overload;
pub mod page;
pub mod pipeline;
pub mod placement;
pub mod proof;
pub mod proto;
pub mod queue;
pub mod records;
pub mod role;
pub mod routing;
pub mod runtime;
pub mod server;
pub mod session;
pub mod shard;
pub mod signature;
pub mod tensor;
pub mod termination;
pub mod traceparent;
pub mod transports;
pub mod version_files;
pub mod view;
pub mod warm_up;
