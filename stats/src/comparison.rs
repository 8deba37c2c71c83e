//! Compares main and challenger on the same calls: agreement, differences, error rates and latencies.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    interval::{self, Estimate},
    latency::Latencies,
    moments::Moments,
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
}

/// The counts of one version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answers {
    calls: u64,
    errors: u64,
    latencies: Latencies,
}

impl Answers {
    fn merge(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.latencies.merge(&other.latencies);
    }
}

/// The counts of one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    name: String,
    kind: OutputKind,
    #[serde(default)]
    agreed: u64,
    #[serde(default)]
    compared: u64,
    #[serde(default)]
    moments: Moments,
}

impl Output {
    fn merge(&mut self, other: &Self) {
        self.agreed = self.agreed.saturating_add(other.agreed);
        self.compared = self.compared.saturating_add(other.compared);
        self.moments.merge(&other.moments);
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
    #[serde(default)]
    of_main: Answers,
    #[serde(default)]
    of_challenger: Answers,
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
        let output =
            |(name, kind)| Output { name, kind, agreed: 0, compared: 0, moments: Moments::default() };
        Self {
            main,
            challenger,
            since,
            pairs: 0,
            of_main: Answers::default(),
            of_challenger: Answers::default(),
            outputs: outputs.into_iter().map(output).collect(),
        }
    }

    /// Counts one response to a copied call: whether it was an error, and its latency if it is known.
    pub fn call(&mut self, role: Role, error: bool, latency: Option<Duration>) {
        let answers = match role {
            Role::Main => &mut self.of_main,
            Role::Challenger => &mut self.of_challenger,
        };
        answers.calls = answers.calls.saturating_add(1);
        answers.errors = answers.errors.saturating_add(u64::from(error));
        if let Some(latency) = latency {
            answers.latencies.record(latency);
        }
    }

    /// Counts `rows` of a call that main and challenger have answered. Each row is a pair.
    pub fn pair(&mut self, rows: u64) {
        self.pairs = self.pairs.saturating_add(rows);
    }

    /// Adds `compared` values of the output at `index`, of which `agreed` were equal. No effect on an output of
    /// numbers.
    pub fn labels(&mut self, index: usize, agreed: u64, compared: u64) {
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Label) {
            output.agreed = output.agreed.saturating_add(agreed.min(compared));
            output.compared = output.compared.saturating_add(compared);
        }
    }

    /// Adds one value of the output at `index`: that of main and that of the challenger. A pair with NaN, infinity or a
    /// number beyond 1e100 only counts as left out. No effect on an output of labels.
    pub fn numbers(&mut self, index: usize, main: f64, challenger: f64) {
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Number) {
            output.moments.push(main, challenger);
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
        self.of_main.merge(&other.of_main);
        self.of_challenger.merge(&other.of_challenger);
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

    /// The number of responses of this version.
    #[must_use]
    pub fn calls(&self, role: Role) -> u64 {
        self.answers(role).calls
    }

    /// The number of errors among the responses of this version.
    #[must_use]
    pub fn errors(&self, role: Role) -> u64 {
        self.answers(role).errors
    }

    /// The proportion of errors among the responses of this version. `None` without responses.
    #[must_use]
    pub fn error_rate(&self, role: Role) -> Option<Estimate> {
        let answers = self.answers(role);
        interval::proportion(answers.errors, answers.calls)
    }

    /// The quantile `q` of this version's latencies: 0.5 is the median, and one in a hundred calls exceeds the
    /// quantile 0.99.
    #[must_use]
    pub fn latency(&self, role: Role, q: f64) -> Option<Duration> {
        self.answers(role).latencies.quantile(q)
    }

    /// The number of compared values of the output at `index`: the sample size of its estimates.
    #[must_use]
    pub fn compared(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| match output.kind {
            OutputKind::Label => output.compared,
            OutputKind::Number => output.moments.count(),
        })
    }

    /// The number of equal labels of the output at `index`.
    #[must_use]
    pub fn agreed(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| output.agreed)
    }

    /// The number of pairs of the output at `index` that were left out.
    #[must_use]
    pub fn left_out(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| output.moments.left_out())
    }

    /// The proportion of equal labels of the output at `index`. `None` for an output of numbers.
    #[must_use]
    pub fn agreement(&self, index: usize) -> Option<Estimate> {
        let output = self.output(index, OutputKind::Label)?;
        interval::proportion(output.agreed, output.compared)
    }

    /// The mean absolute difference of the numbers of the output at `index`. `None` for an output of labels.
    #[must_use]
    pub fn mean_absolute_difference(&self, index: usize) -> Option<Estimate> {
        self.output(index, OutputKind::Number)?.moments.mean_absolute_difference()
    }

    /// Pearson's correlation of the numbers of the output at `index`. `None` for an output of labels.
    #[must_use]
    pub fn correlation(&self, index: usize) -> Option<Estimate> {
        self.output(index, OutputKind::Number)?.moments.correlation()
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
