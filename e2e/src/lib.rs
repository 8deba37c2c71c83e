//! What the stories are told with: a namespace of one's own, its people, their acts, and waiting for what follows.
//!
//! Everything runs against the cluster of `make up`. Nothing sleeps: [`Story::await_condition`] watches, and says what
//! it saw when the time is up.

mod acts;
mod caller;
mod cluster;
mod evidence;
mod kubectl;
mod load;
mod manifest;
pub mod onnx;
mod operator;
mod people;
mod predict;
mod recorder;
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
pub use operator::{Leader, Operator, resident};
pub use people::Person;
pub use predict::{Prediction, Road};
pub use recorder::{Recorder, Snapshot};
pub use sample::{MODEL, Row, Sample, rows, tolerance};
pub use store::digest;
pub use story::{Story, with_temp_ns};
pub use switches::Switches;
