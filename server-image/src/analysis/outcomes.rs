//! Outcomes: the ground truth for earlier calls, joined by the id of the call to what main and challenger answered.
//!
//! Only the newest calls are remembered, by eight bytes of their id and of each label. An outcome that comes later can
//! still be joined in the records' files.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Display,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use understudy_stats::Outcomes;

use super::comparison::is_label;
use crate::{
    call::{Answered, Call, Shadow},
    error::Refusal,
    tensor::each_datatype,
};

/// Labels of main that are remembered. A call of many rows counts once for each row.
const MAX_LABELS: usize = 32_768;
/// Outcomes of one request, and labels of one call.
const MAX_OUTCOMES: usize = 1_000;

/// The ground truth for one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The id of the call.
    pub id: String,
    /// The correct label: a string, a whole number or a boolean. A list of them if the call had several rows.
    pub label: Value,
}

/// The response to a request with outcomes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Outcomes that were joined to their calls.
    pub joined: u64,
    /// Ids of calls that no pod remembers: never recorded, joined before, or too long ago.
    pub unknown: Vec<String>,
}

/// Reads `{"id", "label"}` or `{"outcomes": [{"id", "label"}]}`.
///
/// Rejects other JSON, more than 1,000 outcomes, and labels that are neither a string, a whole number nor a boolean.
pub fn read(body: &[u8]) -> Result<Vec<Outcome>, Refusal> {
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
    for Outcome { id, label } in &outcomes {
        if hashes_of(label).is_none() {
            return Err(Refusal::bad(format!(
                "outcome `{id}`: a label is a string, a whole number or a boolean, or a list of them"
            )));
        }
    }
    Ok(outcomes)
}

/// The labels of an outcome, as hashes of their text. `None` if one of them is not a label.
fn hashes_of(label: &Value) -> Option<Vec<u64>> {
    #[expect(clippy::float_cmp, reason = "a whole number is exactly its own rounding")]
    let one = |label: &Value| match label {
        Value::String(text) => Some(hash(text)),
        Value::Bool(truth) => Some(hash(truth)),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64()?;
            (number.trunc() == number).then(|| hash(&format!("{number:.0}")))
        }
        Value::Number(number) => Some(hash(number)),
        _ => None,
    };
    match label {
        Value::Array(labels) => labels.iter().map(one).collect(),
        label => Some(vec![one(label)?]),
    }
}

fn hash(value: &impl Display) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}

/// What main and challenger answered, as hashes: one for each row.
#[derive(Debug)]
struct Labels {
    main: Box<[u64]>,
    challenger: Option<Box<[u64]>>,
}

/// The newest calls, and how often main and challenger were right.
#[derive(Debug, Default)]
pub struct RecentCalls {
    calls: HashMap<u64, Labels>,
    order: VecDeque<u64>,
    labels: usize,
    /// How often each was right.
    pub outcomes: Outcomes,
}

impl RecentCalls {
    /// Remembers a call, if main answered it with labels.
    pub fn remember(&mut self, call: &Call) {
        let labels = |answered: &Answered| -> Option<Box<[u64]>> {
            let output = answered.outputs.iter().find(|output| is_label(output.data.datatype()))?;
            let texts = || each_datatype!(&output.data, elements => elements.iter().map(hash).collect());
            (output.data.len() <= MAX_OUTCOMES).then(texts)
        };
        let Some(main) = labels(&call.main) else { return };
        let challenger = match &call.challenger {
            Shadow::Answered { answered, .. } => labels(answered),
            Shadow::None | Shadow::Dropped(_) => None,
        };
        let id = hash(&call.id);
        self.labels += main.len();
        self.order.push_back(id);
        if let Some(before) = self.calls.insert(id, Labels { main, challenger }) {
            self.labels -= before.main.len();
        }
        // The order still has calls that were joined in the meantime.
        while self.labels > MAX_LABELS || self.order.len() > MAX_LABELS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(oldest);
        }
    }

    fn forget(&mut self, id: u64) -> Option<Labels> {
        let labels = self.calls.remove(&id)?;
        self.labels -= labels.main.len();
        Some(labels)
    }

    /// Joins each outcome to its call. Returns those whose calls are not remembered here.
    pub fn join(&mut self, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        outcomes.into_iter().filter(|outcome| !self.join_one(outcome)).collect()
    }

    fn join_one(&mut self, outcome: &Outcome) -> bool {
        let Some(correct) = hashes_of(&outcome.label) else { return false };
        let id = hash(&outcome.id);
        if self.calls.get(&id).is_none_or(|labels| labels.main.len() != correct.len()) {
            return false;
        }
        let Some(labels) = self.forget(id) else { return false };
        for (row, correct) in correct.iter().enumerate() {
            let challenger = labels.challenger.as_ref().and_then(|labels| labels.get(row));
            self.outcomes.join(Some(labels.main[row] == *correct), challenger.map(|label| label == correct));
        }
        true
    }
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
