use std::{sync::Arc, time::SystemTime};

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
        traceparent: None,
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

fn outcome(id: &str, label: Value) -> Vec<Outcome> {
    vec![Outcome { id: id.to_owned(), label }]
}

#[test]
fn an_outcome_is_joined_to_its_call_once() {
    let mut recent = RecentCalls::default();
    recent.remember(&call("a", Data::Int64(vec![1]), Some(Data::Int64(vec![0]))));
    assert_eq!(recent.join(outcome("a", json!(1))), []);
    assert_eq!(recent.join(outcome("a", json!(1))), outcome("a", json!(1)), "it was joined before");
    let outcomes = recent.outcomes;
    assert_eq!(
        (outcomes.joined(), outcomes.correct(Role::Main), outcomes.correct(Role::Challenger)),
        (1, 1, 0)
    );
}

#[test]
fn a_label_counts_as_the_same_in_every_notation() {
    for (answered, written) in [
        (Data::Int64(vec![1]), json!("1")),
        (Data::Int32(vec![1]), json!(1.0)),
        (Data::Bool(vec![true]), json!(true)),
        (Data::Bytes(vec!["NL".to_owned()]), json!("NL")),
    ] {
        let mut recent = RecentCalls::default();
        recent.remember(&call("a", answered, None));
        assert_eq!(recent.join(outcome("a", written)), []);
        assert_eq!(recent.outcomes.correct(Role::Main), 1);
    }
}

#[test]
fn a_call_of_several_rows_needs_as_many_labels() {
    let mut recent = RecentCalls::default();
    recent.remember(&call("a", Data::Int64(vec![1, 0]), None));
    assert_eq!(recent.join(outcome("a", json!(1))).len(), 1);
    assert_eq!(recent.join(outcome("a", json!([1, 1]))), []);
    assert_eq!((recent.outcomes.joined(), recent.outcomes.correct(Role::Main)), (2, 1));
}

#[test]
fn memory_is_bounded_and_the_oldest_calls_are_forgotten_first() {
    let mut recent = RecentCalls::default();
    for number in 0..=MAX_LABELS {
        recent.remember(&call(&number.to_string(), Data::Int64(vec![1]), None));
    }
    assert_eq!((recent.calls.len(), recent.order.len(), recent.labels), (MAX_LABELS, MAX_LABELS, MAX_LABELS));
    assert_eq!(recent.join(outcome("0", json!(1))).len(), 1);
    assert_eq!(recent.join(outcome("1", json!(1))), []);
}

#[test]
fn a_body_that_is_not_an_outcome_is_rejected_and_the_message_shows_the_expected_form() {
    for body in ["", "[]", r#"{"id":"a"}"#, r#"{"id":1,"label":1}"#] {
        let message = read(body.as_bytes()).unwrap_err().to_string();
        assert!(message.starts_with("expected {"), "{body}: {message}");
    }
    for label in [json!(0.5), json!(null), json!({}), json!([[1]])] {
        let body = json!({"id": "a", "label": label}).to_string();
        let message = read(body.as_bytes()).unwrap_err().to_string();
        assert!(message.starts_with("outcome `a`: a label is"), "{body}: {message}");
    }
    let many = json!({"outcomes": vec![json!({"id": "a", "label": 1}); MAX_OUTCOMES + 1]}).to_string();
    assert!(read(many.as_bytes()).unwrap_err().to_string().contains("send at most"));
}
