//! Statistics of the calls of pods that can be merged over pods: how main and challenger compare, how often they were
//! right, and how far the calls have drifted from the training data. Pure: no clock, no network.
//!
//! A pod counts on a background thread and serves a [`Summary`]. The operator reads the summaries of all pods, merges
//! them, and then computes estimates. The merged summary equals that of one pod that received all calls.

pub mod baseline;
mod baseline_file;
mod bins;
mod categories;
pub mod classes;
pub mod column;
pub mod comparison;
pub mod distance;
pub mod drift;
mod evaluation;
mod groups;
pub mod interval;
mod issue;
pub mod judge;
pub mod latency;
mod moments;
pub mod monitor;
pub mod natural;
pub mod numbers;
pub mod outcomes;
mod paired;
mod quality;
mod real;
mod regression;
mod rules;
mod scores;
pub mod season;
pub mod summary;
mod tails;
mod training;

pub use baseline::{Baseline, BaselineError};
pub use classes::Scores;
pub use column::{ColumnKind, ColumnRole, ValueType};
pub use comparison::{Answer, Comparison, Identity, OutputKind, Role};
pub use distance::ChiSquare;
pub use drift::{ColumnDrift, Drift};
pub use interval::Estimate;
pub use issue::{Issue, IssueKind};
pub use judge::{Judged, Shift};
pub use latency::{Latencies, Quantile};
pub use monitor::Monitor;
pub use outcomes::{Confusion, NumberRow, OutcomeRow, Outcomes, Side};
pub use regression::Errors;
pub use rules::{Known, Rules};
pub use scores::Calibration;
pub use season::Season;
pub use summary::Summary;
