use std::{sync::Arc, time::SystemTime};

use serde_json::json;
use understudy_stats::{Identity, Role};

use super::*;
use crate::{
    call::Answered,
    signature::{Port, Signature},
    tensor::{Data, Datatype, Tensor},
};

fn call(id: &str, main: Data, challenger: Option<Data>) -> Call {
    let answered = |data: Data| {
        let shape = vec![i64::try_from(data.len()).unwrap()];
        Answered { status: 200, outputs: vec![Tensor { shape, data }], ..Answered::default() }
    };
    Call {
        id: id.to_owned(),
        at: SystemTime::UNIX_EPOCH,
        traceparent: None,
        record: true,
        rows: main.len() as u64,
        main: answered(main),
        inputs: Vec::new(),
        challenger: challenger.map_or(Shadow::None, |data| Shadow::Answered {
            by: Arc::new(challenger_version()),
            answered: answered(data),
        }),
    }
}

fn labels() -> OutcomeOutput {
    let outputs = vec![Port::new("label", Datatype::Int64, &[-1])];
    OutcomeOutput::of(&Signature { inputs: Vec::new(), outputs }).unwrap()
}

fn unknown(outcomes: Vec<Outcome>) -> NotJoined {
    NotJoined { unknown: outcomes, mismatched: Vec::new() }
}

fn challenger_version() -> Identity {
    Identity { version: "1.4.0".to_owned(), digest: "sha256:04".to_owned() }
}

fn remember(recent: &mut RecentCalls, call: &Call) {
    recent.remember(call, Some(&challenger_version()));
}

fn outcome(id: &str, label: Value) -> Vec<Outcome> {
    vec![Outcome { id: id.to_owned(), label, value: None }]
}

#[test]
fn an_outcome_is_joined_to_its_call_once() {
    let mut recent = RecentCalls::new(Some(labels()));
    remember(&mut recent, &call("a", Data::Int64(vec![1]), Some(Data::Int64(vec![0]))));
    assert_eq!(recent.join(outcome("a", json!(1))), NotJoined::default());
    let again = recent.join(outcome("a", json!(1)));
    assert_eq!(again, unknown(outcome("a", json!(1))), "it was joined before");
    let outcomes = &recent.outcomes;
    assert_eq!(
        (outcomes.joined(), outcomes.correct(Role::Main), outcomes.correct(Role::Challenger)),
        (1, 1, 0)
    );
}

// Otherwise a new challenger without a single call would have the accuracy of the old one.
#[test]
fn an_outcome_that_comes_after_a_change_of_challenger_does_not_count_for_the_new_one() {
    let mut recent = RecentCalls::new(Some(labels()));
    remember(&mut recent, &call("a", Data::Int64(vec![1]), Some(Data::Int64(vec![1]))));
    recent.forget_challenger();
    // A copy that was under way during the change.
    let next = Identity { version: "1.5.0".to_owned(), ..challenger_version() };
    recent.remember(&call("b", Data::Int64(vec![1]), Some(Data::Int64(vec![1]))), Some(&next));
    for id in ["a", "b"] {
        assert_eq!(recent.join(outcome(id, json!(1))), NotJoined::default());
    }
    let outcomes = &recent.outcomes;
    assert_eq!((outcomes.correct(Role::Main), outcomes.compared(Role::Main)), (2, 2));
    assert_eq!(outcomes.accuracy(Role::Challenger), None);
}

#[test]
fn a_call_of_several_rows_needs_as_many_labels() {
    let mut recent = RecentCalls::new(Some(labels()));
    remember(&mut recent, &call("a", Data::Int64(vec![1, 0]), None));
    let mismatched = vec!["a".to_owned()];
    assert_eq!(recent.join(outcome("a", json!(1))), NotJoined { unknown: Vec::new(), mismatched });
    assert_eq!(recent.join(outcome("a", json!([1, 1]))), NotJoined::default());
    assert_eq!((recent.outcomes.joined(), recent.outcomes.correct(Role::Main)), (2, 1));
}

#[test]
fn each_class_has_its_own_precision_and_recall() {
    let mut recent = RecentCalls::new(Some(labels()));
    remember(&mut recent, &call("a", Data::Int64(vec![0, 0, 1]), Some(Data::Int64(vec![0, 1, 1]))));
    assert_eq!(recent.join(outcome("a", json!([0, 1, 1]))), NotJoined::default());
    let outcomes = &recent.outcomes;
    assert_eq!((outcomes.classes(), outcomes.support("1")), (vec!["0", "1"], 2));
    let recall = |role| outcomes.scores(role, "1").recall.unwrap().value;
    assert!((recall(Role::Main) - 0.5).abs() < 1e-12 && (recall(Role::Challenger) - 1.0).abs() < 1e-12);
}

// Calls of more than 1,000 rows never joined.
#[test]
fn a_huge_call_is_joined_and_the_rows_that_the_comparison_counts_are_scored() {
    let mut recent = RecentCalls::new(Some(labels()));
    // Main is wrong in every fifth row.
    let truth: Vec<i64> = (0..50_000).collect();
    let answered = truth.iter().map(|label| if label % 5 == 0 { -1 } else { *label }).collect();
    remember(&mut recent, &call("a", Data::Int64(answered), Some(Data::Int64(truth.clone()))));
    assert_eq!(recent.join(outcome("a", json!(truth))), NotJoined::default());
    let outcomes = &recent.outcomes;
    assert_eq!((outcomes.joined(), outcomes.correct(Role::Challenger)), (10_000, 10_000));
    let accuracy = outcomes.accuracy(Role::Main).unwrap();
    assert!(accuracy.low < 0.8 && accuracy.high > 0.8, "{accuracy:?}");
}

#[test]
fn memory_is_bounded_and_the_oldest_calls_are_forgotten_first() {
    let mut recent = RecentCalls::new(Some(labels()));
    for number in 0..=MAX_CALLS {
        remember(&mut recent, &call(&number.to_string(), Data::Int64(vec![1]), None));
    }
    assert_eq!((recent.calls.len(), recent.order.len(), recent.places), (MAX_CALLS, MAX_CALLS, MAX_CALLS));
    assert_eq!(recent.join(outcome("0", json!(1))).unknown.len(), 1);
    assert_eq!(recent.join(outcome("1", json!(1))), NotJoined::default());

    for number in 0..50 {
        remember(&mut recent, &call(&format!("huge {number}"), Data::Int64(vec![1; 20_000]), None));
    }
    assert!(recent.places <= MAX_PLACES, "{}", recent.places);
}

#[test]
fn a_body_that_is_not_an_outcome_is_rejected_and_the_message_shows_the_expected_form() {
    for body in ["", "[]", r#"{"id":"a"}"#, r#"{"id":1,"label":1}"#] {
        let message = read(body.as_bytes(), &labels()).unwrap_err().to_string();
        assert!(message.starts_with("expected {"), "{body}: {message}");
    }
    let body = json!({"outcomes": [{"id": "a", "label": 1}, {"id": "b", "label": true}]}).to_string();
    let message = read(body.as_bytes(), &labels()).unwrap_err().to_string();
    assert!(message.starts_with("outcome `b`: the output `label` has whole numbers"), "{message}");
    let many = json!({"outcomes": vec![json!({"id": "a", "label": 1}); MAX_OUTCOMES + 1]});
    let large = json!({"id": "a", "label": vec![1; MAX_LABELS_SENT + 1]});
    for body in [many, large] {
        let message = read(body.to_string().as_bytes(), &labels()).unwrap_err().to_string();
        assert!(message.contains("send at most"), "{message}");
    }
}

fn classifier() -> OutcomeOutput {
    let outputs =
        vec![Port::new("label", Datatype::Int64, &[-1]), Port::new("scores", Datatype::Fp32, &[-1, 2])];
    OutcomeOutput::of(&Signature { inputs: Vec::new(), outputs }).unwrap()
}

/// A call with a label and the scores of two classes for each row, by both versions.
fn scored(id: &str, second: &[f32]) -> Call {
    let labels = second.iter().map(|score| i64::from(*score > 0.5)).collect();
    let mut call = call(id, Data::Int64(labels), None);
    let scores: Vec<f32> = second.iter().flat_map(|score| [1.0 - score, *score]).collect();
    let shape = vec![i64::try_from(second.len()).unwrap(), 2];
    call.main.outputs.push(Tensor { shape, data: Data::Fp32(scores) });
    let theirs = Answered { outputs: call.main.outputs.clone(), status: 200, ..Answered::default() };
    call.challenger = Shadow::Answered { by: Arc::new(challenger_version()), answered: theirs };
    call
}

#[test]
fn the_scores_of_a_classifier_are_joined_with_its_labels_and_values() {
    let mut recent = RecentCalls::new(Some(classifier()));
    for number in 0..10 {
        let id = format!("call-{number}");
        remember(&mut recent, &scored(&id, &[0.9, 0.2, 0.6]));
        let outcome = Outcome { id, label: json!([1, 0, 0]), value: Some(json!([10, 1, 9])) };
        assert_eq!(recent.join(vec![outcome]), NotJoined::default());
    }
    assert_eq!(recent.places, 0, "joined calls are forgotten");
    let outcomes = &recent.outcomes;
    for role in Role::ALL {
        let figure = |of: Option<understudy_stats::Estimate>| of.expect("there are outcomes").value;
        assert!((figure(outcomes.auc(role, "1")) - 1.0).abs() < 1e-12, "each fraud has the largest score");
        let loss = -(0.9_f64.ln() + 0.8_f64.ln() + 0.4_f64.ln()) / 3.0;
        assert!((figure(outcomes.log_loss(role)) - loss).abs() < 1e-6);
        assert!((figure(outcomes.value_share(role)) - 11.0 / 20.0).abs() < 1e-12);
    }
}

#[test]
fn the_numbers_of_a_regression_are_joined_and_a_list_of_another_length_is_not() {
    let outputs = vec![Port::new("price", Datatype::Fp32, &[-1, 1])];
    let output = OutcomeOutput::of(&Signature { inputs: Vec::new(), outputs }).unwrap();
    let mut recent = RecentCalls::new(Some(output));
    for id in ["a", "b", "c"] {
        remember(&mut recent, &call(id, Data::Fp32(vec![3.0, 5.0]), Some(Data::Fp32(vec![2.0, 4.0]))));
    }
    assert_eq!(recent.join(outcome("a", json!([1.0, 4]))), NotJoined::default());
    assert_eq!(recent.join(outcome("b", json!([2, "5"]))), NotJoined::default());
    assert_eq!(recent.join(outcome("c", json!(1))).mismatched, ["c"]);
    let mae = |role| recent.outcomes.errors(role).mae.map(|mae| mae.value);
    assert_eq!((mae(Role::Main), mae(Role::Challenger)), (Some(1.0), Some(0.5)));
    assert_eq!(recent.outcomes.numbers(), 4);
}

#[test]
fn outcomes_with_a_value_that_cannot_be_are_refused_with_their_id() {
    let read =
        |body: Value| read(body.to_string().as_bytes(), &labels()).map_err(|refusal| refusal.to_string());
    assert!(read(json!({"id": "a", "label": 1, "value": 2.5})).is_ok());
    let refused = read(json!({"outcomes": [{"id": "b", "label": [1, 0], "value": 3}]})).unwrap_err();
    assert!(refused.contains("outcome `b`: it has 1 values for 2 labels"), "{refused}");
    let refused = read(json!({"id": "c", "label": 1, "value": "dear"})).unwrap_err();
    assert!(
        refused.contains("outcome `c`: its value must be a number from 0, not the text `dear`"),
        "{refused}"
    );
}
