//! The parts of the e2e stories: a namespace for each story, its people, what they do, and waits for the results.
//! [`bare`] has those of the suites that run the operator's binary on an API server without a node.
//!
//! Stories run against the cluster of `make up`. No story sleeps: [`Story::await_condition`] watches an object and
//! prints the state of the namespace if it times out. Metrics have no watch, so they are read again and again.

mod acts;
mod awaited;
pub mod bare;
mod caller;
mod cluster;
mod diagnostics;
mod installation;
mod kubectl;
mod load;
mod log_line;
mod manifest;
mod metrics;
pub mod onnx;
mod operator;
mod own_store;
mod patches;
mod people;
pub mod platform;
pub mod plugin;
pub mod pod_logs;
mod pods;
mod predict;
pub mod python;
pub mod recorded;
mod records;
pub mod runtime;
mod sample;
pub mod scale;
mod signal;
mod store;
mod story;
mod switches;
mod table;
mod wait;
mod watch_log;

pub use caller::{Caller, Responses};
pub use cluster::Cluster;
pub use kubectl::Output;
pub use load::{Call, CallResult, Calls, Connection, Load, LoadProfile};
pub use manifest::{Publication, deployment};
pub use metrics::Metrics;
pub use operator::{Absence, Leader, Operator, resident};
pub use people::Person;
pub use pods::{Frozen, PodState, is_ready};
pub use predict::{Endpoint, Prediction};
pub use records::Records;
pub use sample::{Expected, MODEL, Row, Sample, held_out, rows, tolerance};
pub use store::{Store, digest};
pub use story::{Story, with_temp_ns};
pub use switches::Switches;
pub use table::{Table, millis, percentile};
pub use watch_log::{Snapshot, WatchLog};
