//! What the stories are told with: a namespace of one's own, its people, their acts, and waiting for what follows.
//!
//! Everything runs against the cluster of `make up`. Nothing sleeps: [`Story::await_condition`] watches, and says what
//! it saw when the time is up. Metrics, which nobody can watch, are asked again and again.

mod acts;
mod caller;
mod cluster;
mod evidence;
mod kubectl;
mod load;
mod manifest;
mod metrics;
pub mod onnx;
mod operator;
mod outage;
mod people;
pub mod plugin;
mod pods;
mod predict;
pub mod python;
mod recorder;
mod records;
mod sample;
mod store;
mod story;
mod switches;
mod wait;

pub use caller::{Answers, Caller};
pub use cluster::Cluster;
pub use kubectl::Output;
pub use load::{Answer, Call, Calls, Connection, Load, Pressure};
pub use manifest::{Publication, deployment};
pub use metrics::Metrics;
pub use operator::{Leader, Operator, resident};
pub use people::Person;
pub use pods::{Frozen, Life, is_ready};
pub use predict::{Prediction, Road};
pub use recorder::{Recorder, Snapshot};
pub use records::Records;
pub use sample::{Expected, MODEL, Row, Sample, held_out, rows, tolerance};
pub use store::{Store, digest};
pub use story::{Story, with_temp_ns};
pub use switches::Switches;
