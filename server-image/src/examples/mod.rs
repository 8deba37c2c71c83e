//! Examples of a version: requests with the answers that are expected. The pod runs all of them after it has loaded the model,
//! and serves only if the model reproduces every answer within the tolerance. So what was proven in training is proven again
//! with the processor and the runtime that serve.
//!
//! The file has one example in each line: `{"request": {...}, "response": {...}}`. [`line`] reads it, [`expected`] walks
//! through the answer, [`element`] compares one element, and [`run`] does all of it for a file.

mod element;
mod expected;
mod flaw;
mod line;
mod openapi;
mod run;
mod shown;

pub use element::Tolerance;
pub use openapi::add_examples;
pub use run::{ExamplesFile, MAX_FILE, Reproduced, Run, reproduce};
pub use shown::{Examples, Shown};
