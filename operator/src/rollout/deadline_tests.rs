//! When a change of main has had its time.

use std::{collections::BTreeMap, sync::Arc};

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::{
        EARLIER, REQUEST, at, deployment, failing_pod, main_is, now, proven, rollback_to, rolling_out,
        version, with,
    },
    reasons::Waiting,
    rollout::{challenger::Challenger, closing::closing, plan::plan},
};

/// The leader has worked since before everything.
const LONG_AGO: &str = "2026-11-20T00:00:00Z";

/// 1.2.0 is main and 1.3.0, approved, is to replace it within 5 minutes.
fn observed(annotations: &Value, status: Value, of_candidate: &Value) -> Observed {
    let md = deployment(json!({
        "metadata": {"annotations": annotations}, "spec": {"rollout": {"deadline": "5m"}},
        "status": with(main_is("1.2.0"), status),
    }));
    let main = version("1.2.0", json!({"status": proven("1.2.0", "Production")}));
    let candidate = version("1.3.0", json!({"spec": {"stage": "Production"}, "status": of_candidate}));
    let failing = r#"{"reason":"ArtifactNotFound","message":"no file exists at s3://models/x"}"#;
    let pods = vec![failing_pod("1.3.0", failing, 1)];
    Observed::new(Arc::new(md), vec![Arc::new(main), Arc::new(candidate)], pods, BTreeMap::new())
}

fn promoting(rollout: &Value) -> Observed {
    observed(&json!({}), json!({"rollout": rollout}), &rolling_out("1.3.0"))
}

/// What the status says about the change of main.
fn recorded_change(parts: Value) -> Value {
    let base =
        json!({"version": "1.3.0", "modelVersion": "fraud-1.3.0", "transition": REQUEST, "message": "m"});
    with(base, parts)
}

fn waits() -> Readiness {
    Readiness::Wait { reason: Waiting::PodsNotReady, message: "0 of 1 pods of 1.3.0 are ready".to_owned() }
}

fn judged(observed: &Observed, leading: &str, time: &str) -> Deadline {
    let next = plan(observed, &Challenger::NotNamed, at(time)).next;
    judge(observed, &next, &waits(), at(leading), at(time)).expect("a version waits to become main")
}

#[test]
fn the_time_of_a_version_begins_when_it_is_its_turn_and_not_with_its_approval() {
    let of_another = recorded_change(json!({"transition": "ffffff", "since": EARLIER}));
    for rollout in [Value::Null, of_another] {
        let deadline = judged(&promoting(&rollout), LONG_AGO, "2026-11-21T15:00:00Z");
        assert_eq!((deadline.since, deadline.over), (at("2026-11-21T15:00:00Z"), None));
    }
}

#[rstest]
#[case::within_the_deadline("2026-11-21T11:04:59Z", false)]
#[case::at_its_end("2026-11-21T11:05:00Z", true)]
fn a_promotion_ends_after_the_deadline(#[case] time: &str, #[case] is_over: bool) {
    let deadline = judged(&promoting(&recorded_change(json!({"since": EARLIER}))), LONG_AGO, time);
    assert_eq!((deadline.since, deadline.over.is_some()), (at(EARLIER), is_over));
}

#[test]
fn the_message_of_the_end_says_what_was_missing_and_why() {
    let observed = promoting(&recorded_change(json!({"since": EARLIER})));
    let message = judged(&observed, LONG_AGO, "2026-11-21T12:00:00Z").over.expect("it is over");
    assert!(message.starts_with("1.3.0 did not become main within"), "{message}");
    for part in ["0 of 1 pods of 1.3.0 are ready", "ArtifactNotFound: no file exists at s3://models/x"] {
        assert!(message.contains(part), "{message:?} does not contain {part:?}");
    }
}

#[test]
fn time_without_an_operator_does_not_count() {
    let observed = promoting(&recorded_change(json!({"since": EARLIER})));
    let restarted = "2026-11-21T14:00:00Z";
    assert_eq!(judged(&observed, restarted, "2026-11-21T14:04:59Z").over, None);
    let deadline = judged(&observed, restarted, "2026-11-21T14:05:00Z");
    assert!(deadline.over.is_some());
    assert_eq!(deadline.since, at(EARLIER), "the record keeps the beginning");
}

#[test]
fn a_version_whose_pods_answer_is_promoted_however_late_it_is() {
    let observed = promoting(&recorded_change(json!({"since": EARLIER})));
    let next = plan(&observed, &Challenger::NotNamed, now()).next;
    let ready = Readiness::Change { md: Box::new(observed.md.as_ref().clone()) };
    assert_eq!(judge(&observed, &next, &ready, at(LONG_AGO), now()), None);
}

#[test]
fn a_rollback_has_the_same_time_from_its_request() {
    let pending = json!({"rollback": {
        "request": "1.3.0#1", "by": "carol", "at": "2026-11-21T11:30:00Z", "result": "Pending", "message": "m",
    }});
    let observed = observed(&rollback_to("1.3.0"), pending, &proven("1.3.0", "Archived"));
    assert_eq!(judged(&observed, LONG_AGO, "2026-11-21T11:34:59Z").over, None);
    assert!(judged(&observed, LONG_AGO, "2026-11-21T11:35:00Z").over.is_some());
}

fn candidate(observed: &Observed) -> Option<String> {
    match plan(observed, &Challenger::NotNamed, now()).next {
        Next::Promote(candidate) => Some(candidate.version.spec.version.clone()),
        _ => None,
    }
}

#[test]
fn a_promotion_that_is_over_is_not_tried_again_and_its_record_stays_until_the_request_is_closed() {
    let over = recorded_change(json!({"since": EARLIER, "deadlineExceeded": true}));
    let observed = promoting(&over);
    assert_eq!(candidate(&observed), None);
    assert!(closing(&observed).is_some());

    let closed = with(rolling_out("1.3.0"), json!({"transition": null}));
    let observed = self::observed(&json!({}), json!({"rollout": over}), &closed);
    assert!(closing(&observed).is_none());
}

#[test]
fn the_next_approved_version_follows_one_that_timed_out() {
    let over = recorded_change(json!({"since": EARLIER, "deadlineExceeded": true}));
    let mut observed = promoting(&over);
    let later = with(
        rolling_out("1.4.0"),
        json!({"transition": {"id": "d4", "approval": {"at": "2026-11-21T12:30:00Z"}}}),
    );
    let later = version("1.4.0", json!({"spec": {"stage": "Production"}, "status": later}));
    observed.versions.push(Arc::new(later));
    assert_eq!(candidate(&observed).as_deref(), Some("1.4.0"));
}

#[test]
fn a_new_request_of_a_version_that_timed_out_has_its_full_time() {
    let over = recorded_change(json!({"transition": "ffffff", "since": EARLIER, "deadlineExceeded": true}));
    let observed = promoting(&over);
    assert_eq!(candidate(&observed).as_deref(), Some("1.3.0"));
    assert_eq!(judged(&observed, LONG_AGO, "2026-11-21T15:00:00Z").over, None);
}
