//! Counts what calls hold, in the baseline's bins, over a sliding window. Neither counting nor moving the window
//! allocates, and memory is what the baseline's size makes it.

use std::{collections::HashMap, time::Duration};

use crate::{
    baseline::{Baseline, BaselineColumn, Values},
    categories::Categories,
    column::{ColumnKind, ColumnRole},
    drift::{ColumnDrift, Drift},
};

/// The window moves by a twelfth of itself.
const PARTS: usize = 12;

/// A column's cells after those of its bins or categories.
const MISSING: usize = 0;
const BELOW: usize = 1;
const ABOVE: usize = 2;
const EXTRA: usize = 3;

/// Counts of one pod, by column of the baseline, over the last `window`.
///
/// The window is a ring of twelve parts: it holds the eleven last whole parts and the one that has begun. Memory is 48
/// bytes a bin or category, some 30 MB for the largest baseline that is accepted and some 20 kB for the usual one of
/// 30 columns with ten bins.
#[derive(Debug)]
pub struct Monitor {
    window: Duration,
    columns: Vec<Column>,
    places: [HashMap<String, usize>; 2],
    cells: usize,
    /// Part by part, each with all cells.
    counts: Vec<u32>,
    /// The part that is counted into.
    current: usize,
    /// The number of that part since 1970, from the first `advance` on.
    slot: Option<u64>,
}

#[derive(Debug)]
struct Column {
    baseline: BaselineColumn,
    bins: Bins,
    /// Its first cell.
    first: usize,
}

#[derive(Debug)]
enum Bins {
    Edges(Vec<f64>),
    Names(Categories),
}

impl Bins {
    /// Cells for values: by bin, or by category and one for all others.
    fn len(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len() - 1,
            Self::Names(categories) => categories.len() + 1,
        }
    }
}

impl Monitor {
    /// Nothing counted yet.
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

    /// Where a column is counted, by its name: looked up once, not for every call. None where the baseline has it not.
    #[must_use]
    pub fn index(&self, role: ColumnRole, name: &str) -> Option<usize> {
        self.places[role as usize].get(name).copied()
    }

    /// How a column is counted.
    #[must_use]
    pub fn kind(&self, index: usize) -> Option<ColumnKind> {
        self.columns.get(index).map(|column| column.baseline.kind())
    }

    /// Counts a number. NaN is a missing value. Of a categorical column it is the category whose text is that number.
    /// An index that is not one of [`Self::index`] counts nothing, here and below.
    pub fn number(&mut self, index: usize, value: f64) {
        let Some(column) = self.columns.get(index) else { return };
        if value.is_nan() {
            return self.count(column.first + column.bins.len() + MISSING);
        }
        let extra = column.first + column.bins.len();
        match &column.bins {
            Bins::Edges(edges) => {
                let last = edges.len() - 1;
                // Edges that are not above the value: none where it is below the first bin.
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

    /// Counts a whole number. Of a categorical column it is the category whose text is that number.
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

    /// Counts a truth value: of a numeric column as 0 or 1, of a categorical one as `false` or `true`, or `0` or `1`
    /// where the baseline names it so.
    pub fn boolean(&mut self, index: usize, value: bool) {
        self.integer(index, i64::from(value));
    }

    /// Counts a text. A category that the baseline does not name is counted with all others. Of a numeric column it is
    /// the number that it says, and missing where it says none.
    pub fn category(&mut self, index: usize, value: &str) {
        match self.columns.get(index) {
            Some(Column { bins: Bins::Names(categories), first, .. }) => {
                let cell = first + categories.text(value).unwrap_or(categories.len());
                self.count(cell);
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

    /// Moves the window to `now`, in seconds since 1970, and forgets what it has left behind. What is counted next is
    /// counted at that time. A clock that goes back moves nothing.
    pub fn advance(&mut self, now: u64) {
        let part = (self.window.as_millis() / PARTS as u128).max(1);
        let slot = u64::try_from(u128::from(now) * 1000 / part).unwrap_or(u64::MAX);
        // Kept when the clock goes back, too: else a clock that once was far ahead would stop the window for long.
        let before = self.slot.replace(slot).unwrap_or(slot);
        let steps = usize::try_from(slot.saturating_sub(before)).unwrap_or(PARTS).min(PARTS);
        for _ in 0..steps {
            self.current = (self.current + 1) % PARTS;
            let start = self.current * self.cells;
            self.counts[start..start + self.cells].fill(0);
        }
    }

    /// What the window holds now, beside the baseline.
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
