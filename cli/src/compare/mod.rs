//! `compare`: main and challenger on the same calls, and drift. Pure.

mod classes;
mod evaluation;
mod number;
mod report;
mod significance;
pub mod text;

pub use report::{CompareReport, Standing};
pub use significance::{Figure, Reading, Significance};
