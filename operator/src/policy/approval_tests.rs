//! What the probe makes of the API server's answers.

use serde_json::Value;

use super::*;
use crate::{
    fixtures,
    mock_api::{Cluster, Exchange, Scenario, get, patch},
};

/// A version whose record has that many entries.
fn version(entries: usize) -> ModelVersion {
    let mut version = fixtures::version("1.0.0", json!({}));
    let history = vec![forbidden(&version); entries];
    version.status.get_or_insert_default().history = history;
    version
}

const VERSION: &str = "/modelversions/fraud-1.0.0";

/// The forbidden write, which must have no effect.
fn attempt() -> Exchange {
    patch("/modelversions/fraud-1.0.0/status").in_a_dry_run()
}

/// The result of a check on a version with that many entries, where the API server responds like this.
async fn checked(entries: usize, scenario: Scenario) -> Result<bool, Error> {
    let mut cluster = Cluster::new();
    let (client, witness) = (cluster.client(), version(entries));
    cluster.sees(&witness);
    cluster.play(scenario, forbidden_write_is_refused(&client, &witness)).await
}

fn entries(sent: &Value) -> usize {
    sent["status"]["history"].as_array().expect("a record").len()
}

fn is_refused(attempt: Exchange) -> Exchange {
    let message = format!("ValidatingAdmissionPolicy 'understudy-approval' denied request: {REFUSAL}");
    attempt.fails(422, "Invalid", &message)
}

#[tokio::test]
async fn a_refusal_by_the_policy_shows_that_it_is_in_force() {
    let found = checked(0, Scenario::new().then(is_refused(attempt()))).await;
    assert!(found.expect("a refusal"));
}

#[test]
fn an_attempt_does_not_send_the_entries_of_the_record_which_a_later_release_may_have_written() {
    let Patch::Json::<Value>(patch) = forge(&version(2)) else { panic!("it is a JSON patch") };
    let sent = serde_json::to_value(patch).expect("a patch is JSON");
    let append = json!({"op": "add", "path": "/status/history/-", "value": sent[0]["value"]});
    assert_eq!(sent, json!([append]));
    assert_eq!(sent[0]["value"]["requestedBy"], sent[0]["value"]["decidedBy"]);
}

#[tokio::test]
async fn a_record_that_began_meanwhile_is_read_again_and_does_not_show_that_the_policy_is_missing() {
    let shrinks = "status: no entry of the history may be changed or removed";
    let scenario = Scenario::new()
        .then(attempt().with(|sent| assert_eq!(entries(sent), 1)).fails(422, "Invalid", shrinks))
        .then(get(VERSION).finds(&version(2)))
        .then(is_refused(attempt().with(|sent| assert_eq!(entries(sent), 3))));
    assert!(checked(0, scenario).await.expect("a refusal"));
}

#[tokio::test]
async fn a_write_that_passes_shows_that_the_policy_is_not_in_force() {
    let found = checked(0, Scenario::new().then(attempt().finds(&version(1)))).await;
    assert!(matches!(found, Err(Error::Accepted { .. })), "{found:?}");
}

#[tokio::test]
async fn any_other_refusal_shows_nothing() {
    let denied = attempt().fails(403, "Forbidden", "another webhook denied it");
    let found = checked(0, Scenario::new().then(denied)).await;
    assert!(matches!(found, Err(Error::Try { .. })), "{found:?}");
}

#[tokio::test]
async fn a_version_that_was_deleted_meanwhile_shows_nothing_either() {
    let found = checked(0, Scenario::new().then(attempt().finds_nothing())).await;
    assert!(!found.expect("no failure"));
}
