//! What a reviewer must see of a version. Pure.

mod metrics;
mod report;
mod signature;
pub mod text;

pub use metrics::{GateVerdict, MetricRow};
pub use report::{Commands, Review, Subject};
pub use signature::{Side, SignatureChange, SignatureDifference};
