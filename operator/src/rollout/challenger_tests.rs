//! Who may be challenger, and why others may not.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::{self, EARLIER, approval, condition, decided, digest, ready_pod, request, starting_pod, with},
    rollout::build::routing,
};

/// An entry of the history of 1.3.0: alice requested this stage, `by` approved these bytes.
fn approved(to: &str, by: &str, digest: &str) -> Value {
    with(decided(&request("1.3.0", "None", to), "Approved", by), json!({"digest": digest}))
}

fn model(features: i64) -> Value {
    json!({
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, features]}],
        "outputs": [{"name": "label", "datatype": "INT64", "shape": [-1]}],
        "opset": 17, "bytes": 1,
    })
}

/// A version that may be challenger, with something of its status changed.
fn version(number: &str, stage: &str, change: Value) -> Arc<ModelVersion> {
    let status = json!({"stage": stage, "history": [approval(number, "Staging")], "model": model(30)});
    Arc::new(fixtures::version(number, json!({"status": with(status, change)})))
}

/// A deployment that names 1.3.0 as challenger of main, which is 1.2.0; 1.3.0 has one pod.
fn observed(status: &Value, versions: Vec<Arc<ModelVersion>>, pod: Arc<Pod>) -> Observed {
    let parts = json!({"spec": {"challenger": {"version": "1.3.0"}}, "status": status});
    Observed::new(Arc::new(fixtures::deployment(parts)), versions, vec![pod], BTreeMap::new())
}

fn ready() -> Arc<Pod> {
    ready_pod("1.3.0", "10.0.0.7")
}

fn starting() -> Arc<Pod> {
    starting_pod("1.3.0")
}

fn main_version() -> Arc<ModelVersion> {
    version("1.2.0", "Production", json!({}))
}

fn judged(challenger: Arc<ModelVersion>) -> Challenger {
    let main = main_version();
    judge(&observed(&json!({}), vec![Arc::clone(&main), challenger], ready()), Some(&main))
}

/// The routing that pods of this deployment get.
fn routed(judged: &Challenger) -> String {
    let main = main_version();
    let md = observed(&json!({}), vec![], ready()).md;
    let challenger = judged.accepted().map(AsRef::as_ref);
    serde_json::to_string(&routing(&md, Some("1.2.0"), Some(main.as_ref()), challenger)).expect("JSON")
}

/// What is said, and whether it is worth waiting.
fn said(challenger: Challenger) -> (&'static str, String, bool) {
    match challenger {
        Challenger::Refused(refusal) => (refusal.reason, refusal.message, false),
        Challenger::Awaited(_, refusal) => (refusal.reason, refusal.message, true),
        Challenger::Accepted(version) => panic!("{} was accepted", version.spec.version),
        Challenger::NotNamed => panic!("none was named"),
    }
}

#[test]
fn a_version_that_a_second_person_let_into_staging_and_that_fits_gets_copies() {
    let challenger = judged(version("1.3.0", "Staging", json!({})));
    assert_eq!(challenger.accepted().map(|v| v.name_any()).as_deref(), Some("fraud-1.3.0"));
    assert!(routed(&challenger).contains("1.3.0"));
}

#[rstest]
#[case::it_was_never_requested(
    "None", json!({"history": []}), "NotApproved",
    "1.3.0 is in stage None, and a challenger must be approved for Staging: request that stage and have it approved"
)]
#[case::it_waits_for_its_approval(
    "None", json!({"history": [], "transition": request("1.3.0", "None", "Staging")}), "NotApproved",
    "1.3.0 is in stage None, and a challenger must be approved for Staging: request that stage and have it approved"
)]
#[case::nobody_approved_what_is_in_staging(
    "Staging", json!({"history": []}), "NotApproved",
    "no second person has approved 1.3.0 with {digest} for Staging: archive it, and request Staging again"
)]
#[case::other_bytes_were_approved(
    "Staging", json!({"history": [approved("Staging", "bob", "sha256:other")]}), "NotApproved",
    "no second person has approved 1.3.0 with {digest} for Staging: archive it, and request Staging again"
)]
#[case::it_was_approved_by_its_requester(
    "Staging", json!({"history": [approved("Staging", "alice", &digest("1.3.0"))]}), "NotApproved",
    "no second person has approved 1.3.0 with {digest} for Staging: archive it, and request Staging again"
)]
#[case::it_was_approved_for_another_stage(
    "Staging", json!({"history": [approved("Production", "bob", &digest("1.3.0"))]}), "NotApproved",
    "no second person has approved 1.3.0 with {digest} for Staging: archive it, and request Staging again"
)]
#[case::it_is_archived(
    "Archived", json!({}), "Archived",
    "1.3.0 is archived: request Staging again and have it approved"
)]
#[case::it_was_main_and_leaves_production(
    "Production", json!({}), "NotApproved",
    "1.3.0 is in stage Production, and a challenger must be approved for Staging: request that stage and have it approved"
)]
#[case::its_signature_is_another(
    "Staging", json!({"model": model(29)}), "SignatureMismatch",
    "1.3.0 cannot answer main's calls: the input features is FP32 [-1, 30] in main and FP32 [-1, 29] in the challenger; publish a version that fits, or name another one"
)]
fn a_version_is_refused_because(
    #[case] stage: &str,
    #[case] change: Value,
    #[case] reason: &str,
    #[case] message: &str,
) {
    let judged = judged(version("1.3.0", stage, change));
    assert!(!routed(&judged).contains("1.3.0"), "a refused version is not in the routing");
    let (found, words, waits) = said(judged);
    assert_eq!((found, words, waits), (reason, message.replace("{digest}", &digest("1.3.0")), false));
}

#[test]
fn a_version_that_does_not_exist_here_is_refused_even_if_it_exists_elsewhere() {
    let main = main_version();
    let other = version("1.4.0", "Staging", json!({}));
    let found = judge(&observed(&json!({}), vec![Arc::clone(&main), other], ready()), Some(&main));
    let expected =
        "there is no version 1.3.0 of fraud in namespace risk: publish it, or name another one".to_owned();
    assert_eq!(said(found), ("NoSuchVersion", expected, false));
}

#[test]
fn the_version_that_is_main_does_not_get_its_own_calls() {
    let main = version("1.3.0", "Production", json!({}));
    let found = judge(&observed(&json!({}), vec![Arc::clone(&main)], ready()), Some(&main));
    let expected = "1.3.0 is main itself: name another version, or remove spec.challenger".to_owned();
    assert_eq!(said(found), ("IsMain", expected, false));
}

#[test]
fn without_a_main_there_is_nothing_to_copy() {
    let challenger = version("1.3.0", "Staging", json!({}));
    let found = judge(&observed(&json!({}), vec![challenger], ready()), None);
    let expected = "no version is in Production, so no calls exist to copy".to_owned();
    assert_eq!(said(found), ("NoMain", expected, false));
}

#[test]
fn a_challenger_whose_pods_have_never_answered_is_waited_for_and_the_wait_is_explained() {
    let serving = condition("Serving", "False", "DigestMismatch", "other bytes");
    let unknown = with(serving, json!({"model": null}));
    let found = said(judged(version("1.3.0", "Staging", unknown)));
    assert_eq!(found, ("Starting", "the pods of 1.3.0 have not answered yet: other bytes".to_owned(), true));
}

#[test]
fn a_main_whose_pods_have_never_answered_is_waited_for() {
    let main = version("1.2.0", "Production", json!({"model": null}));
    let challenger = version("1.3.0", "Staging", json!({}));
    let found = judge(&observed(&json!({}), vec![Arc::clone(&main), challenger], ready()), Some(&main));
    assert_eq!(said(found), ("Starting", "the pods of main, 1.2.0, have not answered yet".to_owned(), true));
}

#[test]
fn no_copy_goes_to_a_challenger_before_one_of_its_pods_is_ready() {
    let (main, challenger) = (main_version(), version("1.3.0", "Staging", json!({})));
    let found = judge(&observed(&json!({}), vec![Arc::clone(&main), challenger], starting()), Some(&main));
    assert!(!routed(&found).contains("1.3.0"));
    assert_eq!(said(found), ("PodsNotReady", "no pod of 1.3.0 is ready".to_owned(), true));
}

fn accepted_before(digest: &str) -> Value {
    json!({"challenger": {"version": "1.3.0", "modelVersion": "fraud-1.3.0", "digest": digest, "since": EARLIER}})
}

#[test]
fn a_challenger_keeps_its_place_while_its_pods_restart_so_that_the_comparison_continues() {
    let (main, challenger) = (main_version(), version("1.3.0", "Staging", json!({})));
    let observed =
        observed(&accepted_before(&digest("1.3.0")), vec![Arc::clone(&main), challenger], starting());
    assert!(judge(&observed, Some(&main)).accepted().is_some());
}

#[test]
fn the_place_of_other_bytes_under_the_same_name_is_not_kept() {
    let (main, challenger) = (main_version(), version("1.3.0", "Staging", json!({})));
    let observed =
        observed(&accepted_before("sha256:other"), vec![Arc::clone(&main), challenger], starting());
    assert!(judge(&observed, Some(&main)).accepted().is_none());
}

#[test]
fn a_challenger_that_is_archived_loses_its_place_immediately() {
    let (main, challenger) = (main_version(), version("1.3.0", "Archived", json!({})));
    let observed = observed(&accepted_before(&digest("1.3.0")), vec![Arc::clone(&main), challenger], ready());
    assert_eq!(said(judge(&observed, Some(&main))).0, "Archived");
}
