//! How well a version recognizes each class: precision, recall and F1, and the confusion matrix behind them.
//!
//! Accuracy alone misleads if a class is rare: a constant "no" is right for 99 % of the rows if 1 % are fraud. Its recall of
//! fraud is 0, and its balanced accuracy 50 %.

use serde::{Deserialize, Serialize};

use crate::{
    groups::{Counts, Groups, Share},
    interval::{self, Estimate},
    real::real,
};

/// Most classes that are counted by themselves. All others are one class.
pub const MOST_CLASSES: usize = 16;
/// The name of all other classes together.
pub const OTHER: &str = "(other)";

/// The names of classes. The class of a name is its place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// The class with this name. A new name becomes a class, until there are enough. `None` is a name that nobody remembers.
    pub(crate) fn class(&mut self, name: Option<&str>) -> usize {
        let Some(name) = name else { return MOST_CLASSES };
        if let Some(class) = self.place(name) {
            return class;
        }
        if self.0.len() >= MOST_CLASSES {
            return MOST_CLASSES;
        }
        self.0.push(name.to_owned());
        self.0.len() - 1
    }

    /// The class with this name, if there is one.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let known = self.0.iter().position(|known| known == name);
        known.or((name == OTHER).then_some(MOST_CLASSES))
    }

    /// The name of a class.
    pub(crate) fn name(&self, class: usize) -> &str {
        self.0.get(class).map_or(OTHER, String::as_str)
    }

    /// For each class of `other`, the class with the same name here.
    pub(crate) fn places_of(&mut self, other: &Self) -> Vec<usize> {
        other.0.iter().map(|name| self.class(Some(name))).collect()
    }
}

/// Counts of rows by their class and by the class that a version predicted: (class, prediction, rows), sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Matrix(Vec<(usize, usize, u64)>);

impl Matrix {
    /// Counts rows.
    pub(crate) fn count(&mut self, actual: usize, predicted: usize, rows: u64) {
        match self.0.binary_search_by_key(&(actual, predicted), |(a, p, _)| (*a, *p)) {
            Ok(place) => self.0[place].2 = self.0[place].2.saturating_add(rows),
            Err(place) => self.0.insert(place, (actual, predicted, rows)),
        }
    }

    /// The same counts, with the classes of another list of names.
    pub(crate) fn renamed(&self, places: &[usize]) -> Self {
        let place = |class: &usize| places.get(*class).copied().unwrap_or(MOST_CLASSES);
        let mut renamed = Self::default();
        self.0
            .iter()
            .for_each(|(actual, predicted, rows)| renamed.count(place(actual), place(predicted), *rows));
        renamed
    }

    /// All counts that are not 0: the class, the prediction, and the rows.
    pub(crate) fn cells(&self) -> &[(usize, usize, u64)] {
        &self.0
    }

    /// The classes that rows have or that were predicted, in order.
    pub(crate) fn classes(&self) -> Vec<usize> {
        let mut classes: Vec<usize> =
            self.0.iter().flat_map(|(actual, predicted, _)| [*actual, *predicted]).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    fn sum(&self, of: impl Fn(usize, usize) -> bool) -> u64 {
        let rows =
            self.0.iter().filter(|(actual, predicted, _)| of(*actual, *predicted)).map(|(.., rows)| *rows);
        rows.fold(0, u64::saturating_add)
    }

    fn hits(&self, class: usize) -> u64 {
        self.sum(|actual, predicted| actual == class && predicted == class)
    }

    /// The rows of this class.
    pub(crate) fn support(&self, class: usize) -> u64 {
        self.sum(|actual, _| actual == class)
    }

    fn recall(&self, class: usize) -> Share {
        Share(self.hits(class), self.support(class))
    }

    fn precision(&self, class: usize) -> Share {
        Share(self.hits(class), self.sum(|_, predicted| predicted == class))
    }

    /// Jaccard's index, of which F1 is a function.
    fn overlap(&self, class: usize) -> Share {
        Share(self.hits(class), self.sum(|actual, predicted| actual == class || predicted == class))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mean recall of the classes that rows have.
    fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> =
            self.classes().into_iter().filter_map(|class| self.recall(class).ratio()).collect();
        (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / real(recalls.len() as u64))
    }
}

impl Counts for Matrix {
    fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(actual, predicted, rows)| self.count(*actual, *predicted, *rows));
    }
}

/// How well a version recognizes one class.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scores {
    /// Right predictions of the class among its predictions. `None` if it was never predicted.
    pub precision: Option<Estimate>,
    /// Right predictions of the class among its rows. `None` without rows of the class.
    pub recall: Option<Estimate>,
    /// The harmonic mean of both. `None` if the class has neither rows nor predictions.
    pub f1: Option<Estimate>,
}

/// The scores of a class. `single` is whether each call has one row.
pub(crate) fn scores(matrices: &Groups<Matrix>, class: usize, calls: u64, single: bool) -> Scores {
    let share = |of: fn(&Matrix, usize) -> Share| {
        interval::share_of(&matrices.map(|matrix| of(matrix, class)), calls, single)
    };
    // F1 rises with Jaccard's index, so the ends of its interval are those of the index.
    let f1 = |jaccard: f64| 2.0 * jaccard / (1.0 + jaccard);
    let overlap = share(Matrix::overlap);
    Scores {
        precision: share(Matrix::precision),
        recall: share(Matrix::recall),
        f1: overlap.map(|of| Estimate { value: f1(of.value), low: f1(of.low), high: f1(of.high) }),
    }
}

/// The mean recall of all classes. `single` is whether each call has one row.
///
/// The recalls of single rows are independent: their Wilson intervals are combined by the method of variance estimates recovery
/// (G. Y. Zou and A. Donner, Statistics in Medicine 27 (2008) 1693). Otherwise the interval is Student's with the standard
/// error of the groups.
pub(crate) fn balanced_accuracy(matrices: &Groups<Matrix>, single: bool) -> Option<Estimate> {
    let total = matrices.total();
    let value = total.balanced_accuracy()?;
    if !single && let Some(spread) = matrices.spread(Matrix::is_empty, Matrix::balanced_accuracy) {
        return Some(interval::student(&spread, 0.0, 1.0));
    }
    let recalls = total.classes().into_iter().filter_map(|class| {
        let Share(hits, of) = total.recall(class);
        interval::proportion(hits, of)
    });
    let (mut below, mut above, mut classes) = (0.0, 0.0, 0_u64);
    for recall in recalls {
        below += (recall.value - recall.low).powi(2);
        above += (recall.high - recall.value).powi(2);
        classes += 1;
    }
    let classes = real(classes);
    Some(Estimate { value, low: value - below.sqrt() / classes, high: value + above.sqrt() / classes })
}

/// The balanced accuracy of the second version less that of the first. The interval is Student's with the standard error of
/// the groups.
pub(crate) fn balanced_difference(both: &Groups<(Matrix, Matrix)>) -> Option<Estimate> {
    let difference = |of: &(Matrix, Matrix)| Some(of.1.balanced_accuracy()? - of.0.balanced_accuracy()?);
    let spread = both.spread(|of| of.0.is_empty(), difference)?;
    Some(interval::student(&spread, -1.0, 1.0))
}
