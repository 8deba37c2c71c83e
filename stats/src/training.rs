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
        Self {
            cells: shares.into_iter().map(|share| rounded(share * real(total))).collect(),
            effective_rows: Some(rounded(1.0 / uncertain).clamp(1, total)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Baseline;

    /// A column of which the night has low values and the day high ones: 300 rows at 2 o'clock, 100 rows at 14 o'clock.
    fn column() -> BaselineColumn {
        let mut seasons = vec![[0, 0, 0]; 24];
        (seasons[2], seasons[14]) = ([290, 10, 0], [0, 80, 20]);
        let file = serde_json::json!({"version": 1, "seasons": "hour", "columns": [{"role": "input", "name": "load",
            "kind": "numeric", "edges": [0, 10, 20], "counts": [290, 90], "missing": 20, "seasons": seasons}]});
        let baseline = Baseline::parse(file.to_string().as_bytes()).expect("the baseline is valid");
        baseline.columns()[0].clone()
    }

    fn at(hours: &[(usize, u64)]) -> Vec<u64> {
        let mut rows = vec![0; 24];
        for (hour, count) in hours {
            rows[*hour] = *count;
        }
        rows
    }

    #[test]
    fn calls_of_one_hour_are_compared_with_the_training_data_of_this_hour() {
        let Training { cells, effective_rows } = Training::of(&column(), &at(&[(14, 50)]));
        assert_eq!((cells, effective_rows), (vec![0, 320, 80], Some(100)));
    }

    #[test]
    fn calls_of_several_hours_are_compared_with_these_in_the_same_proportions() {
        let Training { cells, effective_rows } = Training::of(&column(), &at(&[(2, 50), (14, 150)]));
        // A quarter of the night and three quarters of the day; 1 / (0.25^2 / 300 + 0.75^2 / 100).
        assert_eq!((cells, effective_rows), (vec![97, 243, 60], Some(171)));
    }

    #[test]
    fn an_hour_that_the_training_data_do_not_have_is_like_all_of_them() {
        assert_eq!(Training::of(&column(), &at(&[(9, 50)])).cells, column().cells());
        assert_eq!(Training::of(&column(), &at(&[])).effective_rows, None);
    }
}
