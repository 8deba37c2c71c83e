//! Main and challenger on the same calls: do they answer the same, how far apart are they, which fails more, which is
//! slower.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    interval::{self, Estimate},
    latency::Latencies,
    moments::Moments,
};

/// Which model: a version, and the file it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Semantic version.
    pub version: String,
    /// `sha256:<hex>` of its file.
    pub digest: String,
}

/// One of the two that answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Its answers went to the caller.
    Main,
    /// Its answers went nowhere.
    Challenger,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Main, Self::Challenger];

    /// The label's value in metrics.
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
    /// The same or not.
    Label,
    /// How far apart, and whether they rise and fall together.
    Number,
}

/// What has been counted of one of the two.
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

/// What has been counted of one output.
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

/// What the calls that were answered by both say of the two, since they became a pair.
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
    /// Nothing counted yet. `since` is in seconds since 1970; the outputs are known by their place in the list from
    /// here on.
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

    /// Counts one answer to a call that was copied: whether it was an error, and how long it took where that is known.
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

    /// Counts one call that both have answered.
    pub fn pair(&mut self) {
        self.pairs = self.pairs.saturating_add(1);
    }

    /// Of `compared` values of the output at `index`, `agreed` were the same. Without effect on an output of numbers.
    pub fn labels(&mut self, index: usize, agreed: u64, compared: u64) {
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Label) {
            output.agreed = output.agreed.saturating_add(agreed.min(compared));
            output.compared = output.compared.saturating_add(compared);
        }
    }

    /// One value of the output at `index`, as main and as the challenger has it. A pair with a NaN, an infinity or a
    /// number beyond 1e100 is counted as left out. Without effect on an output of labels.
    pub fn numbers(&mut self, index: usize, main: f64, challenger: f64) {
        if let Some(output) = self.outputs.get_mut(index).filter(|output| output.kind == OutputKind::Number) {
            output.moments.push(main, challenger);
        }
    }

    /// Adds what another pod has counted of the same two; the earlier `since` stays.
    ///
    /// What was counted of two other models cannot be added: then the one with the later `since` stays, and the other
    /// is lost. Who knows which two are meant looks with [`Self::is_of`] before merging.
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

    /// What decides between two that cannot be added. The names make the choice the same on whichever side each stands.
    fn rank(&self) -> (u64, &Identity, &Identity) {
        (self.since, &self.challenger, &self.main)
    }

    /// Whether it is of these two.
    #[must_use]
    pub fn is_of(&self, main: &Identity, challenger: &Identity) -> bool {
        self.main == *main && self.challenger == *challenger
    }

    /// Whose answers went to the callers.
    #[must_use]
    pub fn main(&self) -> &Identity {
        &self.main
    }

    /// Whose answers went nowhere.
    #[must_use]
    pub fn challenger(&self) -> &Identity {
        &self.challenger
    }

    /// Since when it is counted, in seconds since 1970.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// Calls that both have answered.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// The names of the outputs and how they are compared, in order.
    #[must_use]
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, OutputKind)> {
        self.outputs.iter().map(|output| (output.name.as_str(), output.kind))
    }

    /// Answers counted of one of the two.
    #[must_use]
    pub fn calls(&self, role: Role) -> u64 {
        self.answers(role).calls
    }

    /// Errors among the answers of one of the two.
    #[must_use]
    pub fn errors(&self, role: Role) -> u64 {
        self.answers(role).errors
    }

    /// The share of errors among the answers of one of the two.
    #[must_use]
    pub fn error_rate(&self, role: Role) -> Option<Estimate> {
        let answers = self.answers(role);
        interval::proportion(answers.errors, answers.calls)
    }

    /// How long the answers of one of the two took: 0.5 for the median, 0.99 for what one in a hundred exceeds.
    #[must_use]
    pub fn latency(&self, role: Role, q: f64) -> Option<Duration> {
        self.answers(role).latencies.quantile(q)
    }

    /// Values of the output at `index` that were compared: what its estimates rest on.
    #[must_use]
    pub fn compared(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| match output.kind {
            OutputKind::Label => output.compared,
            OutputKind::Number => output.moments.count(),
        })
    }

    /// Labels of the output at `index` that were the same.
    #[must_use]
    pub fn agreed(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| output.agreed)
    }

    /// Numbers of the output at `index` that could not be compared.
    #[must_use]
    pub fn left_out(&self, index: usize) -> u64 {
        self.outputs.get(index).map_or(0, |output| output.moments.left_out())
    }

    /// The share of labels of the output at `index` that were the same. None for an output of numbers.
    #[must_use]
    pub fn agreement(&self, index: usize) -> Option<Estimate> {
        let output = self.output(index, OutputKind::Label)?;
        interval::proportion(output.agreed, output.compared)
    }

    /// How far apart the numbers of the output at `index` are in the mean. None for an output of labels.
    #[must_use]
    pub fn mean_absolute_difference(&self, index: usize) -> Option<Estimate> {
        self.output(index, OutputKind::Number)?.moments.mean_absolute_difference()
    }

    /// Pearson's correlation of the numbers of the output at `index`. None for an output of labels.
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
