//! Outcomes: the ground truth for earlier calls, joined by the id of the call to what main and challenger answered.
//!
//! Only the newest calls are remembered, by eight bytes of their id and of each label. An outcome that comes later can
//! still be joined in the records' files.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use understudy_stats::{Identity, OutcomeRow, Outcomes, Side};

use super::{
    labels::{LabelOutput, hash, hashes_of},
    rows::CountedRows,
};
use crate::{
    call::{Call, Shadow},
    error::Refusal,
    tensor::Tensor,
};

/// Labels of main that are remembered. A call counts once for each of its rows that are counted.
const MAX_LABELS: usize = 131_072;
/// Calls that are remembered.
const MAX_CALLS: usize = 32_768;
/// Labels whose texts are remembered, and the longest of them in bytes. Metrics and status have classes by name.
const MAX_NAMES: usize = 256;
const LONGEST_NAME: usize = 64;
/// Outcomes of one request.
const MAX_OUTCOMES: usize = 1_000;
/// Labels of one request.
const MAX_LABELS_SENT: usize = 100_000;

/// The ground truth for one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The id of the call.
    pub id: String,
    /// The correct label, of the type of the model's label. A list of them if the call had several rows.
    pub label: Value,
}

/// The response to a request with outcomes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Outcomes that were joined to their calls.
    pub joined: u64,
    /// Ids of calls that no pod remembers: never recorded, joined before, or too long ago.
    pub unknown: Vec<String>,
    /// Ids of calls that have another number of rows than the outcome has labels.
    #[serde(default)]
    pub mismatched: Vec<String>,
}

/// Outcomes that were not joined.
#[derive(Debug, Default, PartialEq)]
pub struct NotJoined {
    /// Their calls are not remembered here.
    pub unknown: Vec<Outcome>,
    /// Their calls have another number of rows.
    pub mismatched: Vec<String>,
}

/// Reads `{"id", "label"}` or `{"outcomes": [{"id", "label"}]}`.
///
/// Rejects other JSON, more than 1,000 outcomes or 100,000 labels, and labels that the output cannot have.
pub fn read(body: &[u8], output: &LabelOutput) -> Result<Vec<Outcome>, Refusal> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Many { outcomes: Vec<Outcome> },
        One(Outcome),
    }
    let outcomes = match serde_json::from_slice(body) {
        Ok(Body::Many { outcomes }) => outcomes,
        Ok(Body::One(outcome)) => vec![outcome],
        Err(_) => {
            let expected =
                r#"expected {"id": "...", "label": 1} or {"outcomes": [{"id": "...", "label": 1}]}"#;
            return Err(Refusal::bad(expected));
        }
    };
    if outcomes.len() > MAX_OUTCOMES {
        let count = outcomes.len();
        return Err(Refusal::bad(format!("{count} outcomes in one request; send at most {MAX_OUTCOMES}")));
    }
    let mut sent = 0;
    for Outcome { id, label } in &outcomes {
        let labels = output.texts(label);
        sent += labels.map_err(|problem| Refusal::bad(format!("outcome `{id}`: {problem}")))?.len();
    }
    if sent > MAX_LABELS_SENT {
        return Err(Refusal::bad(format!("{sent} labels in one request; send at most {MAX_LABELS_SENT}")));
    }
    Ok(outcomes)
}

/// What main and challenger answered, as hashes: one for each counted row.
#[derive(Debug)]
struct Labels {
    main: Box<[u64]>,
    challenger: Option<Box<[u64]>>,
    rows: CountedRows,
    /// Whether `main` has only some of the labels.
    sampled: bool,
    /// How many labels the call has.
    all: usize,
}

/// The newest calls, and how often main and challenger were right.
#[derive(Debug)]
pub struct RecentCalls {
    /// `None` if the model has no labels.
    output: Option<LabelOutput>,
    calls: HashMap<u64, Labels>,
    order: VecDeque<u64>,
    labels: usize,
    /// The texts of labels, by their hashes.
    names: HashMap<u64, Box<str>>,
    /// How often each was right.
    pub outcomes: Outcomes,
}

impl RecentCalls {
    /// No calls yet.
    #[must_use]
    pub fn new(output: Option<LabelOutput>) -> Self {
        Self {
            output,
            calls: HashMap::new(),
            order: VecDeque::new(),
            labels: 0,
            names: HashMap::new(),
            outcomes: Outcomes::default(),
        }
    }

    /// Remembers a call, if main answered it with labels. Of a huge call, the same rows are remembered as are counted. Of the
    /// challenger's answers, only those of `challenger` count.
    pub fn remember(&mut self, call: &Call, challenger: Option<&Identity>) {
        let Some(output) = &self.output else { return };
        let Some(tensor) = output.in_outputs(&call.main.outputs) else { return };
        let rows = CountedRows::of(call);
        let sampled = rows.are_sampled_in(tensor);
        let names = &mut self.names;
        let mut chosen = |tensor: &Tensor| -> Box<[u64]> {
            let hashes = hashes_of(tensor, |hash, text| {
                if names.len() < MAX_NAMES && text.len() <= LONGEST_NAME && !names.contains_key(&hash) {
                    names.insert(hash, text.into());
                }
            });
            rows.slices(&hashes, sampled).flatten().copied().collect()
        };
        let main = chosen(tensor);
        let challenger = match &call.challenger {
            Shadow::Answered { by, answered } if Some(&**by) == challenger => {
                output.in_outputs(&answered.outputs).filter(|theirs| theirs.shape == tensor.shape).map(chosen)
            }
            Shadow::Answered { .. } | Shadow::None | Shadow::Dropped(_) => None,
        };
        let id = hash(&call.id);
        self.labels += main.len();
        self.order.push_back(id);
        let labels = Labels { main, challenger, rows, sampled, all: tensor.data.len() };
        if let Some(before) = self.calls.insert(id, labels) {
            self.labels -= before.main.len();
        }
        // The order still has calls that were joined in the meantime.
        while self.labels > MAX_LABELS || self.order.len() > MAX_CALLS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(oldest);
        }
    }

    /// Forgets what the challenger answered, also to calls whose outcome has not come yet: they were answered by another
    /// version than the new challenger.
    pub fn forget_challenger(&mut self) {
        self.outcomes.forget_challenger();
        for labels in self.calls.values_mut() {
            labels.challenger = None;
        }
    }

    fn forget(&mut self, id: u64) -> Option<Labels> {
        let labels = self.calls.remove(&id)?;
        self.labels -= labels.main.len();
        Some(labels)
    }

    /// Joins each outcome to its call. Returns those that were not joined.
    pub fn join(&mut self, outcomes: Vec<Outcome>) -> NotJoined {
        let mut left = NotJoined::default();
        for outcome in outcomes {
            match self.join_one(&outcome) {
                Joining::Done => {}
                Joining::Unknown => left.unknown.push(outcome),
                Joining::Mismatched => left.mismatched.push(outcome.id),
            }
        }
        left
    }

    fn join_one(&mut self, outcome: &Outcome) -> Joining {
        // The labels were checked when the outcome was read.
        let Some(correct) = self.output.as_ref().and_then(|output| output.texts(&outcome.label).ok()) else {
            return Joining::Unknown;
        };
        let id = hash(&outcome.id);
        match self.calls.get(&id) {
            None => return Joining::Unknown,
            Some(labels) if labels.all != correct.len() => return Joining::Mismatched,
            Some(_) => {}
        }
        let Some(labels) = self.forget(id) else { return Joining::Unknown };
        let correct = labels.rows.slices(&correct, labels.sampled).flatten();
        let names = &self.names;
        let rows = labels.main.iter().zip(correct).enumerate().map(|(row, (main, correct))| {
            let right = hash(correct);
            let side =
                |label: &u64| Side { right: *label == right, class: names.get(label).map(|name| &**name) };
            let challenger = labels.challenger.as_ref().and_then(|labels| labels.get(row));
            let class = (correct.len() <= LONGEST_NAME).then_some(correct.as_str());
            OutcomeRow { class, main: side(main), challenger: challenger.map(side) }
        });
        self.outcomes.join(rows);
        Joining::Done
    }
}

/// What became of an outcome.
enum Joining {
    Done,
    Unknown,
    Mismatched,
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
