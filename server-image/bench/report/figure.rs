//! A figure with its target.

use std::fmt;

use serde::Serialize;

/// What a figure must reach.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// It only shows something.
    None,
}

/// A figure.
#[derive(Serialize)]
pub struct Figure {
    pub id: &'static str,
    pub what: String,
    pub value: f64,
    pub unit: &'static str,
    pub target: Target,
    /// The values that it is made of.
    pub of: String,
    pub passes: Option<bool>,
}

impl Figure {
    pub fn new(id: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { id, what: what.into(), value, unit, target: Target::None, of: String::new(), passes: None }
    }

    pub fn at_least(self, least: f64) -> Self {
        Self { target: Target::AtLeast(least), passes: Some(self.value >= least), ..self }
    }

    pub fn at_most(self, most: f64) -> Self {
        Self { target: Target::AtMost(most), passes: Some(self.value <= most), ..self }
    }

    pub fn named(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    pub fn of(self, of: String) -> Self {
        Self { of, ..self }
    }

    /// The number in its id.
    pub fn number(&self) -> u32 {
        self.id.trim_start_matches('S').parse().expect("an id is S and a number")
    }

    /// The value for people.
    pub fn value_text(&self) -> String {
        with_unit(self.value, self.unit)
    }

    /// The target for people.
    pub fn target_text(&self) -> String {
        match self.target {
            Target::AtLeast(least) => format!(">= {least} {}", self.unit),
            Target::AtMost(most) => format!("<= {most} {}", self.unit),
            Target::None => String::new(),
        }
    }

    /// Whether it reaches its target, for people.
    pub fn mark(&self) -> &'static str {
        match self.passes {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, what, of, .. } = self;
        write!(formatter, "{id:<4} {what}: {} {} {} {of}", self.value_text(), self.target_text(), self.mark())
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    let digits = if value.abs() < 10.0 { 2 } else { usize::from(value.abs() < 100.0) };
    format!("{value:.digits$} {unit}")
}
