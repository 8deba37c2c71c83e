//! Which changes have an event, and which do not.

use serde_json::{Value, json};

use super::*;
use crate::fixtures::{EARLIER, condition, digest, parse, with};

fn status(type_: &str, value: &str, reason: &str, more: &Value) -> ModelDeploymentStatus {
    parse(with(condition(type_, value, reason, "the words"), more.clone()))
}

fn challenger(number: &str) -> Value {
    json!({"challenger": {"version": number, "modelVersion": format!("fraud-{number}"), "digest": digest(number),
                          "since": EARLIER}})
}

fn drifting(names: &[&str]) -> Value {
    let features: Vec<_> = names
        .iter()
        .map(|name| {
            json!({"name": name, "role": "Input", "distance": 0.3, "limit": 0.05, "change": "", "samples": 1,
                           "since": EARLIER})
        })
        .collect();
    json!({"drift": {"features": features}})
}

fn published(before: &ModelDeploymentStatus, after: &ModelDeploymentStatus) -> Vec<(bool, String)> {
    changes(before, after)
        .into_iter()
        .map(|(type_, reason, _)| (type_ == EventType::Warning, reason))
        .collect()
}

fn warning(reason: &str) -> Vec<(bool, String)> {
    vec![(true, reason.to_owned())]
}

fn normal(reason: &str) -> Vec<(bool, String)> {
    vec![(false, reason.to_owned())]
}

const READY: &str = CHALLENGER_READY;

#[test]
fn a_refusal_is_a_warning_with_its_reason_and_is_published_once() {
    let refused = status(READY, "False", "NotApproved", &json!({}));
    assert_eq!(published(&ModelDeploymentStatus::default(), &refused), warning("NotApproved"));
    assert_eq!(published(&refused, &refused), []);
}

#[test]
fn a_challenger_that_starts_has_no_event_and_one_that_gets_copies_has() {
    let none = ModelDeploymentStatus::default();
    let starting = status(READY, "False", "Starting", &json!({}));
    let mirroring = status(READY, "True", "Mirroring", &challenger("1.3.0"));
    assert_eq!(published(&none, &starting), []);
    assert_eq!(published(&starting, &mirroring), normal("ChallengerReady"));
    assert_eq!(published(&mirroring, &mirroring), []);
}

#[test]
fn a_challenger_that_loses_its_pods_is_a_warning() {
    let mirroring = status(READY, "True", "Mirroring", &challenger("1.3.0"));
    let lost = status(READY, "False", "PodsNotReady", &challenger("1.3.0"));
    assert_eq!(published(&mirroring, &lost), warning("PodsNotReady"));
}

#[test]
fn the_promotion_of_a_challenger_is_not_a_warning() {
    let mirroring = status(READY, "True", "Mirroring", &challenger("1.3.0"));
    let promoted = status(READY, "False", "IsMain", &json!({}));
    assert_eq!(published(&mirroring, &promoted), normal("IsMain"));
}

#[test]
fn the_replacement_and_the_removal_of_a_challenger_have_an_event() {
    let mirroring = status(READY, "True", "Mirroring", &challenger("1.3.0"));
    let other = status(READY, "True", "Mirroring", &challenger("1.4.0"));
    assert_eq!(published(&mirroring, &other), normal("ChallengerReady"));
    assert_eq!(published(&mirroring, &ModelDeploymentStatus::default()), normal("ChallengerRemoved"));
}

#[test]
fn drift_has_an_event_when_it_begins_when_another_feature_drifts_and_when_it_ends() {
    let fine = status(DATA_DRIFT, "False", "NoDrift", &json!({}));
    let one = status(DATA_DRIFT, "True", "Drifts", &drifting(&["age"]));
    let two = status(DATA_DRIFT, "True", "Drifts", &drifting(&["age", "income"]));
    assert_eq!(published(&fine, &one), warning("DataDrift"));
    assert_eq!(published(&one, &one), []);
    assert_eq!(published(&one, &two), warning("DataDrift"));
    assert_eq!(published(&two, &one), []);
    assert_eq!(published(&one, &fine), normal("DataDriftOver"));
}

#[test]
fn too_few_calls_after_a_start_have_no_event() {
    let few = status(DATA_DRIFT, "Unknown", "TooFewSamples", &json!({}));
    let fine = status(DATA_DRIFT, "False", "NoDrift", &json!({}));
    assert_eq!(published(&ModelDeploymentStatus::default(), &few), []);
    assert_eq!(published(&few, &fine), []);
}
