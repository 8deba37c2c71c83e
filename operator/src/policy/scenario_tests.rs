//! Checks of the policy, one after the other. The time is that of tokio's paused clock.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::{
    fixtures::version,
    mock_api::{Cluster, Exchange, Scenario, patch},
};

/// The message of the approval policy for the forbidden write.
const REFUSAL: &str = "four eyes: an approval by its own requester cannot be recorded";

/// The forbidden write, tried without effect.
fn forbidden_write() -> Exchange {
    patch("/modelversions/fraud-1.3.0/status").in_a_dry_run()
}

fn refused() -> Exchange {
    forbidden_write().fails(422, "Invalid", REFUSAL)
}

fn accepted() -> Exchange {
    forbidden_write().finds(&version("1.3.0", json!({})))
}

fn unanswered() -> Exchange {
    forbidden_write().gets_no_answer()
}

fn overloaded(code: u16) -> Exchange {
    forbidden_write().fails(code, "ServiceUnavailable", "etcdserver: leader changed")
}

/// The result of one check, in which the API server responds like this.
async fn checked(cluster: &mut Cluster, response: Exchange) -> Enforcement {
    let (ctx, witness) = (std::sync::Arc::clone(&cluster.ctx), version("1.3.0", json!({})));
    let check = tokio::time::timeout(Duration::from_hours(1), ctx.policy.check(Some(&witness)));
    cluster.play(Scenario::new().then(response), check).await.expect("a check ends")
}

#[rstest]
#[case::too_many_requests(overloaded(429))]
#[case::an_internal_error(overloaded(500))]
#[case::an_api_server_that_restarts(overloaded(503))]
#[case::a_timeout(overloaded(504))]
#[case::a_dead_connection(unanswered())]
#[tokio::test(start_paused = true)]
async fn a_check_that_the_api_server_does_not_answer_changes_nothing_and_wakes_nobody(
    #[case] failure: Exchange,
) {
    let mut cluster = Cluster::new();
    checked(&mut cluster, refused()).await;
    let mut standing = cluster.ctx.policy.subscribe();
    let before = standing.borrow_and_update().clone();
    assert!(before.active);

    let decision = checked(&mut cluster, failure).await;
    assert!(!decision.active, "nothing is decided by a check that failed: {decision:?}");
    assert!(!standing.has_changed().expect("the policy exists"));
    assert_eq!(*standing.borrow(), before);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_gone_is_published_immediately() {
    let mut cluster = Cluster::new();
    checked(&mut cluster, refused()).await;
    let standing = cluster.ctx.policy.subscribe();
    checked(&mut cluster, accepted()).await;
    assert!(standing.has_changed().expect("the policy exists"));
    assert_eq!(standing.borrow().reason(), reasons::Policy::NotEnforced);
}

#[tokio::test(start_paused = true)]
async fn another_explanation_of_the_same_state_wakes_nobody() {
    let mut cluster = Cluster::new();
    checked(&mut cluster, forbidden_write().fails(403, "Forbidden", "denied by a webhook, request 17")).await;
    let standing = cluster.ctx.policy.subscribe();
    checked(&mut cluster, forbidden_write().fails(403, "Forbidden", "denied by a webhook, request 18")).await;
    assert!(!standing.has_changed().expect("the policy exists"));
}
