//! `review`: everything that a reviewer needs to decide on a version. Pure.

mod metrics;
mod report;
mod signature;
pub mod text;

pub use metrics::{GateResult, MetricRow};
pub use report::{Commands, ReviewReport, ReviewedObjects};
pub use signature::{Direction, SignatureChange, SignatureDifference};
