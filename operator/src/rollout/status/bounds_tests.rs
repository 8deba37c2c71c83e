//! Whatever people and failures say, the status of a deployment fits into its schema, and a rollback is answered once.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use understudy_crds::{
    condition,
    conformance::{flaws, schema},
    limits,
};

use super::*;
use crate::{
    fixtures::{deployment, main_is, now, proven, version},
    policy::Enforcement,
    reasons::Waiting,
    rollout::{apply::Workloads, challenger::Challenger, plan::plan, routed::Routed, running::Running},
};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema::<ModelDeployment>("status"));

/// A text of characters of one to four bytes. Many are as long as a limit, or one longer.
fn text() -> impl Strategy<Value = String> {
    let near =
        (select(vec![240_usize, 256, 1024, limits::MESSAGE]), 0..18_usize, select(vec!["a", "é", "😀"]))
            .prop_map(|(limit, more, text)| text.repeat(limit - 8 + more));
    prop_oneof![near, any::<String>()]
}

/// 1.3.0 is main, and a rollback to `number` is requested.
fn requested(number: &str, suffix: &str, by: &str) -> Observed {
    let annotations = json!({
        "understudy.dev/rollback": format!("{number}#{suffix}"), "understudy.dev/rollback-by": by,
    });
    let md = deployment(json!({"metadata": {"annotations": annotations}, "status": main_is("1.3.0")}));
    let old = version("1.2.0", json!({"status": proven("1.2.0", "Archived")}));
    let new = version("1.3.0", json!({"status": proven("1.3.0", "Production")}));
    Observed::new(Arc::new(md), vec![Arc::new(old), Arc::new(new)], vec![], BTreeMap::new())
}

/// The status after a pass in which main does not change.
fn after(observed: &Observed, message: &str) -> ModelDeploymentStatus {
    let plan = plan(observed, &Challenger::NotNamed, now());
    let pass = Pass {
        plan: &plan,
        workloads: &Workloads::default(),
        readiness: &Readiness::Wait { reason: Waiting::PodsNotReady, message: message.to_owned() },
        deadline: None,
        routed: &Routed::new(Ok(Switched::confirmed())),
        running: Running::No {
            reason: crate::reasons::Running::NoAnswer,
            message: message.to_owned(),
            again: Duration::ZERO,
        },
        calls: Calls { main: None, challenger: &Challenger::NotNamed, collected: None },
    };
    let policy = Enforcement::broken(message);
    let policies = Policies { approval: policy.clone(), guard: policy };
    status(&observed.md, observed, &pass, &policies, now())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_requested_and_reported_the_status_is_accepted_and_comes_to_rest(
        number in select(vec!["1.2.0", "1.3.0", "9.9.9", ""]),
        suffix in text(),
        by in text(),
        message in text(),
    ) {
        let mut observed = requested(number, &suffix, &by);
        let first = after(&observed, &message);
        let found = flaws(&SCHEMA, &json!(first));
        prop_assert!(found.is_empty(), "{found:?}");
        let mut md = observed.md.as_ref().clone();
        md.status = Some(first.clone());
        observed.md = Arc::new(md);
        prop_assert_eq!(after(&observed, &message), first, "nothing is left to write");
    }
}

#[test]
fn a_message_that_is_too_long_ends_in_an_ellipsis() {
    let observed = requested("1.2.0", "1", "carol");
    let status = after(&observed, &"é".repeat(40_000));
    let reconciling = condition::find(&status.conditions, condition::RECONCILING).expect("it waits");
    assert_eq!(reconciling.message.chars().count(), limits::MESSAGE);
    assert!(reconciling.message.ends_with('…'));
    assert_eq!(status.rollout.expect("a change of main").message, reconciling.message);
}

#[test]
fn a_rollback_with_a_long_suffix_stays_the_same_request() {
    let mut observed = requested("1.2.0", &"é".repeat(300), "carol");
    let first = after(&observed, "");
    let request = first.rollback.as_ref().expect("a rollback").request.clone();
    assert_eq!((request.chars().count(), request.starts_with("1.2.0#é")), (limits::ROLLBACK, true));
    let mut md = observed.md.as_ref().clone();
    let refused = RollbackResult::Refused;
    md.status = Some(ModelDeploymentStatus {
        rollback: first
            .rollback
            .map(|rollback| understudy_crds::RollbackStatus { result: refused, ..rollback }),
        ..first
    });
    observed.md = Arc::new(md);
    let plan = plan(&observed, &Challenger::NotNamed, now());
    assert!(matches!(plan.next, Next::Keep), "{:?}", plan.next);
}
