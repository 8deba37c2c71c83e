//! Counts the values of calls in the bins of the baseline, over a sliding window. Counting and moving the window
//! allocate nothing. Memory use depends on the size of the baseline only.

use std::{collections::HashMap, time::Duration};

use crate::{
    baseline::{Baseline, BaselineColumn, Values},
    categories::Categories,
    column::{ColumnKind, ColumnRole},
    drift::{ColumnDrift, Drift},
};

/// The window has this many parts, and moves by one part.
const PARTS: usize = 12;

/// The cells of a column after those of its bins or categories.
const MISSING: usize = 0;
const BELOW: usize = 1;
const ABOVE: usize = 2;
const EXTRA: usize = 3;

/// Counts of one pod, by column of the baseline, over the last `window`.
///
/// The window is a ring of twelve parts: the eleven last complete parts and the current one. Memory is 48 bytes for
/// each bin or category: about 30 MB for the largest accepted baseline, and about 20 kB for a typical one with 30
/// columns of ten bins.
#[derive(Debug)]
pub struct Monitor {
    window: Duration,
    columns: Vec<Column>,
    places: [HashMap<String, usize>; 2],
    cells: usize,
    /// All cells of the first part, then of the second, and so on.
    counts: Vec<u32>,
    /// The current part.
    current: usize,
    /// The number of the current part since 1970. `None` before the first `advance`.
    slot: Option<u64>,
}

#[derive(Debug)]
struct Column {
    baseline: BaselineColumn,
    bins: Bins,
    /// Index of its first cell.
    first: usize,
}

#[derive(Debug)]
enum Bins {
    Edges(Vec<f64>),
    Names(Categories),
}

impl Bins {
    /// The number of cells for values: one for each bin, or one for each category and one for all others.
    fn len(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len() - 1,
            Self::Names(categories) => categories.len() + 1,
        }
    }
}

impl Monitor {
    /// A monitor without counts.
    #[must_use]
    pub fn new(baseline: &Baseline, window: Duration) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        let mut places = [HashMap::new(), HashMap::new()];
        let mut cells = 0;
        for column in baseline.columns() {
            let bins = match &column.values {
                Values::Numeric { edges, .. } => Bins::Edges(edges.clone()),
                Values::Categorical { counts, .. } => {
                    Bins::Names(Categories::new(counts.iter().map(|(name, _)| name.as_str())))
                }
            };
            places[column.role as usize].insert(column.name.clone(), columns.len());
            let first = cells;
            cells += bins.len() + EXTRA;
            columns.push(Column { baseline: column.clone(), bins, first });
        }
        Self { window, columns, places, cells, counts: vec![0; PARTS * cells], current: 0, slot: None }
    }

    /// The index of a column for the methods below. Look it up once, not for every call. `None` if the baseline does
    /// not have the column.
    #[must_use]
    pub fn index(&self, role: ColumnRole, name: &str) -> Option<usize> {
        self.places[role as usize].get(name).copied()
    }

    /// How a column is counted.
    #[must_use]
    pub fn kind(&self, index: usize) -> Option<ColumnKind> {
        self.columns.get(index).map(|column| column.baseline.kind())
    }

    /// Counts a number. NaN counts as missing. In a categorical column the number matches the category with that text.
    ///
    /// This method and those below ignore an unknown index.
    pub fn number(&mut self, index: usize, value: f64) {
        let Some(column) = self.columns.get(index) else { return };
        if value.is_nan() {
            return self.count(column.first + column.bins.len() + MISSING);
        }
        let extra = column.first + column.bins.len();
        match &column.bins {
            Bins::Edges(edges) => {
                let last = edges.len() - 1;
                // The number of edges that are not above the value. 0 if it is below the first bin.
                let passed = edges.partition_point(|edge| *edge <= value);
                let bin = column.first + passed.saturating_sub(1).min(last - 1);
                let outside = if passed == 0 { Some(BELOW) } else { (value > edges[last]).then_some(ABOVE) };
                self.count(bin);
                if let Some(outside) = outside {
                    self.count(extra + outside);
                }
            }
            Bins::Names(categories) => {
                let cell = column.first + categories.number(value).unwrap_or(categories.len());
                self.count(cell);
            }
        }
    }

    /// Counts a whole number. In a categorical column it matches the category with that text.
    pub fn integer(&mut self, index: usize, value: i64) {
        match self.columns.get(index) {
            Some(Column { bins: Bins::Names(categories), first, .. }) => {
                let cell = first + categories.integer(value).unwrap_or(categories.len());
                self.count(cell);
            }
            #[expect(clippy::cast_precision_loss, reason = "no bin is so narrow that the 54th bit matters")]
            Some(_) => self.number(index, value as f64),
            None => {}
        }
    }

    /// Counts a boolean: as 0 or 1 in a numeric column, as `false` or `true` in a categorical one, or as `0` or `1` if
    /// the baseline has these names.
    pub fn boolean(&mut self, index: usize, value: bool) {
        self.integer(index, i64::from(value));
    }

    /// Counts a text. An unnamed category counts as other. An empty text is missing, as in the CSV file of the training
    /// data, unless the baseline has a category with this name. In a numeric column the text is parsed as a number, and counts
    /// as missing if it is not a number.
    pub fn category(&mut self, index: usize, value: &str) {
        match self.columns.get(index) {
            Some(Column { bins: Bins::Names(categories), first, .. }) => {
                let other = categories.len();
                let cell = match categories.text(value) {
                    Some(category) => category,
                    None if value.is_empty() => other + 1 + MISSING,
                    None => other,
                };
                self.count(first + cell);
            }
            Some(_) => self.number(index, value.trim().parse().unwrap_or(f64::NAN)),
            None => {}
        }
    }

    /// Counts a row without a value.
    pub fn missing(&mut self, index: usize) {
        if let Some(column) = self.columns.get(index) {
            self.count(column.first + column.bins.len() + MISSING);
        }
    }

    /// Moves the window to `now`, in seconds since 1970, and drops older counts. Later counts belong to that time. A
    /// clock that goes back does not move the window.
    pub fn advance(&mut self, now: u64) {
        let part = (self.window.as_millis() / PARTS as u128).max(1);
        let slot = u64::try_from(u128::from(now) * 1000 / part).unwrap_or(u64::MAX);
        // Updated also if the clock goes back. Otherwise a clock that was once far ahead would stop the window.
        let before = self.slot.replace(slot).unwrap_or(slot);
        let steps = usize::try_from(slot.saturating_sub(before)).unwrap_or(PARTS).min(PARTS);
        for _ in 0..steps {
            self.current = (self.current + 1) % PARTS;
            let start = self.current * self.cells;
            self.counts[start..start + self.cells].fill(0);
        }
    }

    /// The current counts of the window, next to those of the baseline.
    #[must_use]
    pub fn drift(&self) -> Drift {
        let columns = self.columns.iter().map(|column| self.column(column)).collect();
        Drift { window_seconds: self.window.as_secs(), columns }
    }

    fn column(&self, column: &Column) -> ColumnDrift {
        let bins = column.bins.len();
        let total = |cell: usize| -> u64 {
            (0..PARTS).map(|part| u64::from(self.counts[part * self.cells + column.first + cell])).sum()
        };
        let expected = match &column.baseline.values {
            Values::Numeric { counts, .. } => counts.clone(),
            Values::Categorical { counts, other } => {
                counts.iter().map(|(_, count)| *count).chain([*other]).collect()
            }
        };
        ColumnDrift {
            name: column.baseline.name.clone(),
            role: column.baseline.role,
            kind: column.baseline.kind(),
            expected,
            observed: (0..bins).map(total).collect(),
            expected_missing: column.baseline.missing,
            missing: total(bins + MISSING),
            below: total(bins + BELOW),
            above: total(bins + ABOVE),
        }
    }

    fn count(&mut self, cell: usize) {
        let count = &mut self.counts[self.current * self.cells + cell];
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
#[path = "monitor_tests.rs"]
mod tests;
