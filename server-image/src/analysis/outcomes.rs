//! Late truth: what turned out to be true of a call, told by its id, joined to what main and challenger had said.
//!
//! Only the newest calls are remembered, by eight bytes of their id and of each label. A truth that comes later than
//! that is joined in the records' files.

use std::collections::{HashMap, VecDeque};
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use understudy_stats::Outcomes;

use super::comparison::is_label;
use crate::call::{Answered, Call, Shadow};
use crate::each_datatype;
use crate::error::Refusal;

/// Labels that are remembered, of main; calls of many rows count as many.
const LABELS: usize = 32_768;
/// Outcomes of one request.
const MOST: usize = 1_000;

/// What somebody tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The id of the call.
    pub id: String,
    /// What its label should have been; a list where the call had several rows.
    pub label: Value,
}

/// What became of what somebody told.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Outcomes that were joined to their calls.
    pub joined: u64,
    /// Ids of calls that are not known: never recorded, told already, or too long ago.
    pub unknown: Vec<String>,
}

/// Reads `{"id", "label"}` or `{"outcomes": [{"id", "label"}]}`.
pub fn read(body: &[u8]) -> Result<Vec<Outcome>, Refusal> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Told {
        Many { outcomes: Vec<Outcome> },
        One(Outcome),
    }
    let outcomes = match serde_json::from_slice(body) {
        Ok(Told::Many { outcomes }) => outcomes,
        Ok(Told::One(outcome)) => vec![outcome],
        Err(_) => {
            let expected =
                r#"expected {"id": "...", "label": 1} or {"outcomes": [{"id": "...", "label": 1}]}"#;
            return Err(Refusal::bad(expected));
        }
    };
    if outcomes.len() > MOST {
        return Err(Refusal::bad(format!("{} outcomes in one request; send at most {MOST}", outcomes.len())));
    }
    for Outcome { id, label } in &outcomes {
        if labels_of(label).is_none() {
            return Err(Refusal::bad(format!(
                "outcome `{id}`: a label is a string, a whole number or a boolean, or a list of them"
            )));
        }
    }
    Ok(outcomes)
}

/// The labels that somebody tells, as hashes of how people write them.
fn labels_of(label: &Value) -> Option<Vec<u64>> {
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

/// What the two had said.
#[derive(Debug)]
struct Said {
    main: Box<[u64]>,
    challenger: Option<Box<[u64]>>,
}

/// The newest calls, and what became of them.
#[derive(Debug, Default)]
pub struct Index {
    calls: HashMap<u64, Said>,
    order: VecDeque<u64>,
    labels: usize,
    /// Who was right.
    pub outcomes: Outcomes,
}

impl Index {
    /// Remembers a call that main has answered with labels.
    pub fn remember(&mut self, call: &Call) {
        let labels = |answered: &Answered| -> Option<Box<[u64]>> {
            let output = answered.outputs.iter().find(|output| is_label(output.data.datatype()))?;
            let texts = || each_datatype!(&output.data, elements => elements.iter().map(hash).collect());
            (output.data.len() <= MOST).then(texts)
        };
        let Some(main) = labels(&call.main) else { return };
        let challenger = match &call.challenger {
            Shadow::Answered { answered, .. } => labels(answered),
            Shadow::None | Shadow::Dropped(_) => None,
        };
        let id = hash(&call.id);
        self.labels += main.len();
        self.order.push_back(id);
        if let Some(before) = self.calls.insert(id, Said { main, challenger }) {
            self.labels -= before.main.len();
        }
        // The order also has calls that were joined meanwhile.
        while self.labels > LABELS || self.order.len() > LABELS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(oldest);
        }
    }

    fn forget(&mut self, id: u64) -> Option<Said> {
        let said = self.calls.remove(&id)?;
        self.labels -= said.main.len();
        Some(said)
    }

    /// Joins what is told, each to its call once. Gives those back whose calls are not known here.
    pub fn join(&mut self, told: Vec<Outcome>) -> Vec<Outcome> {
        told.into_iter().filter(|outcome| !self.join_one(outcome)).collect()
    }

    fn join_one(&mut self, outcome: &Outcome) -> bool {
        let Some(labels) = labels_of(&outcome.label) else { return false };
        let id = hash(&outcome.id);
        if self.calls.get(&id).is_none_or(|said| said.main.len() != labels.len()) {
            return false;
        }
        let Some(said) = self.forget(id) else { return false };
        for (row, label) in labels.iter().enumerate() {
            let challenger = said.challenger.as_ref().and_then(|said| said.get(row));
            self.outcomes.join(Some(said.main[row] == *label), challenger.map(|said| said == label));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use serde_json::json;
    use understudy_stats::{Identity, Role};

    use super::*;
    use crate::tensor::{Data, Tensor};

    fn call(id: &str, main: Data, challenger: Option<Data>) -> Call {
        let answered = |data: Data| {
            let shape = vec![i64::try_from(data.len()).unwrap()];
            Answered { status: 200, outputs: vec![Tensor { shape, data }], ..Answered::default() }
        };
        Call {
            id: id.to_owned(),
            at: SystemTime::UNIX_EPOCH,
            record: true,
            main: answered(main),
            inputs: Vec::new(),
            rows: 1,
            challenger: challenger.map_or(Shadow::None, |data| Shadow::Answered {
                by: Arc::new(Identity::default()),
                answered: answered(data),
            }),
        }
    }

    fn told(id: &str, label: Value) -> Vec<Outcome> {
        vec![Outcome { id: id.to_owned(), label }]
    }

    #[test]
    fn a_truth_is_joined_to_its_call_once() {
        let mut index = Index::default();
        index.remember(&call("a", Data::Int64(vec![1]), Some(Data::Int64(vec![0]))));
        assert_eq!(index.join(told("a", json!(1))), []);
        assert_eq!(index.join(told("a", json!(1))), told("a", json!(1)), "it was told already");
        let outcomes = index.outcomes;
        assert_eq!(
            (outcomes.joined(), outcomes.correct(Role::Main), outcomes.correct(Role::Challenger)),
            (1, 1, 0)
        );
    }

    #[test]
    fn a_label_is_the_same_however_it_is_written() {
        for (said, told_as) in [
            (Data::Int64(vec![1]), json!("1")),
            (Data::Int32(vec![1]), json!(1.0)),
            (Data::Bool(vec![true]), json!(true)),
            (Data::Bytes(vec!["NL".to_owned()]), json!("NL")),
        ] {
            let mut index = Index::default();
            index.remember(&call("a", said, None));
            assert_eq!(index.join(told("a", told_as)), []);
            assert_eq!(index.outcomes.correct(Role::Main), 1);
        }
    }

    #[test]
    fn a_call_of_several_rows_needs_as_many_labels() {
        let mut index = Index::default();
        index.remember(&call("a", Data::Int64(vec![1, 0]), None));
        assert_eq!(index.join(told("a", json!(1))).len(), 1);
        assert_eq!(index.join(told("a", json!([1, 1]))), []);
        assert_eq!((index.outcomes.joined(), index.outcomes.correct(Role::Main)), (2, 1));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go_first() {
        let mut index = Index::default();
        for number in 0..=LABELS {
            index.remember(&call(&number.to_string(), Data::Int64(vec![1]), None));
        }
        assert_eq!((index.calls.len(), index.order.len(), index.labels), (LABELS, LABELS, LABELS));
        assert_eq!(index.join(told("0", json!(1))).len(), 1);
        assert_eq!(index.join(told("1", json!(1))), []);
    }

    #[test]
    fn what_is_no_outcome_is_refused_with_what_is_expected() {
        for body in ["", "[]", r#"{"id":"a"}"#, r#"{"id":1,"label":1}"#] {
            let message = read(body.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with("expected {"), "{body}: {message}");
        }
        for label in [json!(0.5), json!(null), json!({}), json!([[1]])] {
            let body = json!({"id": "a", "label": label}).to_string();
            let message = read(body.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with("outcome `a`: a label is"), "{body}: {message}");
        }
        let many = json!({"outcomes": vec![json!({"id": "a", "label": 1}); MOST + 1]}).to_string();
        assert!(read(many.as_bytes()).unwrap_err().to_string().contains("send at most"));
    }
}
