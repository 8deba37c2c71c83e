use rstest::rstest;
use serde_json::json;

use super::*;
use crate::{
    approval::{
        conditions,
        decide::{self, tests::observed},
        observe::Observed,
        requirements,
    },
    fixtures::{EARLIER, NOW, at, condition, digest, now, version, with},
};

fn missing() -> Proof {
    Proof::Missing { error: "the model failed on inputs of zeros: Gather".to_owned() }
}

/// A version in Staging with a request for Production that only a proof can hold, and this condition `Proven`.
fn asked(proven: Option<(&str, &str)>) -> Observed {
    let mut status = decide::tests::pending("Production", "Staging");
    status["acceptance"] = json!({"verdict": "Passed", "by": "tess", "at": "2026-11-21T11:30:00Z"});
    if let Some((is_proven, reason)) = proven {
        status = with(status, condition(PROVEN, is_proven, reason, "m"));
    }
    observed(decide::tests::version("Staging", "Production", &json!({}), status))
}

/// Status and reason of the condition after these pods have reported.
fn condition_after(observed: &Observed) -> Option<(String, String)> {
    let status = conditions::status(observed, None, now());
    condition::find(&status.conditions, PROVEN).map(|found| (found.status.clone(), found.reason.clone()))
}

fn holds(observed: &Observed) -> bool {
    requirements::unmet(observed).iter().any(|(reason, _)| *reason == reasons::Hold::NotProven)
}

#[rstest]
#[case::synthetic(Some(Proof::Synthetic), None)]
#[case::examples(Some(Proof::Examples { count: 7 }), Some(("True", "ExamplesReproduced")))]
#[case::call(Some(Proof::Call), Some(("True", "CallAnswered")))]
#[case::missing(Some(missing()), Some(("False", "NoInputWorked")))]
#[case::a_newer_server(Some(Proof::Unknown), None)]
#[case::nobody_was_asked(None, None)]
fn the_condition_says_what_is_known_about_a_model(
    #[case] proof: Option<Proof>,
    #[case] expected: Option<(&str, &str)>,
) {
    let observed = Observed { proof, ..asked(None) };
    let expected = expected.map(|(status, reason)| (status.to_owned(), reason.to_owned()));
    assert_eq!(condition_after(&observed), expected);
}

#[test]
fn the_condition_of_an_unproven_model_says_why_and_what_to_do() {
    let observed = Observed { proof: Some(missing()), ..asked(None) };
    let status = conditions::status(&observed, None, now());
    let message = &condition::find(&status.conditions, PROVEN).expect("the condition").message;
    for words in ["Gather", "call this version in Staging", "spec.examples"] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_version_whose_model_never_answered_is_held_before_production() {
    assert!(holds(&Observed { proof: Some(missing()), ..asked(None) }));
    assert!(holds(&asked(Some(("False", "NoInputWorked")))), "also in a pass that asks no pod");
}

#[rstest]
#[case::it_has_answered_since(asked(Some(("False", "NoInputWorked"))), Some(Proof::Call))]
#[case::it_answered_before(asked(Some(("True", "CallAnswered"))), None)]
#[case::its_pods_were_started_again(asked(Some(("True", "CallAnswered"))), Some(missing()))]
#[case::synthetic_inputs_work(asked(None), Some(Proof::Synthetic))]
#[case::its_server_is_older(asked(None), None)]
fn a_version_whose_model_answers_is_not_held(#[case] observed: Observed, #[case] proof: Option<Proof>) {
    assert!(!holds(&Observed { proof, ..observed }));
}

#[test]
fn a_pod_that_starts_again_does_not_take_the_proof_away() {
    let observed = Observed { proof: Some(missing()), ..asked(Some(("True", "CallAnswered"))) };
    assert_eq!(condition_after(&observed), Some(("True".to_owned(), "CallAnswered".to_owned())));
}

#[test]
fn another_version_of_the_same_name_has_no_proof() {
    let recreated = version("1.3.0", json!({}));
    assert!(!is_proven(&recreated));
    assert!(holds(&Observed { proof: Some(missing()), version: recreated, ..asked(None) }));
}

#[test]
fn one_pod_that_has_answered_is_enough() {
    let both = [[missing(), Proof::Call], [Proof::Call, missing()]];
    for pods in both {
        let best = pods.iter().fold(None, |known, pod| Some(better(known, pod)));
        assert_eq!(best, Some(Proof::Call));
    }
    assert_eq!(better(Some(missing()), &Proof::Unknown), missing());
}

#[test]
fn pods_are_asked_again_only_while_a_proof_is_missing() {
    let ready = |observed: Observed| {
        let mut observed = observed;
        let address = crate::cluster::pods::Address { ip: "10.0.0.7".to_owned(), identity: "pod".to_owned() };
        observed.pods.ready_addresses = vec![address];
        let model = json!({"inputs": [], "outputs": [], "opset": 17, "bytes": 1});
        observed.version.status.get_or_insert_default().model = Some(crate::fixtures::parse(model));
        observed.ask_again_after(now())
    };
    assert!(ready(asked(Some(("False", "NoInputWorked")))).is_some());
    assert!(ready(Observed { proof: Some(missing()), ..asked(None) }).is_some());
    assert_eq!(ready(asked(Some(("True", "CallAnswered")))), None);
    assert_eq!(ready(asked(None)), None);
}

#[rstest]
#[case::no_input_worked("Staging", "False", Some(EARLIER))]
#[case::main("Production", "False", Some(EARLIER))]
#[case::it_has_answered("Staging", "True", None)]
#[case::without_pods("Archived", "False", None)]
fn a_served_version_waits_for_a_proof_since_no_input_worked(
    #[case] stage: &str,
    #[case] is_proven: &str,
    #[case] since: Option<&str>,
) {
    let status = with(json!({"stage": stage}), condition(PROVEN, is_proven, "r", "m"));
    assert_eq!(unproven_since(&version("1.3.0", json!({"status": status}))), since.map(at));
}

#[test]
fn the_time_in_the_archive_does_not_count_as_waiting_for_a_proof() {
    let approval = json!({
        "id": "6f1c2b", "from": "Archived", "to": "Staging", "requestedBy": "alice", "requestedAt": NOW,
        "decision": "Approved", "decidedBy": "bob", "decidedAt": NOW, "digest": digest("1.3.0"),
    });
    let status = json!({"stage": "Staging", "history": [approval]});
    let status = with(status, condition(PROVEN, "False", "NoInputWorked", "m"));
    assert_eq!(unproven_since(&version("1.3.0", json!({"status": status}))), Some(now()));
}
