//! A value that grows with another one, for several servers.

use serde::Serialize;

/// A diagram.
#[derive(Serialize)]
pub struct Curve {
    pub title: String,
    /// The name of the first column.
    pub over: &'static str,
    pub points: Vec<String>,
    pub lines: Vec<Line>,
}

/// The values of one server at all points.
#[derive(Serialize)]
pub struct Line {
    pub name: String,
    pub values: Vec<f64>,
}

impl Line {
    pub fn new(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values }
    }
}
