//! What an approval for Production waits for.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use understudy_crds::{Failure, Gate};

use super::{
    tests::{approval_by, hold, observed, pending, step, version},
    *,
};
use crate::{
    approval::record,
    cluster::pods::Pods,
    fixtures::{NOW, now},
};

fn accepted_pending() -> Value {
    let mut status = pending("Production", "Staging");
    status["acceptance"] = json!({"verdict": "Passed", "by": "tess", "at": "2026-11-21T11:30:00Z"});
    status
}

#[rstest]
#[case(json!({}), reasons::Hold::AcceptanceMissing)]
#[case(json!({"verdict": "Failed", "by": "tess", "at": NOW}), reasons::Hold::AcceptanceFailed)]
fn production_waits_for_the_acceptance_test(#[case] acceptance: Value, #[case] reason: reasons::Hold) {
    let mut status = pending("Production", "Staging");
    if acceptance.as_object().is_some_and(|a| !a.is_empty()) {
        status["acceptance"] = acceptance;
    }
    let held = hold(&observed(version("Staging", "Production", &approval_by("bob"), status)));
    assert_eq!((held.reason, held.approved), (reason, true));
}

#[rstest]
#[case(Some(0.98), false, None)]
#[case(None, true, Some(0.99))]
fn production_waits_for_the_metrics_gate(
    #[case] min: Option<f64>,
    #[case] not_worse_than_main: bool,
    #[case] of_main: Option<f64>,
) {
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), accepted_pending()));
    o.rules.gates = vec![Gate { metric: "auc".to_owned(), min, not_worse_than_main }];
    if let Some(value) = of_main {
        let mut main = version("Production", "Production", &json!({}), json!({}));
        main.spec.evaluation.as_mut().expect("an evaluation").metrics[0].value = value;
        o.main = Some(Arc::new(main));
    }
    assert_eq!(hold(&o).reason, reasons::Hold::GateFailed);
}

#[test]
fn a_gate_on_a_metric_that_was_not_measured_holds() {
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), accepted_pending()));
    o.rules.gates = vec![Gate { metric: "recall".to_owned(), min: Some(0.1), not_worse_than_main: false }];
    assert!(hold(&o).message.contains("no metric recall"));
}

#[test]
fn production_waits_until_a_pod_is_ready_in_staging_and_the_message_says_why_none_is() {
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), accepted_pending()));
    o.pods = Pods { total: 1, failure: Some(missing()), ..Pods::default() };
    let held = hold(&o);
    assert_eq!((held.reason, held.approved), (reasons::Hold::NotServing, true));
    assert!(held.message.contains("approved by bob, but none of its pods is ready"), "{}", held.message);
    assert!(held.message.contains("ArtifactNotFound: no file exists at s3://models/x"), "{}", held.message);
    o.pods.ready = 1;
    assert_eq!(step(&o), Step::Approve { by: "bob".to_owned(), comment: None });
}

#[test]
fn a_version_that_returns_from_the_archive_has_no_pods_before_its_approval() {
    let mut status = pending("Production", "Archived");
    status["acceptance"] = accepted_pending()["acceptance"].clone();
    let mut o = observed(version("Archived", "Production", &approval_by("bob"), status));
    o.pods = Pods::default();
    assert_eq!(step(&o), Step::Approve { by: "bob".to_owned(), comment: None });
}

/// A pod ended because its file does not exist.
fn missing() -> Failure {
    Failure {
        reason: "ArtifactNotFound".to_owned(),
        message: "no file exists at s3://models/x".to_owned(),
        at: now().into(),
    }
}

#[test]
fn with_all_met_production_is_approved_and_the_stage_follows_only_when_it_serves() {
    let o = observed(version("Staging", "Production", &approval_by("bob"), accepted_pending()));
    let approved = step(&o);
    assert_eq!(approved, Step::Approve { by: "bob".to_owned(), comment: None });
    let after = record::apply(&o, &approved, None, now());
    assert_eq!(after.stage, Stage::Staging);
    assert_eq!(after.transition.and_then(|t| t.approval).map(|g| g.by).as_deref(), Some("bob"));
    assert_eq!(after.history[0].decision, Decision::Approved);
}
