//! What the training data let expect of calls: of all times of day and week, in the proportions in which the calls come.

use crate::{
    baseline::BaselineColumn,
    bins::Bins,
    drift::sum,
    natural::Natural,
    real::{real, rounded},
};

/// The counts that are expected of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Training {
    /// As many rows as the training data have, in the cells of [`BaselineColumn::cells`].
    pub(crate) cells: Vec<u64>,
    /// The number of rows that would make them as certain as they are. `None` for all rows.
    pub(crate) effective_rows: Option<u64>,
}

impl Training {
    /// What is expected of calls with this number of rows in each period.
    ///
    /// Without seasons, and without calls, it is the whole training data. A period that the training data do not have is like
    /// the whole.
    pub(crate) fn of(column: &BaselineColumn, rows: &[u64]) -> Self {
        let all = column.cells();
        let (total, calls) = (sum(&all), sum(rows));
        if column.seasons.is_empty() || calls == 0 {
            return Self { cells: all, effective_rows: None };
        }
        let (mut shares, mut uncertain) = (vec![0.0; all.len()], 0.0);
        for (season, rows) in column.seasons.iter().zip(rows).filter(|(_, rows)| **rows > 0) {
            let counts = if sum(season) == 0 { &all } else { season };
            let (size, weight) = (real(sum(counts)), real(*rows) / real(calls));
            uncertain += weight * weight / size;
            for (share, count) in shares.iter_mut().zip(counts) {
                *share += weight * real(*count) / size;
            }
        }
        let cells = shares.into_iter().map(|share| rounded(share * real(total))).collect();
        Self { cells, effective_rows: Some(rounded(1.0 / uncertain).clamp(1, total)) }
    }

    /// Pairs of the expected counts and others, of the values.
    fn values_next_to(&self, cells: &[u64]) -> Bins {
        // Missing values are the last cell.
        let values = cells.len().saturating_sub(1);
        let pairs: Vec<_> = self.cells.iter().copied().zip(cells.iter().copied()).take(values).collect();
        Bins::of(&pairs).worth(self.worth()).folded()
    }

    /// The same for rows with and without a value.
    fn missing_next_to(&self, cells: &[u64]) -> Bins {
        let parts = |cells: &[u64]| {
            let missing = cells.last().copied().unwrap_or_default();
            (sum(cells).saturating_sub(missing), missing)
        };
        let ((values, missing), (observed, observed_missing)) = (parts(&self.cells), parts(cells));
        Bins::of(&[(values, observed), (missing, observed_missing)]).worth(self.worth())
    }

    fn worth(&self) -> f64 {
        self.effective_rows.map_or(1.0, |rows| real(rows) / real(sum(&self.cells).max(1)))
    }
}

/// The natural change of a column's values and of its missing values. `rows` are those of each chunk, by period.
pub(crate) fn natural_of(column: &BaselineColumn, rows: &[Vec<u64>]) -> (Natural, Natural) {
    let chunks: Vec<_> =
        column.chunks.iter().zip(rows).map(|(cells, rows)| (Training::of(column, rows), cells)).collect();
    let values = chunks.iter().map(|(training, cells)| training.values_next_to(cells));
    let missing = chunks.iter().map(|(training, cells)| training.missing_next_to(cells));
    (Natural::of(values), Natural::of(missing))
}
