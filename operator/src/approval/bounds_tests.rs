//! Whatever people, pods and models write, the status of a version fits into its schema, and no write repeats itself.

use std::sync::{Arc, LazyLock};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use understudy_crds::{
    Approval, Failure, HISTORY_CAPACITY, ModelVersionStatus, Stage, TensorSpec,
    conformance::{flaws, schema},
};

use super::*;
use crate::{
    cluster::pods::Pods,
    fixtures::{REQUEST, approved, at, decided, deployment, main_is, now, request, version, with},
};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema::<ModelVersion>("status"));

/// A text of characters of one to four bytes, up to 6,000 of them.
fn text() -> impl Strategy<Value = String> {
    let long = (select(vec!["a", "é", "…", "😀", "\u{0}", "e\u{301}"]), 0..6_000_usize)
        .prop_map(|(text, times)| text.repeat(times));
    let near = (select(vec![64_usize, 256, 1024, 4096]), 0..3_usize, select(vec!["a", "é"]))
        .prop_map(|(limit, more, text)| text.repeat(limit - 1 + more));
    prop_oneof![long, near, any::<String>()]
}

fn texts_or(values: &[&'static str]) -> impl Strategy<Value = Option<String>> {
    let values = values.to_vec();
    option::of(prop_oneof![3 => select(values).prop_map(str::to_owned), 1 => text()])
}

/// All annotations by which people act on a version.
fn annotations() -> impl Strategy<Value = Value> {
    let decision = (texts_or(&[REQUEST]), texts_or(&["bob"]), texts_or(&[REQUEST]), texts_or(&["bob"]));
    let verdict = (texts_or(&["passed", "failed"]), texts_or(&["tess"]), option::of(text()));
    (texts_or(&["alice"]), decision, option::of(text()), verdict).prop_map(
        |(
            requested_by,
            (approve, approved_by, reject, rejected_by),
            reason,
            (accept, accepted_by, feedback),
        )| {
            let all = [
                ("requested-by", requested_by),
                ("approve", approve),
                ("approved-by", approved_by),
                ("reject", reject),
                ("rejected-by", rejected_by),
                ("reason", reason),
                ("accept", accept),
                ("accepted-by", accepted_by),
                ("feedback", feedback),
            ];
            all.into_iter()
                .filter_map(|(key, value)| Some((format!("understudy.dev/{key}"), json!(value?))))
                .collect::<serde_json::Map<_, _>>()
                .into()
        },
    )
}

/// A stage, the requested stage, and the open request.
fn states() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let request = |from, to| request("1.3.0", from, to);
    select(vec![
        ("None", "Staging", json!(null)),
        ("None", "Staging", request("None", "Staging")),
        ("None", "None", request("None", "Staging")),
        ("None", "None", approved(request("None", "Staging"))),
        ("Staging", "Staging", json!(null)),
        ("Staging", "Archived", json!(null)),
        ("Staging", "Production", request("Staging", "Production")),
        ("Staging", "Staging", approved(request("Staging", "Production"))),
        ("Staging", "Production", approved(request("Staging", "Production"))),
        ("Production", "Production", json!(null)),
        ("Production", "Archived", request("Production", "Archived")),
        ("Archived", "Archived", json!(null)),
        ("Archived", "Staging", request("Archived", "Staging")),
    ])
}

/// A history of this many entries, with that of the approval of the open request, if it is approved.
fn history(count: usize, transition: &Value) -> Vec<Value> {
    let entry = |index| {
        decided(
            &with(request("1.3.0", "None", "Staging"), json!({"id": format!("{index}")})),
            "Expired",
            "bob",
        )
    };
    let mut all: Vec<_> = (0..count).map(entry).collect();
    if !transition["approval"].is_null() {
        all.pop();
        all.push(decided(transition, "Approved", "bob"));
    }
    all
}

prop_compose! {
    fn observed()(
        (stage, spec_stage, transition) in states(),
        annotations in annotations(),
        entries in select(vec![0, 1, 60, 61, 63, 64, HISTORY_CAPACITY - 2, HISTORY_CAPACITY - 1]),
        main in option::of(select(vec!["1.3.0", "9.9.9"])),
        by in text(),
        failure in option::of((text(), text())),
        exists in proptest::bool::weighted(0.9),
    ) -> Observed {
        let history = history(entries, &transition);
        let status = json!({"stage": stage, "transition": transition, "history": history});
        let mut md = main.map_or_else(|| json!({}), main_is);
        if main.is_some() {
            md["history"][0]["requestedBy"] = json!(by);
            md["main"]["transition"] = json!(if by.len() % 2 == 0 { REQUEST } else { "rollback:1.3.0#1" });
        }
        let parts = json!({"metadata": {"annotations": annotations}, "spec": {"stage": spec_stage}, "status": status});
        let at = Time(at("2026-11-21T11:30:00Z"));
        Observed {
            version: version("1.3.0", parts),
            deployment: exists.then(|| Arc::new(deployment(json!({"status": md})))),
            pods: Pods {
                total: 1,
                failure: failure.map(|(reason, message)| Failure { reason, message, at }),
                ..Pods::default()
            },
            ..in_production(0)
        }
    }
}

/// Most steps until a version rests. More means that a step repeats itself.
const STEPS: usize = 6;

/// Passes over the version until nothing is left to do.
fn settle(mut observed: Observed) -> Result<ModelVersionStatus, TestCaseError> {
    for _ in 0..STEPS {
        let before = observed.version.history().to_vec();
        let (next, rests) = match decide::decide(&observed, now()) {
            NextStep::Act(step) => {
                let unrecorded = record::unrecorded(&observed, &step, now()).len();
                let next = record::apply(&observed, &step, None, now());
                prop_assert!(
                    unrecorded == 0 || next.history.len() == HISTORY_CAPACITY - 1,
                    "{unrecorded} entries were left out of {}",
                    next.history.len()
                );
                (next, false)
            }
            NextStep::Hold(hold) => (conditions::status(&observed, Some(&hold), now()), true),
            NextStep::Rest => (conditions::status(&observed, None, now()), true),
        };
        let found = flaws(&SCHEMA, &serde_json::to_value(&next).expect("a status serialises"));
        prop_assert!(found.is_empty(), "{found:?}");
        prop_assert!(next.history.starts_with(&before), "the history only grows");
        let same = observed.version.status.as_ref() == Some(&next);
        observed.version.status = Some(next.clone());
        if rests && same {
            return Ok(next);
        }
    }
    Err(TestCaseError::fail(format!("more than {STEPS} writes: {:?}", decide::decide(&observed, now()))))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_annotations_and_pods_say_the_status_is_accepted_and_comes_to_rest(observed in observed()) {
        settle(observed)?;
    }

    #[test]
    fn whatever_a_model_looks_like_its_signature_is_accepted(
        names in vec(text(), 0..4),
        count in 0..300_usize,
        shape in vec(any::<i64>(), 0..40),
        datatype in text(),
    ) {
        let tensor = |name: &String| TensorSpec {
            name: name.clone(),
            datatype: datatype.clone(),
            shape: shape.clone(),
            any_shape: true,
        };
        let listed: Vec<_> = names.iter().cycle().take(count).map(tensor).collect();
        let mut version = version("1.3.0", json!({}));
        version.status = Some(ModelVersionStatus {
            model: Some(understudy_crds::ModelSignature {
                inputs: listed.clone(), outputs: listed, omitted: 0, opset: 17, bytes: 1,
            }),
            ..ModelVersionStatus::default()
        });
        let observed = Observed { version, deployment: None, ..in_production(0) };
        let status = conditions::status(&observed, None, now());
        let found = flaws(&SCHEMA, &serde_json::to_value(status).expect("a status"));
        prop_assert!(found.is_empty(), "{found:?}");
    }
}

fn in_production(entries: usize) -> Observed {
    let history = history(entries, &json!(null));
    let parts =
        json!({"spec": {"stage": "Production"}, "status": {"stage": "Production", "history": history}});
    Observed {
        version: version("1.3.0", parts),
        deployment: Some(Arc::new(deployment(json!({"status": main_is("9.9.9")})))),
        main: None,
        rules: Approval::default(),
        duplicate_of: None,
        other_in_production: false,
        deployment_unreadable: false,
        unreadable_sibling: None,
        image_refusal: None,
        proof: None,
        pods: Pods::default(),
    }
}

#[test]
fn a_version_whose_history_has_no_room_for_requests_still_records_that_it_was_replaced() {
    let status = settle(in_production(64)).expect("it comes to rest");
    assert_eq!((status.stage, status.history.len()), (Stage::Archived, 65));
}

#[test]
fn a_version_with_a_full_history_is_still_archived_and_the_step_is_announced() {
    let full = in_production(HISTORY_CAPACITY - 1);
    let NextStep::Act(step) = decide::decide(&full, now()) else { panic!("it was replaced") };
    let announced = record::unrecorded(&full, &step, now());
    assert_eq!(
        notes::unrecorded(&announced[0]),
        "Production -> Archived, superseded by bob, has no entry in status.history, which is full: publish the model as a new version"
    );
    let status = settle(full).expect("it comes to rest");
    assert_eq!((status.stage, status.history.len()), (Stage::Archived, HISTORY_CAPACITY - 1));
}

#[test]
fn a_request_that_is_withdrawn_after_its_approval_has_two_entries_with_different_ids() {
    let transition = approved(request("1.3.0", "Staging", "Production"));
    let history = history(1, &transition);
    let status = json!({"stage": "Staging", "transition": transition, "history": history});
    let observed = Observed {
        version: version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": status})),
        deployment: Some(Arc::new(deployment(json!({})))),
        ..in_production(0)
    };
    let history = settle(observed).expect("it comes to rest").history;
    let decisions: Vec<_> = history.iter().map(|entry| entry.decision.as_str()).collect();
    assert_eq!(decisions, ["Approved", "Withdrawn"]);
    assert_ne!(history[0].id, history[1].id);
}

#[test]
fn an_approval_in_a_name_that_is_too_long_for_the_record_waits_and_says_so() {
    let annotations =
        json!({"understudy.dev/approve": REQUEST, "understudy.dev/approved-by": "b".repeat(257)});
    let status = json!({"stage": "None", "transition": request("1.3.0", "None", "Staging")});
    let parts =
        json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Staging"}, "status": status});
    let observed = Observed {
        version: version("1.3.0", parts),
        deployment: Some(Arc::new(deployment(json!({})))),
        ..in_production(0)
    };
    let NextStep::Hold(hold) = decide::decide(&observed, now()) else { panic!("it must wait") };
    assert_eq!(hold.reason, reasons::Hold::NameTooLong);
    assert_eq!(hold.message, "the name in understudy.dev/approved-by has 257 characters, more than 256");
}
