//! `compare`: how the challenger does beside main on the same calls, and what drifts. Pure.

mod number;
mod reading;
mod report;
pub mod text;

pub use reading::{Reading, Subject, Verdict};
pub use report::{Compare, Standing};
