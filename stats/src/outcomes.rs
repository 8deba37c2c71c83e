//! Outcomes: the ground truth for earlier calls, which the caller sends later. Counts how often main and the challenger
//! were right, on the same rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    classes::{self, Matrix, Names, Scores},
    comparison::Role,
    evaluation::{NumberCounts, ScoreCounts, ValueCounts},
    groups::{Counts, Groups, Share, Turn},
    interval::{self, Estimate},
    paired::{self, Table},
    regression::Errors,
    scores::Calibration,
};

/// One row with an outcome. A class without a name is one that nobody remembers.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeRow<'n> {
    /// The name of its class.
    pub class: Option<&'n str>,
    /// What main predicted.
    pub main: Side<'n>,
    /// What the challenger predicted, if it answered.
    pub challenger: Option<Side<'n>>,
    /// What the row was worth, if the outcome says so: finite and not negative.
    pub value: Option<f64>,
}

/// What a version predicted.
#[derive(Debug, Clone, Copy)]
pub struct Side<'n> {
    /// Whether it was right.
    pub right: bool,
    /// The name of the class that it predicted.
    pub class: Option<&'n str>,
    /// Its scores of the classes that [`Outcomes::of_classes`] was given; of two only that of the second one. Empty without
    /// scores.
    pub scores: &'n [f32],
}

/// One row of a regression with an outcome.
#[derive(Debug, Clone, Copy)]
pub struct NumberRow {
    /// What turned out to be true.
    pub outcome: f64,
    /// What main predicted.
    pub main: f64,
    /// What the challenger predicted, if it answered.
    pub challenger: Option<f64>,
}

/// How many rows of a class were predicted as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    /// The class of the rows.
    pub class: String,
    /// The class that was predicted.
    pub predicted: String,
    /// Rows for which main predicted it.
    pub main: u64,
    /// Rows for which the challenger predicted it.
    pub challenger: u64,
}

/// Counts of outcomes that were joined to their calls, and of the versions that were right.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcomes {
    /// Rows with an outcome.
    joined: u64,
    /// Calls with an outcome.
    calls: u64,
    /// Of those, calls that the challenger has answered as well.
    both_calls: u64,
    main: Groups<Share>,
    paired: Groups<Table>,
    names: Names,
    /// Predictions of main for all rows.
    alone: Groups<Matrix>,
    /// Predictions of both for the rows that both have answered.
    side_by_side: Groups<(Matrix, Matrix)>,
    scores: ScoreCounts,
    numbers: NumberCounts,
    values: ValueCounts,
}

impl Outcomes {
    /// No outcomes yet, of a model with scores for these classes.
    #[must_use]
    pub fn of_classes(classes: &[String]) -> Self {
        Self { scores: ScoreCounts::of(classes), ..Self::default() }
    }

    /// Counts the outcome of one call, row by row.
    pub fn join<'n>(&mut self, rows: impl IntoIterator<Item = OutcomeRow<'n>>) {
        let turn = Turn::of(self.calls);
        let (main, paired) = (self.main.of(turn), self.paired.of(turn));
        let (alone, both) = (self.alone.of(turn), self.side_by_side.of(turn));
        let before = paired.rows();
        for OutcomeRow { class, main: ours, challenger, value } in rows {
            if let Some(class) = class {
                self.scores.count(turn, class, ours.scores, challenger.map(|theirs| theirs.scores));
            }
            if let Some(value) = value {
                self.values.count(turn, value, ours.right, challenger.map(|theirs| theirs.right));
            }
            main.add(&Share(u64::from(ours.right), 1));
            self.joined = self.joined.saturating_add(1);
            let class = self.names.class(class);
            let predicted = self.names.class(ours.class);
            alone.count(class, predicted, 1);
            if let Some(theirs) = challenger {
                paired.count(ours.right, theirs.right);
                both.0.count(class, predicted, 1);
                both.1.count(class, self.names.class(theirs.class), 1);
            }
        }
        let answered = paired.rows() > before;
        self.calls = self.calls.saturating_add(1);
        self.both_calls = self.both_calls.saturating_add(u64::from(answered));
    }

    /// Counts the outcome of one call of a regression, row by row.
    pub fn join_numbers(&mut self, rows: impl IntoIterator<Item = NumberRow>) {
        let turn = Turn::of(self.calls);
        let mut answered = false;
        for NumberRow { outcome, main, challenger } in rows {
            self.joined = self.joined.saturating_add(1);
            answered |= self.numbers.count(turn, outcome, main, challenger);
        }
        self.calls = self.calls.saturating_add(1);
        self.both_calls = self.both_calls.saturating_add(u64::from(answered));
    }

    /// Adds the counts of another pod with the same main and challenger.
    pub fn merge(&mut self, other: &Self) {
        self.joined = self.joined.saturating_add(other.joined);
        self.calls = self.calls.saturating_add(other.calls);
        self.both_calls = self.both_calls.saturating_add(other.both_calls);
        self.main.merge(&other.main);
        self.paired.merge(&other.paired);
        // The other pod may have seen the classes in another order.
        let places = self.names.places_of(&other.names);
        self.alone.merge(&other.alone.map(|matrix| matrix.renamed(&places)));
        let renamed =
            |(main, challenger): &(Matrix, Matrix)| (main.renamed(&places), challenger.renamed(&places));
        self.side_by_side.merge(&other.side_by_side.map(renamed));
        self.scores.merge(&other.scores);
        self.numbers.merge(&other.numbers);
        self.values.merge(&other.values);
    }

    /// Resets the counts of the challenger, for a new challenger.
    pub fn forget_challenger(&mut self) {
        self.paired = Groups::default();
        self.side_by_side = Groups::default();
        self.both_calls = 0;
        self.scores.forget_challenger();
        self.numbers.forget_challenger();
        self.values.forget_challenger();
    }

    /// The number of rows with an outcome.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// The number of rows that the accuracy of this version is about: those that both have answered. While the challenger has
    /// answered none, those of main.
    #[must_use]
    pub fn compared(&self, role: Role) -> u64 {
        match role {
            Role::Main if self.is_alone() => self.joined,
            Role::Main | Role::Challenger => self.paired.total().rows(),
        }
    }

    /// On how many of [`Self::compared`] this version was right.
    #[must_use]
    pub fn correct(&self, role: Role) -> u64 {
        let paired = self.paired.total();
        match role {
            Role::Main if self.is_alone() => self.main.total().0,
            Role::Main => paired.main().0,
            Role::Challenger => paired.challenger().0,
        }
    }

    /// The proportion of [`Self::compared`] on which this version was right. `None` if there are none.
    #[must_use]
    pub fn accuracy(&self, role: Role) -> Option<Estimate> {
        let hits = match role {
            Role::Main if self.is_alone() => self.main.clone(),
            Role::Main => self.paired.map(Table::main),
            Role::Challenger => self.paired.map(Table::challenger),
        };
        interval::share(&hits, self.calls_of(role))
    }

    /// The accuracy of the challenger less that of main, on the rows that both have answered. `None` without any.
    #[must_use]
    pub fn difference(&self) -> Option<Estimate> {
        paired::difference(&self.paired, self.both_calls)
    }

    /// How likely so large a difference is if both are equally good, by McNemar's test. `None` without rows of both.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        paired::p_value(&self.paired, self.both_calls)
    }

    /// The names of the classes that rows have or that were predicted, sorted.
    #[must_use]
    pub fn classes(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.alone.total().classes().into_iter().map(|class| self.names.name(class)).collect();
        names.sort_unstable();
        names
    }

    /// The number of rows of a class among [`Self::compared`].
    #[must_use]
    pub fn support(&self, class: &str) -> u64 {
        self.names.place(class).map_or(0, |class| self.matrices(Role::Main).total().support(class))
    }

    /// How well a version recognizes a class, on [`Self::compared`] rows.
    #[must_use]
    pub fn scores(&self, role: Role, class: &str) -> Scores {
        let Some(class) = self.names.place(class) else { return Scores::default() };
        classes::scores(&self.matrices(role), class, self.calls_of(role), self.is_single(role))
    }

    /// The mean recall of all classes that [`Self::compared`] rows have. `None` if there are none.
    #[must_use]
    pub fn balanced_accuracy(&self, role: Role) -> Option<Estimate> {
        classes::balanced_accuracy(&self.matrices(role), self.is_single(role))
    }

    /// The balanced accuracy of the challenger less that of main. `None` for fewer than two calls that both have answered.
    #[must_use]
    pub fn balanced_difference(&self) -> Option<Estimate> {
        classes::balanced_difference(&self.side_by_side)
    }

    /// The area under the curve (AUC) of a class: how likely a row of the class has a larger score than another row. `None`
    /// without scores, or without rows of the class and others.
    #[must_use]
    pub fn auc(&self, role: Role, class: &str) -> Option<Estimate> {
        self.scores.auc(role, class, self.is_alone())
    }

    /// The AUC of the challenger less that of main, on the same rows.
    #[must_use]
    pub fn auc_difference(&self, class: &str) -> Option<Estimate> {
        self.scores.auc_difference(class)
    }

    /// The mean log loss: -ln of the score of the class that turned out to be true.
    #[must_use]
    pub fn log_loss(&self, role: Role) -> Option<Estimate> {
        self.scores.log_loss(role, self.is_alone())
    }

    /// The log loss of the challenger less that of main, on the same rows.
    #[must_use]
    pub fn log_loss_difference(&self) -> Option<Estimate> {
        self.scores.log_loss_difference()
    }

    /// How often rows are of the second of two classes, by tenths of its score. Empty for more classes.
    #[must_use]
    pub fn calibration(&self, role: Role) -> Vec<Calibration> {
        self.scores.calibration(role, self.is_alone(), self.calls_of(role), self.is_single(role))
    }

    /// The errors of the numbers of a regression.
    #[must_use]
    pub fn errors(&self, role: Role) -> Errors {
        self.numbers.errors(role, self.is_alone())
    }

    /// The number of rows that [`Self::errors`] are about.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        self.numbers.rows(self.is_alone())
    }

    /// The challenger's mean absolute error less that of main, and the same of the root mean squared error.
    #[must_use]
    pub fn error_differences(&self) -> [Option<Estimate>; 2] {
        self.numbers.differences()
    }

    /// Rows whose scores are no probabilities or whose numbers are not finite: they are left out of AUC, log loss, calibration
    /// and errors.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.scores.left_out().saturating_add(self.numbers.left_out())
    }

    /// The total value of the rows whose outcome has one.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.values.total(self.is_alone())
    }

    /// The share of this value for which a version was right. `None` without values.
    #[must_use]
    pub fn value_share(&self, role: Role) -> Option<Estimate> {
        self.values.share(role, self.is_alone())
    }

    /// The challenger's share of the value less that of main.
    #[must_use]
    pub fn value_difference(&self) -> Option<Estimate> {
        self.values.difference()
    }

    /// The confusion matrix of both, on [`Self::compared`] rows: the pairs of classes that occur, by name.
    #[must_use]
    pub fn confusion(&self) -> Vec<Confusion> {
        let mut cells: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for role in Role::ALL {
            for (class, predicted, rows) in self.matrices(role).total().cells() {
                let cell = cells.entry((self.names.name(*class), self.names.name(*predicted))).or_default();
                match role {
                    Role::Main => cell.0 = *rows,
                    Role::Challenger => cell.1 = *rows,
                }
            }
        }
        let confusion = |((class, predicted), (main, challenger)): ((&str, &str), (u64, u64))| Confusion {
            class: class.to_owned(),
            predicted: predicted.to_owned(),
            main,
            challenger,
        };
        cells.into_iter().map(confusion).collect()
    }

    fn matrices(&self, role: Role) -> Groups<Matrix> {
        match role {
            Role::Main if self.is_alone() => self.alone.clone(),
            Role::Main => self.side_by_side.map(|both| both.0.clone()),
            Role::Challenger => self.side_by_side.map(|both| both.1.clone()),
        }
    }

    fn calls_of(&self, role: Role) -> u64 {
        if role == Role::Main && self.is_alone() { self.calls } else { self.both_calls }
    }

    /// Whether the challenger has answered none of the calls.
    fn is_alone(&self) -> bool {
        self.both_calls == 0
    }

    fn is_single(&self, role: Role) -> bool {
        self.compared(role) <= self.calls_of(role)
    }
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
