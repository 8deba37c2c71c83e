//! `compare`: how the challenger does beside main on the same calls, and what drifts. Pure.

mod number;
mod report;
mod significance;
pub mod text;

pub use report::{CompareReport, Standing};
pub use significance::{Figure, Reading, Significance};
