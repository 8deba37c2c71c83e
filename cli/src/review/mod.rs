//! `review`: everything that a reviewer needs to decide on a version. Pure.

mod breaking;
mod brings;
mod metrics;
mod report;
mod signature;
pub mod text;

pub use breaking::Breaking;
pub use brings::{Brings, Named, Origin};
pub use metrics::{GateResult, MetricRow};
pub use report::{Commands, ReviewReport, ReviewedObjects};
pub use signature::{Direction, SignatureChange, SignatureDifference};
