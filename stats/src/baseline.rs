//! The baseline: the distribution of the training data, column by column. `understudy baseline` writes it.
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
//! - A `numeric` column has one edge more than counts. Bin i has the values from edge i up to, but not including, edge
//!   i + 1. The last bin includes its upper edge. Whole numbers and booleans may be numeric as well.
//! - A `categorical` column has a count for the text of each category: `"3"` for the whole number 3, `"true"` and
//!   `"false"` for booleans. `other` counts all unnamed categories.
//! - `missing` counts the rows without a value. It and `other` are 0 by default. Unknown fields are ignored.
//!
//! Optional fields tell more about the training data:
//!
//! - `type` of a column is `"float"`, `"integer"`, `"boolean"` or `"text"`: the type of its values.
//! - `mean` and `deviation` of a numeric column are those of its finite values.
//! - `chunks` show how much the training data change by themselves. Of the file it is a list with the number of rows of each
//!   chunk, as `[[500], [500]]`. Of a column it has a list for each chunk: the counts of its bins or of its categories by
//!   name, of `other` (categories only), and of missing values.
//! - `seasons` of the file is `"hour"`, `"weekday"` or `"hourOfWeek"`: what the training data change with, in UTC. Of a column
//!   it has a list of counts for each period. These add up to the counts of the column. The rows of a chunk are then listed
//!   by period.
//!
//! Columns have the same names as in records: a feature of a vector has its name in the model's `feature_names`, any
//! other column the name of its tensor.

use std::collections::HashSet;

use crate::{
    baseline_file::{Counts, File, Head, RawColumn},
    column::{ColumnKind, ColumnRole, ValueType},
    moments::LARGEST,
    season::Season,
};

/// Largest size of the file, in bytes.
pub const LARGEST_FILE: usize = 4 << 20;
/// Most columns of one role. Each column needs memory in every pod, and a series in Prometheus.
pub const MOST_COLUMNS: usize = 1024;
/// Most bins of a column. More bins only add noise: PSI of a sample without drift grows with their number.
pub const MOST_BINS: usize = 64;
/// Most categories of a column. The others belong in `other`.
pub const MOST_CATEGORIES: usize = 256;
/// Longest name of a column or category, in characters.
pub const LONGEST_NAME: usize = 256;

/// Why a baseline is invalid.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file is larger than [`LARGEST_FILE`].
    #[error("the baseline has {0} bytes, the limit is {LARGEST_FILE}: use fewer columns, bins or categories")]
    TooLarge(usize),
    /// The file is not the expected JSON.
    #[error("failed to read the baseline, make it with `understudy baseline`: {0}")]
    Json(#[from] serde_json::Error),
    /// The file is for another version of Understudy.
    #[error(
        "the baseline has version {0}, only version 1 is supported: make it with `understudy baseline` of this release"
    )]
    Version(u64),
    /// The file has no columns.
    #[error("the baseline has no column: make it from rows that have values")]
    NoColumns,
    /// The rows of a chunk are not listed by period.
    #[error(
        "chunk {place} of the baseline has {found} numbers of rows instead of {periods}: one for each period"
    )]
    Chunk {
        /// Its place in the list, from 1.
        place: usize,
        /// Numbers of rows that it has.
        found: usize,
        /// Numbers of rows that it needs.
        periods: usize,
    },
    /// A role has more than [`MOST_COLUMNS`] columns.
    #[error(
        "the baseline has {count} {role}s, the limit is {MOST_COLUMNS}: leave out the least important ones"
    )]
    TooManyColumns {
        /// Input or output.
        role: ColumnRole,
        /// The number of columns.
        count: usize,
    },
    /// One column is invalid.
    #[error("the baseline's {role} `{name}` {problem}")]
    Column {
        /// Input or output.
        role: ColumnRole,
        /// Name of the column.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// A valid baseline: the distribution of the training data.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    columns: Vec<BaselineColumn>,
    season: Option<Season>,
    chunks: Vec<Vec<u64>>,
}

/// One input or output in the training data.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineColumn {
    /// Input or output.
    pub role: ColumnRole,
    /// Name of the column, unique in its role.
    pub name: String,
    /// Rows without a value.
    pub missing: u64,
    /// The counts of the values.
    pub values: Values,
    /// The type of the values. `None` in an older file.
    pub value_type: Option<ValueType>,
    /// Mean and standard deviation of the finite values of a numeric column. `None` in an older file.
    pub moments: Option<(f64, f64)>,
    /// The [`Self::cells`] of each chunk of the training data. Empty if the file has no chunks of this column.
    pub chunks: Vec<Vec<u64>>,
    /// The [`Self::cells`] of each period. Empty if the file has no seasons of this column.
    pub seasons: Vec<Vec<u64>>,
}

/// The values of a column in the training data.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Counts by bin. Bin i has the values from edge i up to, but not including, edge i + 1. The last bin includes its
    /// upper edge.
    Numeric {
        /// Finite and rising, one more than `counts`.
        edges: Vec<f64>,
        /// One count for each bin.
        counts: Vec<u64>,
    },
    /// Counts by category.
    Categorical {
        /// Categories and their counts, sorted by name and unique.
        counts: Vec<(String, u64)>,
        /// The count of all unnamed categories.
        other: u64,
    },
}

impl Baseline {
    /// Parses and checks a baseline. The error names the invalid column and says what to do.
    pub fn parse(bytes: &[u8]) -> Result<Self, BaselineError> {
        if bytes.len() > LARGEST_FILE {
            return Err(BaselineError::TooLarge(bytes.len()));
        }
        // The format of another version may differ, so the version is read first.
        let Head { version } = serde_json::from_slice(bytes)?;
        if version != 1 {
            return Err(BaselineError::Version(version));
        }
        let File { columns, seasons, chunks } = serde_json::from_slice(bytes)?;
        let periods = seasons.map_or(1, Season::periods);
        if let Some(place) = chunks.iter().position(|rows| rows.len() != periods) {
            return Err(BaselineError::Chunk { place: place + 1, found: chunks[place].len(), periods });
        }
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
                let problem = "appears twice: rename or remove one of the two".to_owned();
                return Err(BaselineError::Column { role: *role, name: name.clone(), problem });
            }
        }
        let check = |column: RawColumn| column.check(seasons, chunks.len());
        let columns = columns.0.into_iter().map(check).collect::<Result<_, _>>()?;
        Ok(Self { columns, season: seasons, chunks })
    }

    /// What the training data change with, if the file says so.
    #[must_use]
    pub fn season(&self) -> Option<Season> {
        self.season
    }

    /// The rows of each chunk of the training data, by period. Without seasons, one number for each chunk.
    #[must_use]
    pub fn chunks(&self) -> &[Vec<u64>] {
        &self.chunks
    }

    /// The columns, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[BaselineColumn] {
        &self.columns
    }
}

impl BaselineColumn {
    /// How the values are counted.
    #[must_use]
    pub fn kind(&self) -> ColumnKind {
        match self.values {
            Values::Numeric { .. } => ColumnKind::Numeric,
            Values::Categorical { .. } => ColumnKind::Categorical,
        }
    }

    /// The counts of the values: one for each bin, or one for each category and one for all others.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        match &self.values {
            Values::Numeric { counts, .. } => counts.clone(),
            Values::Categorical { counts, other } => {
                counts.iter().map(|(_, count)| *count).chain([*other]).collect()
            }
        }
    }

    /// [`Self::counts`], and then the rows without a value.
    #[must_use]
    pub fn cells(&self) -> Vec<u64> {
        let mut cells = self.counts();
        cells.push(self.missing);
        cells
    }

    /// Checks that the counts of chunks and periods fit those of the column.
    fn check_parts(&self, season: Option<Season>, chunks: usize) -> Result<(), String> {
        let cells = self.cells();
        for (what, parts, expected) in
            [("chunks", &self.chunks, chunks), ("seasons", &self.seasons, season.map_or(0, Season::periods))]
        {
            if parts.is_empty() {
                continue;
            }
            if parts.len() != expected || parts.iter().any(|part| part.len() != cells.len()) {
                let length = cells.len();
                return Err(format!("needs {expected} lists with {length} counts each in `{what}`"));
            }
            let total = |cell: usize| parts.iter().map(|part| part[cell]).fold(0, u64::saturating_add);
            let fits = |(cell, count): (usize, &u64)| match what {
                "seasons" => total(cell) == *count,
                _ => total(cell) <= *count,
            };
            if !cells.iter().enumerate().all(fits) {
                return Err(format!("has other counts in `{what}` than altogether: make the baseline again"));
            }
        }
        Ok(())
    }
}

impl RawColumn {
    fn check(self, season: Option<Season>, chunk_count: usize) -> Result<BaselineColumn, BaselineError> {
        let Self { role, name, kind, edges, counts, other, missing, value_type, .. } = self;
        let Self { mean, deviation, chunks, seasons, .. } = self;
        // Sums of squared distances from a larger mean would be infinite.
        let usable =
            |(mean, deviation): &(f64, f64)| mean.abs() <= LARGEST && (0.0..=LARGEST).contains(deviation);
        let moments = mean.zip(deviation).filter(usable);
        let values = check_name(&name).and_then(|()| match (kind, counts) {
            (ColumnKind::Numeric, Counts::Bins(counts)) => numeric(edges.unwrap_or_default(), counts),
            (ColumnKind::Categorical, Counts::Names(counts)) => categorical(counts, other),
            (ColumnKind::Numeric, Counts::Names(_)) => {
                Err("is numeric, so its `counts` must be a list with one count for each bin".to_owned())
            }
            (ColumnKind::Categorical, Counts::Bins(_)) => {
                Err("is categorical, so its `counts` must be an object with one count for each category"
                    .to_owned())
            }
        });
        let checked = values.map(|values| BaselineColumn {
            role,
            name: name.clone(),
            missing,
            values,
            value_type,
            moments,
            chunks,
            seasons,
        });
        checked
            .and_then(|column| column.check_parts(season, chunk_count).map(|()| column))
            .map_err(|problem| BaselineError::Column { role, name: shortened(name), problem })
    }
}

fn numeric(edges: Vec<f64>, counts: Vec<u64>) -> Result<Values, String> {
    if counts.len() > MOST_BINS {
        return Err(format!("has {} bins: use at most {MOST_BINS}", counts.len()));
    }
    if edges.len() != counts.len() + 1 {
        let (edges, counts) = (edges.len(), counts.len());
        return Err(format!("has {edges} `edges` and {counts} `counts`: it needs one edge more than counts"));
    }
    // JSON has neither NaN nor infinity, but the check must not depend on the parser.
    let unsound = |pair: &&[f64]| !(pair[0] < pair[1] && pair[1] - pair[0] < f64::INFINITY);
    if let Some([before, after]) = edges.windows(2).find(unsound) {
        return Err(format!("has the edge {after} after {before}: its `edges` must be finite and rising"));
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
            "has a category with more than {LONGEST_NAME} characters, `{start}`: count it as `other`"
        ));
    }
    counts.sort();
    if let Some(pair) = counts.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("has the category `{}` twice: add up the two counts", pair[0].0));
    }
    check_total(counts.iter().map(|(_, count)| *count).chain([other]))?;
    Ok(Values::Categorical { counts, other })
}

fn check_total(counts: impl Iterator<Item = u64>) -> Result<(), String> {
    match counts.fold(0_u64, u64::saturating_add) {
        0 => Err("has no value: remove it, or make the baseline from rows with values".to_owned()),
        u64::MAX => Err("has counts whose sum is too large: count fewer rows".to_owned()),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    match name.chars().count() {
        0 => Err("has an invalid name: it is empty; use the name in the model".to_owned()),
        count if count > LONGEST_NAME => Err(format!(
            "has an invalid name: it has {count} characters, the limit is {LONGEST_NAME}; shorten it"
        )),
        _ => Ok(()),
    }
}

/// A name, shortened for a message.
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
