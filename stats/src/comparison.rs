//! Compares main and challenger on the same calls: agreement, differences, error rates and latencies.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    groups::{Counts, Groups, Share, Turn},
    interval::{self, Estimate},
    latency::{Latencies, Quantile},
    moments::Moments,
    paired::{self, Table},
};

/// A version and the digest of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Semantic version.
    pub version: String,
    /// Digest of its file, `sha256:<hex>`.
    pub digest: String,
}

/// The role of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Its responses go to the callers.
    Main,
    /// It receives copies of the calls. No caller sees its responses.
    Challenger,
}

impl Role {
    /// Both roles.
    pub const ALL: [Self; 2] = [Self::Main, Self::Challenger];

    /// The value of the label `role` in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Challenger => "challenger",
        }
    }
}

/// How an output is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputKind {
    /// As labels, which are equal or not.
    Label,
    /// As numbers: their absolute difference and their correlation.
    Number,
    /// As tensors with too many numbers for columns of their own: the mean absolute difference of the numbers of a row.
    Distance,
}

/// How one version answered a copied call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answer {
    /// Whether the answer was an error.
    pub error: bool,
    /// Its latency, if it is known.
    pub latency: Option<Duration>,
}

/// The counts of one version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answers {
    calls: u64,
    errors: u64,
    latencies: Latencies,
    /// Waits that ended before the answer.
    waits: Latencies,
}

impl Answers {
    fn count(&mut self, answer: Answer) {
        self.calls = self.calls.saturating_add(1);
        self.errors = self.errors.saturating_add(u64::from(answer.error));
        self.time(answer);
    }

    fn time(&mut self, answer: Answer) {
        if let Some(latency) = answer.latency {
            self.latencies.record(latency);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.latencies.merge(&other.latencies);
        self.waits.merge(&other.waits);
    }
}

/// The counts of one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    name: String,
    kind: OutputKind,
    /// Equal labels among those that were compared.
    #[serde(default)]
    labels: Groups<Share>,
    #[serde(default)]
    numbers: Groups<Moments>,
    /// Pairs that cannot be compared.
    #[serde(default)]
    left_out: u64,
}

impl Output {
    fn merge(&mut self, other: &Self) {
        self.labels.merge(&other.labels);
        self.numbers.merge(&other.numbers);
        self.left_out = self.left_out.saturating_add(other.left_out);
    }

    fn push(&mut self, turn: Turn, x: f64, y: f64) {
        if !self.numbers.of(turn).push(x, y) {
            self.left_out = self.left_out.saturating_add(1);
        }
    }
}

/// The comparison of main and challenger since they became a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    main: Identity,
    challenger: Identity,
    since: u64,
    #[serde(default)]
    pairs: u64,
    /// Calls with pairs.
    #[serde(default)]
    paired_calls: u64,
    /// Copies that the challenger has not answered.
    #[serde(default)]
    unanswered: u64,
    #[serde(default)]
    of_main: Answers,
    #[serde(default)]
    of_challenger: Answers,
    /// Errors of both on the calls that both have answered.
    #[serde(default)]
    failed: Table,
    #[serde(default)]
    outputs: Vec<Output>,
}

impl Comparison {
    /// An empty comparison. `since` is in seconds since 1970. The index of an output in the other methods is its index
    /// in `outputs`.
    #[must_use]
    pub fn new(
        main: Identity,
        challenger: Identity,
        since: u64,
        outputs: impl IntoIterator<Item = (String, OutputKind)>,
    ) -> Self {
        let output = |(name, kind)| Output {
            name,
            kind,
            labels: Groups::default(),
            numbers: Groups::default(),
            left_out: 0,
        };
        Self {
            main,
            challenger,
            since,
            pairs: 0,
            paired_calls: 0,
            unanswered: 0,
            of_main: Answers::default(),
            of_challenger: Answers::default(),
            failed: Table::default(),
            outputs: outputs.into_iter().map(output).collect(),
        }
    }

    /// Counts a copied call that the challenger has answered, with a prediction or an error.
    pub fn answered(&mut self, main: Answer, challenger: Answer) {
        self.of_main.count(main);
        self.of_challenger.count(challenger);
        self.failed.count(main.error, challenger.error);
    }

    /// Counts a copied call that the challenger has not answered, although it could have. `waited` is how long it had time,
    /// if it was still at work then. The call counts for its availability, and a wait also for the latency of both. It does
    /// not count for the error rates, which are about calls that both have answered.
    pub fn unanswered(&mut self, main: Answer, waited: Option<Duration>) {
        self.unanswered = self.unanswered.saturating_add(1);
        if let Some(waited) = waited {
            self.of_main.time(main);
            self.of_challenger.waits.record(waited);
        }
    }

    /// Counts `calls` that were not copied, because the challenger had failed several times in a row.
    pub fn unavailable(&mut self, calls: u64) {
        self.unanswered = self.unanswered.saturating_add(calls);
    }

    /// Begins a call that main and challenger have answered, with `rows`. Each row is a pair. The values that are added until
    /// the next call are those of this one.
    pub fn pair(&mut self, rows: u64) {
        self.pairs = self.pairs.saturating_add(rows);
        self.paired_calls = self.paired_calls.saturating_add(1);
    }

    /// Adds `compared` values of the output at `index`, of which `agreed` were equal. No effect on an output of
    /// numbers.
    pub fn labels(&mut self, index: usize, agreed: u64, compared: u64) {
        let turn = self.turn();
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Label) {
            output.labels.of(turn).add(&Share(agreed.min(compared), compared));
        }
    }

    /// Adds one value of the output at `index`: that of main and that of the challenger. A pair with NaN, infinity or a
    /// number beyond 1e100 only counts as left out. No effect on other outputs than numbers.
    pub fn numbers(&mut self, index: usize, main: f64, challenger: f64) {
        let turn = self.turn();
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Number) {
            output.push(turn, main, challenger);
        }
    }

    /// Adds one row of the output at `index`: the mean absolute difference of its numbers. NaN, infinity or a number beyond
    /// 1e100 only counts as left out. No effect on other outputs than distances.
    pub fn distance(&mut self, index: usize, distance: f64) {
        let turn = self.turn();
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Distance)
        {
            output.push(turn, distance, 0.0);
        }
    }

    /// Counts `rows` of the output at `index` that cannot be compared, because the two tensors have different shapes.
    pub fn leave_out(&mut self, index: usize, rows: u64) {
        if let Some(output) = self.outputs.get_mut(index) {
            output.left_out = output.left_out.saturating_add(rows);
        }
    }

    /// Adds the counts of another pod with the same pair, and keeps the earlier `since`.
    ///
    /// Counts of different pairs cannot be added: the result is the comparison with the later `since`. Use
    /// [`Self::is_of`] before merging to select a pair.
    pub fn merge(&mut self, other: &Self) {
        if !self.is_of(&other.main, &other.challenger) {
            if other.rank() > self.rank() {
                self.clone_from(other);
            }
            return;
        }
        self.since = self.since.min(other.since);
        self.pairs = self.pairs.saturating_add(other.pairs);
        self.paired_calls = self.paired_calls.saturating_add(other.paired_calls);
        self.unanswered = self.unanswered.saturating_add(other.unanswered);
        self.of_main.merge(&other.of_main);
        self.of_challenger.merge(&other.of_challenger);
        self.failed.add(&other.failed);
        for (index, output) in other.outputs.iter().enumerate() {
            let same = |mine: &Output| mine.name == output.name && mine.kind == output.kind;
            let place = if self.outputs.get(index).is_some_and(same) {
                Some(index)
            } else {
                self.outputs.iter().position(same)
            };
            match place {
                Some(place) => self.outputs[place].merge(output),
                None => self.outputs.push(output.clone()),
            }
        }
    }

    /// The order of comparisons that cannot be added. The names make the choice independent of the order of merging.
    fn rank(&self) -> (u64, &Identity, &Identity) {
        (self.since, &self.challenger, &self.main)
    }

    /// Whether this is the comparison of these two versions.
    #[must_use]
    pub fn is_of(&self, main: &Identity, challenger: &Identity) -> bool {
        self.main == *main && self.challenger == *challenger
    }

    /// The main version.
    #[must_use]
    pub fn main(&self) -> &Identity {
        &self.main
    }

    /// The challenger.
    #[must_use]
    pub fn challenger(&self) -> &Identity {
        &self.challenger
    }

    /// When counting began, in seconds since 1970.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The number of rows that main and challenger have answered.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// The names of the outputs and how they are compared, in order.
    #[must_use]
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, OutputKind)> {
        self.outputs.iter().map(|output| (output.name.as_str(), output.kind))
    }

    /// The number of copied calls that both have answered, with a prediction or an error.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.of_challenger.calls
    }

    /// The number of errors of this version among [`Self::calls`].
    #[must_use]
    pub fn errors(&self, role: Role) -> u64 {
        self.answers(role).errors
    }

    /// The proportion of errors of this version among [`Self::calls`]. `None` without calls.
    #[must_use]
    pub fn error_rate(&self, role: Role) -> Option<Estimate> {
        let answers = self.answers(role);
        interval::proportion(answers.errors, answers.calls)
    }

    /// The error rate of the challenger less that of main, on [`Self::calls`]. `None` without calls.
    #[must_use]
    pub fn error_difference(&self) -> Option<Estimate> {
        paired::difference_of_calls(&self.failed)
    }

    /// How likely so large a difference of the error rates is if both fail equally often, by McNemar's test. `None`
    /// without calls.
    #[must_use]
    pub fn error_p_value(&self) -> Option<f64> {
        paired::p_value_of_calls(&self.failed)
    }

    /// The number of copied calls that the challenger could have answered: [`Self::calls`], and those without an answer.
    #[must_use]
    pub fn copied(&self) -> u64 {
        self.calls().saturating_add(self.unanswered)
    }

    /// The proportion of [`Self::copied`] that the challenger has answered, with a prediction or an error. `None` without
    /// copied calls.
    #[must_use]
    pub fn availability(&self) -> Option<Estimate> {
        interval::proportion(self.calls(), self.copied())
    }

    /// The quantile `q` of this version's latencies: 0.5 is the median, and one in a hundred calls exceeds the
    /// quantile 0.99. Both versions have the same calls: those that the challenger answered or was still at work on.
    #[must_use]
    pub fn latency(&self, role: Role, q: f64) -> Option<Quantile> {
        let answers = self.answers(role);
        answers.latencies.quantile_with(&answers.waits, q)
    }

    /// The number of compared values of the output at `index`: the sample size of its estimates.
    #[must_use]
    pub fn compared(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| match output.kind {
            OutputKind::Label => output.labels.total().1,
            OutputKind::Number | OutputKind::Distance => output.numbers.total().count(),
        })
    }

    /// The number of equal labels of the output at `index`.
    #[must_use]
    pub fn agreed(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| output.labels.total().0)
    }

    /// The number of pairs of the output at `index` that were left out: NaN, an infinite number, or different shapes.
    #[must_use]
    pub fn left_out(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| output.left_out)
    }

    /// The proportion of equal labels of the output at `index`. `None` for an output of numbers.
    #[must_use]
    pub fn agreement(&self, index: usize) -> Option<Estimate> {
        let output = self.output(index, OutputKind::Label)?;
        interval::share(&output.labels, self.paired_calls)
    }

    /// The mean absolute difference of the numbers of the output at `index`. `None` for an output of labels.
    #[must_use]
    pub fn mean_absolute_difference(&self, index: usize) -> Option<Estimate> {
        let output = self.outputs.get(index).filter(|output| output.kind != OutputKind::Label)?;
        interval::mean_absolute_difference(&output.numbers)
    }

    /// Pearson's correlation of the numbers of the output at `index`. `None` for an output of labels or distances.
    #[must_use]
    pub fn correlation(&self, index: usize) -> Option<Estimate> {
        interval::correlation(&self.output(index, OutputKind::Number)?.numbers)
    }

    fn turn(&self) -> Turn {
        Turn::of(self.paired_calls)
    }

    fn answers(&self, role: Role) -> &Answers {
        match role {
            Role::Main => &self.of_main,
            Role::Challenger => &self.of_challenger,
        }
    }

    fn output(&self, index: usize, kind: OutputKind) -> Option<&Output> {
        self.outputs.get(index).filter(|output| output.kind == kind)
    }
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
