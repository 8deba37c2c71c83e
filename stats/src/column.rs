//! The role of a column, the type of its values, and how they are counted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a column is an input or an output of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ColumnRole {
    /// The model receives it.
    Input,
    /// The model returns it.
    Output,
}

impl ColumnRole {
    /// The value of the label `role` in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

impl fmt::Display for ColumnRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How a column's values are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ColumnKind {
    /// In bins.
    Numeric,
    /// By name.
    Categorical,
}

/// The type of a column's values in the training data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueType {
    /// Any number.
    Float,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// Text.
    Text,
}
