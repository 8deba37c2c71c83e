//! Outcomes: the ground truth for earlier calls, joined by the id of the call to what main and challenger answered.
//!
//! Only the newest calls are remembered: eight bytes of their id, of each label and of each number, and four bytes of each score.
//! An outcome that comes later can still be joined in the records' files.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use understudy_stats::{Identity, NumberRow, OutcomeRow, Outcomes, Side};

use super::{
    labels::{hash, hashes_of},
    rows::CountedRows,
    truth::{OutcomeOutput, Truth, float32, numbers, values},
};
use crate::{
    call::{Call, Shadow},
    error::Refusal,
    tensor::Tensor,
};

/// Places of eight bytes for what main answered: one for each label or number of a counted row, and one for two scores.
const MAX_PLACES: usize = 262_144;
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
    /// The correct label, of the type of the model's label, or the correct number. A list of them if the call had several rows.
    pub label: Value,
    /// What the row was worth, from 0: for example the money at stake. A list if the call had several rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
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

/// Reads `{"id", "label", "value"}` or `{"outcomes": [{"id", "label"}]}`.
///
/// Rejects other JSON, more than 1,000 outcomes or 100,000 labels, and labels that the output cannot have.
pub fn read(body: &[u8], output: &OutcomeOutput) -> Result<Vec<Outcome>, Refusal> {
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
    for Outcome { id, label, value } in &outcomes {
        let wrong = |problem| Refusal::bad(format!("outcome `{id}`: {problem}"));
        let rows = output.read(label).map_err(wrong)?.rows();
        if let Some(value) = value {
            values(value, rows).map_err(wrong)?;
        }
        sent += rows;
    }
    if sent > MAX_LABELS_SENT {
        return Err(Refusal::bad(format!("{sent} labels in one request; send at most {MAX_LABELS_SENT}")));
    }
    Ok(outcomes)
}

/// What main and challenger answered in the counted rows.
#[derive(Debug)]
struct Answers {
    main: Answered,
    challenger: Option<Answered>,
    rows: CountedRows,
    /// Whether they have only some of the rows.
    sampled: bool,
    /// How many labels or numbers the call has.
    all: usize,
}

/// What a version answered in the counted rows.
#[derive(Debug)]
enum Answered {
    /// The hash of each label, and the scores of each row one after another.
    Labels(Box<[u64]>, Box<[f32]>),
    /// One number for each row.
    Numbers(Box<[f64]>),
}

impl Answered {
    fn places(&self) -> usize {
        match self {
            Self::Labels(labels, scores) => labels.len() + scores.len().div_ceil(2),
            Self::Numbers(numbers) => numbers.len(),
        }
    }
}

/// The newest calls, and how often main and challenger were right.
#[derive(Debug)]
pub struct RecentCalls {
    /// `None` if the model has neither labels nor numbers.
    output: Option<OutcomeOutput>,
    calls: HashMap<u64, Answers>,
    order: VecDeque<u64>,
    places: usize,
    /// The texts of labels, by their hashes.
    names: HashMap<u64, Box<str>>,
    /// How often each was right.
    pub outcomes: Outcomes,
}

impl RecentCalls {
    /// No calls yet.
    #[must_use]
    pub fn new(output: Option<OutcomeOutput>) -> Self {
        let outcomes = Outcomes::of_classes(output.as_ref().map_or(&[], OutcomeOutput::classes));
        Self {
            output,
            calls: HashMap::new(),
            order: VecDeque::new(),
            places: 0,
            names: HashMap::new(),
            outcomes,
        }
    }

    /// Remembers a call, if main answered it with labels or numbers. Of a huge call, the same rows are remembered as are
    /// counted. Of the challenger's answers, only those of `challenger` count.
    pub fn remember(&mut self, call: &Call, challenger: Option<&Identity>) {
        let Some(output) = &self.output else { return };
        let Some(tensor) = judged(output, &call.main.outputs) else { return };
        let rows = CountedRows::of(call);
        let names = &mut self.names;
        let Some(main) = answered(output, &call.main.outputs, rows, names) else { return };
        let challenger = match &call.challenger {
            Shadow::Answered { by, answered: theirs } if Some(&**by) == challenger => {
                let same = judged(output, &theirs.outputs).is_some_and(|theirs| theirs.shape == tensor.shape);
                same.then(|| answered(output, &theirs.outputs, rows, names)).flatten()
            }
            Shadow::Answered { .. } | Shadow::None | Shadow::Dropped(_) => None,
        };
        let id = hash(&call.id);
        self.places += main.places();
        self.order.push_back(id);
        let sampled = rows.are_sampled_in(tensor);
        let answers = Answers { main, challenger, rows, sampled, all: tensor.data.len() };
        if let Some(before) = self.calls.insert(id, answers) {
            self.places -= before.main.places();
        }
        // The order still has calls that were joined in the meantime.
        while self.places > MAX_PLACES || self.order.len() > MAX_CALLS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(oldest);
        }
    }

    /// Forgets what the challenger answered, also to calls whose outcome has not come yet: they were answered by another
    /// version than the new challenger.
    pub fn forget_challenger(&mut self) {
        self.outcomes.forget_challenger();
        for answers in self.calls.values_mut() {
            answers.challenger = None;
        }
    }

    fn forget(&mut self, id: u64) -> Option<Answers> {
        let answers = self.calls.remove(&id)?;
        self.places -= answers.main.places();
        Some(answers)
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
        // Labels and values were checked when the outcome was read.
        let Some(truth) = self.output.as_ref().and_then(|output| output.read(&outcome.label).ok()) else {
            return Joining::Unknown;
        };
        let worth = outcome.value.as_ref().and_then(|value| values(value, truth.rows()).ok());
        let id = hash(&outcome.id);
        match self.calls.get(&id) {
            None => return Joining::Unknown,
            Some(answers) if answers.all != truth.rows() => return Joining::Mismatched,
            Some(_) => {}
        }
        let Some(answers) = self.forget(id) else { return Joining::Unknown };
        match (&truth, &answers.main) {
            (Truth::Labels(labels), Answered::Labels(..)) => {
                self.join_labels(labels, worth.as_deref(), &answers);
            }
            (Truth::Numbers(numbers), Answered::Numbers(_)) => self.join_numbers(numbers, &answers),
            // The output is the same for all calls.
            (Truth::Labels(_), Answered::Numbers(_)) | (Truth::Numbers(_), Answered::Labels(..)) => {}
        }
        Joining::Done
    }

    fn join_labels(&mut self, correct: &[String], worth: Option<&[f64]>, answers: &Answers) {
        let Answered::Labels(main, scores) = &answers.main else { return };
        let theirs = match &answers.challenger {
            Some(Answered::Labels(labels, scores)) => Some((labels, scores)),
            Some(Answered::Numbers(_)) | None => None,
        };
        let worth: Option<Vec<f64>> =
            worth.map(|worth| answers.rows.slices(worth, answers.sampled).flatten().copied().collect());
        let correct = answers.rows.slices(correct, answers.sampled).flatten();
        let names = &self.names;
        let rows = main.iter().zip(correct).enumerate().map(|(row, (label, correct))| {
            let right = hash(correct);
            let side = |label: u64, scores| Side {
                right: label == right,
                class: names.get(&label).map(|name| &**name),
                scores,
            };
            let of_row = |scores| scores_of(row, scores, main.len());
            let theirs = theirs.and_then(|(labels, scores)| Some(side(*labels.get(row)?, of_row(scores))));
            let class = (correct.len() <= LONGEST_NAME).then_some(correct.as_str());
            let value = worth.as_ref().and_then(|worth| worth.get(row)).copied();
            OutcomeRow { class, main: side(*label, of_row(scores)), challenger: theirs, value }
        });
        self.outcomes.join(rows);
    }

    fn join_numbers(&mut self, correct: &[f64], answers: &Answers) {
        let Answered::Numbers(main) = &answers.main else { return };
        let theirs = match &answers.challenger {
            Some(Answered::Numbers(numbers)) => Some(numbers),
            Some(Answered::Labels(..)) | None => None,
        };
        let correct = answers.rows.slices(correct, answers.sampled).flatten();
        let rows = main.iter().zip(correct).enumerate().map(|(row, (main, outcome))| {
            let challenger = theirs.and_then(|numbers| numbers.get(row)).copied();
            NumberRow { outcome: *outcome, main: *main, challenger }
        });
        self.outcomes.join_numbers(rows);
    }
}

/// The tensor with the labels or numbers that outcomes are about.
fn judged<'t>(output: &OutcomeOutput, outputs: &'t [Tensor]) -> Option<&'t Tensor> {
    match output {
        OutcomeOutput::Labels(labels, _) => labels.in_outputs(outputs),
        OutcomeOutput::Numbers(numbers) => numbers.in_outputs(outputs),
    }
}

/// What a version answered in the counted rows.
fn answered(
    output: &OutcomeOutput,
    outputs: &[Tensor],
    rows: CountedRows,
    names: &mut HashMap<u64, Box<str>>,
) -> Option<Answered> {
    let tensor = judged(output, outputs)?;
    let sampled = rows.are_sampled_in(tensor);
    match output {
        OutcomeOutput::Numbers(_) => {
            Some(Answered::Numbers(rows.slices(&numbers(tensor)?, sampled).flatten().copied().collect()))
        }
        OutcomeOutput::Labels(_, scores) => {
            let hashes = hashes_of(tensor, |hash, text| {
                if names.len() < MAX_NAMES && text.len() <= LONGEST_NAME && !names.contains_key(&hash) {
                    names.insert(hash, text.into());
                }
            });
            let labels: Box<[u64]> = rows.slices(&hashes, sampled).flatten().copied().collect();
            let scores = scores.as_ref().and_then(|scores| {
                let tensor = scores.in_outputs(outputs)?;
                let all = float32(tensor)?;
                let slices = rows.slices(&all, rows.are_sampled_in(tensor));
                let needed: Box<[f32]> = slices.flat_map(|rows| scores.needed(rows)).collect();
                (needed.len() == labels.len() * scores.width()).then_some(needed)
            });
            Some(Answered::Labels(labels, scores.unwrap_or_default()))
        }
    }
}

/// The scores of one of `rows` rows.
fn scores_of(row: usize, scores: &[f32], rows: usize) -> &[f32] {
    let width = scores.len() / rows.max(1);
    &scores[row * width..(row + 1) * width]
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
