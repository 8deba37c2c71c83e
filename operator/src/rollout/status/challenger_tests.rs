//! What the status says of challenger, comparison and drift, from pass to pass.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use understudy_crds::ModelVersion;
use understudy_stats as stats;

use super::*;
use crate::{
    fixtures::{self, EARLIER, at, deployment, digest, now, ready_pod},
    model_server::summary::Collected,
};

fn earlier() -> Timestamp {
    at(EARLIER)
}

fn version(number: &str, baseline: &Value) -> ModelVersion {
    fixtures::version(number, json!({"spec": {"baseline": baseline}}))
}

fn with_baseline() -> ModelVersion {
    version("1.2.0", &json!({"uri": "s3://m/b", "sha256": "0"}))
}

fn challenger() -> Challenger {
    Challenger::Accepted(Arc::new(version("1.3.0", &json!(null))))
}

/// A deployment with a challenger of two pods, of which `ready` are ready.
fn observed(ready: usize) -> Observed {
    let md = deployment(json!({"spec": {
        "challenger": {"version": "1.3.0", "samplePercent": 50, "replicas": 2},
        "drift": {"minSamples": 100},
    }}));
    let pods = vec![ready_pod("1.3.0", "10.0.0.7"); ready];
    Observed::new(Arc::new(md), vec![], pods, BTreeMap::new())
}

/// What pods of 1.2.0 have seen: one feature, in the training data half and half, and now as `counts` say.
fn collected(counts: [u64; 2]) -> Collected {
    let mut summary = stats::Summary::new(identity(&with_baseline()));
    summary.drift = Some(stats::Drift {
        window_seconds: 3600,
        columns: vec![stats::ColumnDrift::new(
            stats::ColumnRole::Input,
            "age",
            stats::ColumnKind::Numeric,
            [vec![5000, 5000], counts.to_vec()],
        )],
    });
    Collected { summary: Some(summary), requested: 2, answered: 2 }
}

const SHIFTED: [u64; 2] = [50, 950];
const ALIKE: [u64; 2] = [500, 500];

fn pass(
    before: &ModelDeploymentStatus,
    (main, challenger, collected): (&ModelVersion, &Challenger, Option<Collected>),
    ready: usize,
    now: Timestamp,
) -> ModelDeploymentStatus {
    let mut status = before.clone();
    fill_in(&mut status, &observed(ready), &Calls { main: Some(main), challenger, collected }, now);
    status
}

fn said(status: &ModelDeploymentStatus, type_: &str) -> Option<(String, String, String)> {
    condition::find(&status.conditions, type_)
        .map(|c| (c.status.clone(), c.reason.clone(), c.message.clone()))
}

fn is(status: &str, reason: &str, message: &str) -> (String, String, String) {
    (status.to_owned(), reason.to_owned(), message.to_owned())
}

fn fresh() -> ModelDeploymentStatus {
    ModelDeploymentStatus::default()
}

#[test]
fn a_challenger_that_gets_copies_is_named_with_its_share_and_its_pods() {
    let main = version("1.2.0", &json!(null));
    let status = pass(&fresh(), (&main, &challenger(), None), 1, earlier());
    let named = status.challenger.clone().expect("a challenger");
    assert_eq!((named.version.as_str(), named.model_version.as_str()), ("1.3.0", "fraud-1.3.0"));
    assert_eq!(
        (named.digest.as_str(), named.since.0, named.ready_replicas),
        (digest("1.3.0").as_str(), earlier(), 1)
    );
    let message = "1.3.0 gets a copy of 50 % of main's calls; 1 of 2 of its pods are ready";
    assert_eq!(said(&status, CHALLENGER_READY), Some(is("True", "Mirroring", message)));
    let later = pass(&status, (&main, &challenger(), None), 1, now());
    assert_eq!(later, status, "time alone changes nothing");
}

#[test]
fn a_challenger_whose_pods_are_away_stays_and_is_reported_as_not_ready() {
    let main = version("1.2.0", &json!(null));
    let before = pass(&fresh(), (&main, &challenger(), None), 2, earlier());
    let status = pass(&before, (&main, &challenger(), None), 0, now());
    assert_eq!(status.challenger.as_ref().map(|c| c.since.0), Some(earlier()));
    let message = "no pod of 1.3.0 is ready: copies of calls are dropped meanwhile";
    assert_eq!(said(&status, CHALLENGER_READY), Some(is("False", "PodsNotReady", message)));
}

#[test]
fn a_refused_challenger_leaves_only_its_reason_and_a_removed_one_leaves_nothing() {
    let main = version("1.2.0", &json!(null));
    let before = pass(&fresh(), (&main, &challenger(), None), 2, earlier());
    let refused = Challenger::refused_by("Archived", "1.3.0 is archived".to_owned());
    let status = pass(&before, (&main, &refused, None), 2, now());
    assert!(status.challenger.is_none());
    assert_eq!(said(&status, CHALLENGER_READY), Some(is("False", "Archived", "1.3.0 is archived")));
    assert_eq!(pass(&status, (&main, &Challenger::NotNamed, None), 2, now()), fresh());
}

#[test]
fn only_a_main_with_a_baseline_has_drift_conditions() {
    let none = Challenger::NotNamed;
    let main = with_baseline();
    let status = pass(&fresh(), (&main, &none, Some(collected(SHIFTED))), 0, now());
    let (value, reason, message) = said(&status, DATA_DRIFT).expect("a condition");
    assert_eq!((value.as_str(), reason.as_str()), ("True", "Drifts"));
    assert!(message.starts_with("1 of 1 inputs drift") && message.contains("age"), "{message}");
    assert_eq!(said(&status, PREDICTION_DRIFT), None, "the baseline has no output");
    let features = status.drift.clone().expect("drift").features;
    assert_eq!((features.len(), features[0].name.as_str(), features[0].samples), (1, "age", 1000));

    let successor = version("1.3.0", &json!(null));
    assert_eq!(pass(&status, (&successor, &none, None), 0, now()), fresh());
}

#[test]
fn drift_conditions_stay_until_the_next_collection_and_do_not_change_with_time_alone() {
    let (main, none) = (with_baseline(), Challenger::NotNamed);
    let before = pass(&fresh(), (&main, &none, Some(collected(SHIFTED))), 0, earlier());
    assert_eq!(pass(&before, (&main, &none, None), 0, now()), before);
    assert_eq!(pass(&before, (&main, &none, Some(collected(SHIFTED))), 0, now()), before);
    let over = pass(&before, (&main, &none, Some(collected(ALIKE))), 0, now());
    assert_eq!(said(&over, DATA_DRIFT).map(|s| s.1).as_deref(), Some("NoDrift"));
    assert_eq!(over.drift.map(|d| d.features), Some(vec![]));
}

#[test]
fn missing_summaries_neither_end_a_drift_nor_mean_that_none_exists() {
    let (main, none) = (with_baseline(), Challenger::NotNamed);
    let silence = || Some(Collected { summary: None, requested: 2, answered: 0 });
    let unknown = pass(&fresh(), (&main, &none, silence()), 0, earlier());
    let message = "0 of 2 pods of main sent a summary";
    assert_eq!(said(&unknown, DATA_DRIFT), Some(is("Unknown", "NoAnswer", message)));
    let drifting = pass(&fresh(), (&main, &none, Some(collected(SHIFTED))), 0, earlier());
    let silent = pass(&drifting, (&main, &none, silence()), 0, now());
    assert_eq!((said(&silent, DATA_DRIFT), silent.drift), (said(&drifting, DATA_DRIFT), drifting.drift));
}

#[test]
fn pods_that_compare_nothing_with_the_baseline_are_reported() {
    let (main, none) = (with_baseline(), Challenger::NotNamed);
    let sent = Collected { summary: Some(stats::Summary::new(identity(&main))), requested: 1, answered: 1 };
    let status = pass(&fresh(), (&main, &none, Some(sent)), 0, now());
    assert_eq!(said(&status, DATA_DRIFT).map(|s| s.1).as_deref(), Some("NotMeasured"));
}
