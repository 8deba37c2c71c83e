//! Requests for the Lease, one after the other. The time is that of tokio's paused clock.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{
    config::LeaderElection,
    mock_api::{Cluster, Exchange, Scenario, get, post, put},
};

const LEASE: &str = "/leases/understudy-operator";

/// The Lease as the API server has it, at this resourceVersion. `holder` renewed it last at noon.
fn lease(version: u32, holder: &str, seconds: i32) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "understudy-operator", "namespace": "system", "resourceVersion": version.to_string()},
        "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 3,
            "acquireTime": "2026-11-21T11:00:00.000000Z", "renewTime": "2026-11-21T12:00:00.000000Z",
        },
    })
}

fn finds(version: u32, holder: &str) -> Exchange {
    get(LEASE).finds(&lease(version, holder, 15))
}

/// The write onto exactly the Lease that was read.
fn writes(version: u32) -> Exchange {
    put(LEASE).with(move |sent| {
        assert_eq!(sent["metadata"]["resourceVersion"], version.to_string());
        assert_eq!(sent["spec"]["holderIdentity"], "me");
    })
}

/// A write onto a Lease that somebody else has written since.
fn conflicts() -> Exchange {
    put(LEASE).fails(409, "Conflict", "the object has been modified")
}

fn elector(cluster: &Cluster) -> Elector {
    Elector::new(cluster.client(), "system", "me", LeaderElection::default())
}

/// Why the leader stops in this scenario.
async fn lost(scenario: Scenario) -> String {
    let mut cluster = Cluster::new();
    let mut elector = elector(&cluster);
    let renewing = tokio::time::timeout(Duration::from_hours(1), elector.renew());
    let lost = cluster.play(scenario, renewing).await;
    lost.expect("it stops within an hour").to_string()
}

/// Waits until this replica leads in this scenario. Returns when the holder before renewed the Lease last.
async fn acquired(scenario: Scenario) -> Option<String> {
    let mut cluster = Cluster::new();
    let mut elector = elector(&cluster);
    let acquiring = tokio::time::timeout(Duration::from_hours(1), elector.acquire());
    let renewal = cluster.play(scenario, acquiring).await.expect("it leads within an hour");
    renewal.map(|at| at.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_the_lease_does_not_end_the_leader_that_still_holds_it() {
    let scenario = Scenario::new()
        .then(finds(1, "me"))
        .then(conflicts())
        .then(finds(2, "me"))
        .then(writes(2))
        .then(conflicts())
        .then(finds(4, "other"));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_was_lost_does_not_end_the_leader() {
    let scenario = Scenario::new()
        .then(finds(1, "me"))
        .then(writes(1).fails(504, "Timeout", "request did not complete"))
        .then(finds(2, "me"))
        .then(writes(2))
        .then(conflicts())
        .then(finds(4, "other"));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_renews_by_one_request_until_somebody_else_writes_or_deletes_the_lease() {
    let returned = |version| writes(version).finds(&lease(version + 1, "me", 15));
    let scenario = Scenario::new()
        .then(finds(1, "me"))
        .then(returned(1))
        .then(returned(2))
        .then(returned(3))
        .then(put(LEASE).fails(404, "NotFound", "it was deleted"))
        .then(finds(9, "me"))
        .then(returned(9))
        .then(conflicts())
        .then(finds(11, "other"));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn after_a_renewal_without_an_answer_the_lease_is_read() {
    let scenario = Scenario::new()
        .then(finds(1, "me"))
        .then(writes(1).finds(&lease(2, "me", 15)))
        .then(writes(2).gets_no_answer())
        .then(finds(3, "other"));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_renewals_are_written_but_never_answered_in_time_still_leads() {
    let present = Rc::new(RefCell::new(lease(1, "me", 15)));
    let mut scenario = Scenario::new();
    for version in 1..=5_u32 {
        let (read, written) = (Rc::clone(&present), Rc::clone(&present));
        let read = get(LEASE).finds_then(move || read.borrow().clone());
        let write = writes(version).gets_no_answer().with(move |sent| {
            let mut sent = sent.clone();
            sent["metadata"]["resourceVersion"] = json!((version + 1).to_string());
            written.replace(sent);
        });
        scenario = scenario.then(read).then(write);
    }
    assert!(lost(scenario.then(finds(9, "other"))).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_gets_no_answer_tries_again_before_it_stops() {
    let unanswered = || get(LEASE).gets_no_answer();
    let scenario = Scenario::new().then(unanswered()).then(unanswered());
    assert!(lost(scenario).await.contains("10 s"));
}

#[tokio::test(start_paused = true)]
async fn one_dead_connection_does_not_end_the_leader() {
    let scenario = Scenario::new()
        .then(get(LEASE).gets_no_answer())
        .then(finds(1, "me"))
        .then(writes(1))
        .then(conflicts())
        .then(finds(2, "other"));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_does_not_take_back_a_lease_that_another_replica_took() {
    let scenario = Scenario::new().then(get(LEASE).finds(&lease(2, "other", -1)));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_a_person_deleted_is_made_again_by_its_leader() {
    let scenario = Scenario::new()
        .then(get(LEASE).finds_nothing())
        .then(post("/leases").with(|sent| assert_eq!(sent["spec"]["holderIdentity"], "me")))
        .then(conflicts())
        .then(finds(2, "other"));
    assert!(lost(scenario).await.contains("other"));
}

#[tokio::test(start_paused = true)]
async fn a_standby_survives_a_connection_that_died_silently() {
    let scenario = Scenario::new().then(get(LEASE).gets_no_answer()).then(finds(1, "")).then(writes(1));
    acquired(scenario).await;
}

#[tokio::test(start_paused = true)]
async fn a_takeover_whose_answer_was_lost_is_recognised_and_the_end_of_the_leader_before_is_still_known() {
    let mut ours = lease(2, "me", 15);
    ours["spec"]["renewTime"] = json!("2026-11-21T12:30:00.000000Z");
    let scenario = Scenario::new()
        .then(finds(1, ""))
        .then(writes(1).fails(504, "Timeout", "request did not complete"))
        .then(get(LEASE).finds(&ours))
        .then(writes(2));
    assert_eq!(acquired(scenario).await.as_deref(), Some("2026-11-21T12:00:00Z"));
}

#[tokio::test(start_paused = true)]
async fn a_container_that_restarts_in_its_pod_leads_immediately_and_knows_when_it_renewed_last() {
    let scenario = Scenario::new().then(finds(1, "me")).then(writes(1));
    assert_eq!(acquired(scenario).await.as_deref(), Some("2026-11-21T12:00:00Z"));
}

#[tokio::test(start_paused = true)]
async fn the_first_leader_has_nobody_before_it() {
    let scenario = Scenario::new()
        .then(get(LEASE).finds_nothing())
        .then(post("/leases").with(|sent| assert_eq!(sent["spec"]["holderIdentity"], "me")));
    assert_eq!(acquired(scenario).await, None);
}

#[tokio::test(start_paused = true)]
async fn of_two_standbys_the_one_with_the_conflict_waits() {
    let scenario = Scenario::new()
        .then(finds(1, ""))
        .then(writes(1).fails(409, "Conflict", "the object has been modified"))
        .then(finds(2, "other"))
        .then_repeatedly(finds(2, "other"))
        .then(writes(2));
    acquired(scenario).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_holds_for_a_day_is_taken_after_a_minute() {
    let foreign = get(LEASE).finds(&lease(7, "not-a-replica", 86_400));
    acquired(Scenario::new().then_repeatedly(foreign).then(writes(7))).await;
}
