//! What outcomes tell of scores, of numbers and of the value at stake: counts for main alone, and for both versions on the rows
//! that both have answered.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::Role,
    groups::{Counts, Groups, Turn},
    interval::{Estimate, student},
    moments::{LARGEST, Moments},
    regression::{self, Errors},
    scores::{self, Calibration, Histogram, Loss},
};

/// The scores of classes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScoreCounts {
    /// The classes that have scores. Of two classes only the second has one.
    classes: Vec<String>,
    alone: Vec<Groups<Histogram>>,
    paired: Vec<Groups<(Histogram, Histogram)>>,
    loss: Groups<Loss>,
    paired_loss: Groups<(Loss, Loss)>,
    left_out: u64,
    /// Whether a row had a class without a score. Then nobody knows which score is of which class: labels may begin at 1.
    unclear: bool,
}

impl ScoreCounts {
    /// Counts of scores for these classes.
    pub(crate) fn of(classes: &[String]) -> Self {
        let mut counts = Self { classes: classes.to_vec(), ..Self::default() };
        let scores = counts.scored().count();
        counts.alone.resize_with(scores, Groups::default);
        counts.paired.resize_with(scores, Groups::default);
        counts
    }

    /// Forgets all scores of these classes, for good.
    fn give_up(&mut self, left_out: u64) {
        *self = Self { left_out, unclear: true, ..Self::of(&self.classes) };
    }

    /// The classes that have a score of their own, in the order of the scores.
    pub(crate) fn scored(&self) -> impl Iterator<Item = &str> {
        let first = usize::from(self.classes.len() == 2);
        self.classes.iter().skip(first).map(String::as_str)
    }

    /// Counts a row of this class.
    pub(crate) fn count(&mut self, turn: Turn, class: &str, main: &[f32], challenger: Option<&[f32]>) {
        if main.is_empty() {
            return;
        }
        let Some(place) = self.classes.iter().position(|known| known == class).filter(|_| !self.unclear)
        else {
            return self.give_up(self.left_out.saturating_add(1));
        };
        let Some((main, of_class)) = self.probabilities(place, main) else {
            self.left_out = self.left_out.saturating_add(1);
            return;
        };
        let first = usize::from(self.classes.len() == 2);
        for (index, score) in main.iter().enumerate() {
            self.alone[index].of(turn).count(*score, place == index + first);
        }
        self.loss.of(turn).count(of_class);
        let Some(challenger) = challenger else { return };
        let Some((challenger, of_class_too)) = self.probabilities(place, challenger) else {
            self.left_out = self.left_out.saturating_add(1);
            return;
        };
        for (index, (ours, theirs)) in main.iter().zip(&challenger).enumerate() {
            let both = self.paired[index].of(turn);
            both.0.count(*ours, place == index + first);
            both.1.count(*theirs, place == index + first);
        }
        let both = self.paired_loss.of(turn);
        both.0.count(of_class);
        both.1.count(of_class_too);
    }

    /// The scores as numbers, and that of the class at this place. `None` unless they are probabilities.
    fn probabilities(&self, place: usize, scores: &[f32]) -> Option<(Vec<f64>, f64)> {
        let all: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
        if all.len() != self.scored().count() || !all.iter().all(|score| (0.0..=1.0).contains(score)) {
            return None;
        }
        let of_class = match (self.classes.len(), place) {
            (2, 0) => 1.0 - all[0],
            (2, _) => all[0],
            _ => all[place],
        };
        Some((all, of_class))
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if self.classes.is_empty() {
            self.clone_from(other);
            return;
        }
        if self.classes != other.classes {
            return;
        }
        let left_out = self.left_out.saturating_add(other.left_out);
        if self.unclear || other.unclear {
            return self.give_up(left_out);
        }
        self.alone.iter_mut().zip(&other.alone).for_each(|(mine, theirs)| mine.merge(theirs));
        self.paired.iter_mut().zip(&other.paired).for_each(|(mine, theirs)| mine.merge(theirs));
        self.loss.merge(&other.loss);
        self.paired_loss.merge(&other.paired_loss);
        self.left_out = left_out;
    }

    pub(crate) fn forget_challenger(&mut self) {
        self.paired.iter_mut().for_each(|groups| *groups = Groups::default());
        self.paired_loss = Groups::default();
    }

    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The scores of the class with this name, by `role`; of main alone while `alone`.
    fn histograms(&self, role: Role, class: &str, alone: bool) -> Option<Groups<Histogram>> {
        if role == Role::Main && alone {
            // Counts of a broken pod may have fewer histograms than classes.
            return self.alone.get(self.place(class)?).cloned();
        }
        let of = |both: &(Histogram, Histogram)| match role {
            Role::Main => both.0.clone(),
            Role::Challenger => both.1.clone(),
        };
        Some(self.paired.get(self.place(class)?)?.map(of))
    }

    /// The place of a class among those that have a score of their own.
    fn place(&self, class: &str) -> Option<usize> {
        self.scored().position(|known| known == class)
    }

    pub(crate) fn auc(&self, role: Role, class: &str, alone: bool) -> Option<Estimate> {
        scores::auc(&self.histograms(role, class, alone)?)
    }

    pub(crate) fn auc_difference(&self, class: &str) -> Option<Estimate> {
        scores::auc_difference(self.paired.get(self.place(class)?)?)
    }

    pub(crate) fn log_loss(&self, role: Role, alone: bool) -> Option<Estimate> {
        match role {
            Role::Main if alone => scores::log_loss(&self.loss),
            Role::Main => scores::log_loss(&self.paired_loss.map(|both| both.0)),
            Role::Challenger => scores::log_loss(&self.paired_loss.map(|both| both.1)),
        }
    }

    pub(crate) fn log_loss_difference(&self) -> Option<Estimate> {
        let of = |both: &(Loss, Loss)| Some(both.1.mean()? - both.0.mean()?);
        let spread = self.paired_loss.spread(|both| both.0.1 == 0, of)?;
        Some(student(&spread, f64::NEG_INFINITY, f64::INFINITY))
    }

    /// The calibration curve of the second of two classes.
    pub(crate) fn calibration(&self, role: Role, alone: bool, calls: u64, single: bool) -> Vec<Calibration> {
        let [_, second] = &self.classes[..] else { return Vec::new() };
        let histograms = self.histograms(role, second, alone);
        histograms.map_or_else(Vec::new, |histograms| scores::calibration(&histograms, calls, single))
    }
}

/// The numbers of a regression.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NumberCounts {
    alone: Groups<Moments>,
    paired: Groups<(Moments, Moments)>,
    left_out: u64,
}

impl NumberCounts {
    /// Counts a row with this outcome, and returns whether both have answered it with a number.
    pub(crate) fn count(&mut self, turn: Turn, outcome: f64, main: f64, challenger: Option<f64>) -> bool {
        let is_counted = self.alone.of(turn).push(main, outcome);
        let both = challenger.filter(|challenger| is_counted && challenger.abs() <= LARGEST);
        self.left_out =
            self.left_out.saturating_add(u64::from(!is_counted || challenger.is_some() != both.is_some()));
        let Some(challenger) = both else { return false };
        let pair = self.paired.of(turn);
        pair.0.push(main, outcome) && pair.1.push(challenger, outcome)
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.alone.merge(&other.alone);
        self.paired.merge(&other.paired);
        self.left_out = self.left_out.saturating_add(other.left_out);
    }

    pub(crate) fn forget_challenger(&mut self) {
        self.paired = Groups::default();
    }

    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The number of rows that the errors of a version are about.
    pub(crate) fn rows(&self, alone: bool) -> u64 {
        if alone { self.alone.total().count() } else { self.paired.total().0.count() }
    }

    pub(crate) fn errors(&self, role: Role, alone: bool) -> Errors {
        match role {
            Role::Main if alone => regression::errors(&self.alone),
            Role::Main => regression::errors(&self.paired.map(|pair| pair.0)),
            Role::Challenger => regression::errors(&self.paired.map(|pair| pair.1)),
        }
    }

    /// The challenger's mean absolute error less that of main, and the same of the root mean squared error.
    pub(crate) fn differences(&self) -> [Option<Estimate>; 2] {
        regression::differences(&self.paired)
    }
}

/// The value of rows, and of those for which each version was right.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Worth {
    all: f64,
    main: f64,
    challenger: f64,
}

impl Counts for Worth {
    fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.main += other.main;
        self.challenger += other.challenger;
    }
}

/// The value at stake in rows whose outcome has one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ValueCounts {
    alone: Groups<Worth>,
    paired: Groups<Worth>,
}

impl ValueCounts {
    /// Counts a row of this value, and whether main and challenger were right.
    pub(crate) fn count(&mut self, turn: Turn, value: f64, main: bool, challenger: Option<bool>) {
        let of = |right: bool| if right { value } else { 0.0 };
        let worth = Worth { all: value, main: of(main), challenger: of(challenger.unwrap_or(false)) };
        self.alone.of(turn).add(&worth);
        if challenger.is_some() {
            self.paired.of(turn).add(&worth);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.alone.merge(&other.alone);
        self.paired.merge(&other.paired);
    }

    pub(crate) fn forget_challenger(&mut self) {
        self.paired = Groups::default();
    }

    /// The total value of the rows that the shares are about.
    pub(crate) fn total(&self, alone: bool) -> f64 {
        if alone { self.alone.total().all } else { self.paired.total().all }
    }

    /// The share of the value for which a version was right.
    pub(crate) fn share(&self, role: Role, alone: bool) -> Option<Estimate> {
        let groups = if alone && role == Role::Main { &self.alone } else { &self.paired };
        let right = |worth: &Worth| if role == Role::Main { worth.main } else { worth.challenger };
        let of = |worth: &Worth| (worth.all > 0.0).then(|| right(worth) / worth.all);
        Some(student(&groups.spread(|worth| worth.all <= 0.0, of)?, 0.0, 1.0))
    }

    /// The challenger's share less that of main.
    pub(crate) fn difference(&self) -> Option<Estimate> {
        let of = |worth: &Worth| (worth.all > 0.0).then(|| (worth.challenger - worth.main) / worth.all);
        Some(student(&self.paired.spread(|worth| worth.all <= 0.0, of)?, -1.0, 1.0))
    }
}
