//! The baseline: how the training data were distributed, column by column, made by `samples/baseline.py`.
//!
//! ```json
//! {"version": 1, "columns": [
//!   {"role": "input", "name": "age", "kind": "numeric",
//!    "edges": [18, 30, 45, 90], "counts": [120, 310, 95], "missing": 4},
//!   {"role": "output", "name": "label", "kind": "categorical",
//!    "counts": {"0": 480, "1": 45}, "other": 0, "missing": 0}
//! ]}
//! ```
//!
//! - A `numeric` column has one count fewer than edges. Bin i holds the values from edge i on and below edge i + 1, the
//!   last bin also its upper edge. Whole numbers and booleans may be numeric, too.
//! - A `categorical` column counts by the category's text: `"3"` for the whole number 3, `"true"` and `"false"` for
//!   booleans. `other` counts the categories that are not named.
//! - `missing` counts the rows without a value; it and `other` are 0 where absent. Unknown fields are passed over.
//!
//! A column is named as calls are recorded: a feature of a vector by the model's `feature_names`, everything else by its
//! tensor.

use std::collections::HashSet;

use crate::{
    baseline_file::{Counts, File, Head, RawColumn},
    column::{ColumnKind, ColumnRole},
};

/// More bytes are not read.
pub const LARGEST_FILE: usize = 4 << 20;
/// A role with more columns is refused: each costs memory in every pod and a series in Prometheus.
pub const MOST_COLUMNS: usize = 1024;
/// More bins only add noise: PSI of a sample without drift grows with their number.
pub const MOST_BINS: usize = 64;
/// More categories belong into `other`.
pub const MOST_CATEGORIES: usize = 256;
/// The longest name of a column or a category, in characters.
pub const LONGEST_NAME: usize = 256;

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// More than [`LARGEST_FILE`].
    #[error(
        "the baseline has {0} bytes, at most {LARGEST_FILE} are read: give it fewer columns, bins or categories"
    )]
    TooLarge(usize),
    /// Not the JSON that is expected.
    #[error("failed to read the baseline, make it with samples/baseline.py: {0}")]
    Json(#[from] serde_json::Error),
    /// Made for another version of Understudy.
    #[error(
        "the baseline is of version {0}, only version 1 is known here: make it with this version's samples/baseline.py"
    )]
    Version(u64),
    /// Nothing to compare with.
    #[error("the baseline has no column: make it from rows that have values")]
    NoColumns,
    /// More than [`MOST_COLUMNS`].
    #[error(
        "the baseline has {count} {role}s, at most {MOST_COLUMNS} are watched: leave the least important ones out"
    )]
    TooManyColumns {
        /// Of which side.
        role: ColumnRole,
        /// How many there are.
        count: usize,
    },
    /// Something is wrong with one column.
    #[error("the baseline's {role} `{name}` {problem}")]
    Column {
        /// Which side it is on.
        role: ColumnRole,
        /// Its name.
        name: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
}

/// How the training data were distributed. Whoever has one knows that it is sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    columns: Vec<BaselineColumn>,
}

/// One input or output.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineColumn {
    /// Which side it is on.
    pub role: ColumnRole,
    /// Unique on its side.
    pub name: String,
    /// Rows without a value.
    pub missing: u64,
    /// The values that were there.
    pub values: Values,
}

/// The values of a column in the training data.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Bin i holds what is from edge i on and below edge i + 1, the last one also its upper edge.
    Numeric {
        /// Finite and rising, one more than counts.
        edges: Vec<f64>,
        /// By bin.
        counts: Vec<u64>,
    },
    /// Counted by name.
    Categorical {
        /// The categories in the order of their names, each once.
        counts: Vec<(String, u64)>,
        /// Of all categories that are not named.
        other: u64,
    },
}

impl Baseline {
    /// Reads and checks a baseline. The error names the column that is wrong and says what to do.
    pub fn parse(bytes: &[u8]) -> Result<Self, BaselineError> {
        if bytes.len() > LARGEST_FILE {
            return Err(BaselineError::TooLarge(bytes.len()));
        }
        // Another version may be built quite otherwise, so its number is looked at alone.
        let Head { version } = serde_json::from_slice(bytes)?;
        if version != 1 {
            return Err(BaselineError::Version(version));
        }
        let File { columns } = serde_json::from_slice(bytes)?;
        if columns.0.is_empty() {
            return Err(BaselineError::NoColumns);
        }
        for role in [ColumnRole::Input, ColumnRole::Output] {
            let count = columns.0.iter().filter(|column| column.role == role).count();
            if count > MOST_COLUMNS {
                return Err(BaselineError::TooManyColumns { role, count });
            }
        }
        let mut seen = HashSet::new();
        for RawColumn { role, name, .. } in &columns.0 {
            if !seen.insert((*role, name.as_str())) {
                let problem = "is there twice: rename or drop one of the two".to_owned();
                return Err(BaselineError::Column { role: *role, name: name.clone(), problem });
            }
        }
        let columns = columns.0.into_iter().map(RawColumn::check).collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    /// The columns in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[BaselineColumn] {
        &self.columns
    }
}

impl BaselineColumn {
    /// How its values are counted.
    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        match self.values {
            Values::Numeric { .. } => ColumnKind::Numeric,
            Values::Categorical { .. } => ColumnKind::Categorical,
        }
    }
}

impl RawColumn {
    fn check(self) -> Result<BaselineColumn, BaselineError> {
        let Self { role, name, kind, edges, counts, other, missing } = self;
        let values = check_name("its name", &name).and_then(|()| match (kind, counts) {
            (ColumnKind::Numeric, Counts::Bins(counts)) => numeric(edges.unwrap_or_default(), counts),
            (ColumnKind::Categorical, Counts::Names(counts)) => categorical(counts, other),
            (ColumnKind::Numeric, Counts::Names(_)) => {
                Err("is numeric, so its `counts` must be a list, one for each bin".to_owned())
            }
            (ColumnKind::Categorical, Counts::Bins(_)) => {
                Err("is categorical, so its `counts` must be an object, one for each category".to_owned())
            }
        });
        match values {
            Ok(values) => Ok(BaselineColumn { role, name, missing, values }),
            Err(problem) => Err(BaselineError::Column { role, name: shortened(name), problem }),
        }
    }
}

fn numeric(edges: Vec<f64>, counts: Vec<u64>) -> Result<Values, String> {
    if counts.len() > MOST_BINS {
        return Err(format!("has {} bins: make it with at most {MOST_BINS}", counts.len()));
    }
    if edges.len() != counts.len() + 1 {
        let (edges, counts) = (edges.len(), counts.len());
        return Err(format!("has {edges} `edges` and {counts} `counts`: give it one edge more than counts"));
    }
    // JSON knows neither NaN nor infinity, but this must not rest on the reader.
    let unsound = |pair: &&[f64]| !(pair[0] < pair[1] && pair[1] - pair[0] < f64::INFINITY);
    if let Some([before, after]) = edges.windows(2).find(unsound) {
        return Err(format!("has the edge {after} after {before}: make its `edges` finite and rising"));
    }
    check_total(counts.iter().copied())?;
    Ok(Values::Numeric { edges, counts })
}

fn categorical(mut counts: Vec<(String, u64)>, other: u64) -> Result<Values, String> {
    if counts.len() > MOST_CATEGORIES {
        let count = counts.len();
        return Err(format!(
            "has {count} categories: count all but the {MOST_CATEGORIES} most frequent as `other`"
        ));
    }
    if let Some((long, _)) = counts.iter().find(|(name, _)| name.chars().count() > LONGEST_NAME) {
        let start = shortened(long.clone());
        return Err(format!(
            "has a category of more than {LONGEST_NAME} characters, `{start}`: count it as `other`"
        ));
    }
    counts.sort();
    if let Some(pair) = counts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("has the category `{}` twice: add the two up", pair[0].0));
    }
    check_total(counts.iter().map(|(_, count)| *count).chain([other]))?;
    Ok(Values::Categorical { counts, other })
}

fn check_total(counts: impl Iterator<Item = u64>) -> Result<(), String> {
    match counts.fold(0_u64, u64::saturating_add) {
        0 => Err("has no value at all: drop it, or make the baseline from rows that have one".to_owned()),
        u64::MAX => Err("has counts whose sum is too large: count fewer rows".to_owned()),
        _ => Ok(()),
    }
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    match name.chars().count() {
        0 => Err(format!("has a flaw in {what}: it is empty, name the column as the model does")),
        count if count > LONGEST_NAME => Err(format!(
            "has a flaw in {what}: it has {count} characters, at most {LONGEST_NAME} are kept; shorten it"
        )),
        _ => Ok(()),
    }
}

/// A name fit for a message.
fn shortened(mut name: String) -> String {
    const SHOWN: usize = 64;
    if let Some((end, _)) = name.char_indices().nth(SHOWN) {
        name.truncate(end);
        name.push('…');
    }
    name
}

#[cfg(test)]
#[path = "baseline_tests.rs"]
mod tests;
