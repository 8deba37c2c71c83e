//! What the probe makes of the API server's answers.

use http::Method;
use serde_json::Value;

use super::*;
use crate::mock_api::{answer, api, failure};

/// A version whose record has that many entries.
fn version(entries: usize) -> ModelVersion {
    let mut version: ModelVersion = serde_json::from_value(json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": "fraud-1", "namespace": "risk"},
        "spec": {
            "deployment": "fraud", "version": "1.0.0",
            "artifact": {"uri": "s3://models/fraud.onnx", "sha256": "0".repeat(64)},
        },
    }))
    .expect("a version");
    for _ in 0..entries {
        let history = forge(&version);
        version.status.get_or_insert_default().history = history;
    }
    version
}

fn entries(sent: &Value) -> usize {
    sent["status"]["history"].as_array().expect("a record").len()
}

fn refusal() -> Value {
    failure(
        422,
        "Invalid",
        &format!("ValidatingAdmissionPolicy 'understudy-approval' denied request: {REFUSAL}"),
    )
}

#[tokio::test]
async fn a_refusal_by_the_policy_shows_that_it_is_in_force() {
    let (client, mut handle) = api();
    let server = answer(&mut handle, Method::PATCH, 422, refusal());
    let witness = version(0);
    let (found, _) = tokio::join!(forbidden_write_is_refused(&client, &witness), server);
    assert!(found.expect("a refusal"));
}

#[tokio::test]
async fn a_record_that_grew_meanwhile_is_read_again_and_is_no_sign_of_a_missing_policy() {
    let (client, mut handle) = api();
    let shrinks = failure(422, "Invalid", "status: no entry of the history may be changed or removed");
    let server = async {
        assert_eq!(entries(&answer(&mut handle, Method::PATCH, 422, shrinks).await), 2);
        answer(&mut handle, Method::GET, 200, serde_json::to_value(version(2)).expect("JSON")).await;
        assert_eq!(entries(&answer(&mut handle, Method::PATCH, 422, refusal()).await), 3);
    };
    let witness = version(1);
    let (found, ()) = tokio::join!(forbidden_write_is_refused(&client, &witness), server);
    assert!(found.expect("a refusal"));
}

#[tokio::test]
async fn a_write_that_passes_shows_that_the_policy_is_not_in_force() {
    let (client, mut handle) = api();
    let server = answer(&mut handle, Method::PATCH, 200, serde_json::to_value(version(1)).expect("JSON"));
    let witness = version(0);
    let (found, _) = tokio::join!(forbidden_write_is_refused(&client, &witness), server);
    assert!(matches!(found, Err(Error::Accepted)), "{found:?}");
}

#[tokio::test]
async fn any_other_refusal_shows_nothing() {
    let (client, mut handle) = api();
    let server =
        answer(&mut handle, Method::PATCH, 403, failure(403, "Forbidden", "another webhook denied it"));
    let witness = version(0);
    let (found, _) = tokio::join!(forbidden_write_is_refused(&client, &witness), server);
    assert!(matches!(found, Err(Error::Try { .. })), "{found:?}");
}

#[tokio::test]
async fn a_version_that_went_meanwhile_shows_nothing_either() {
    let (client, mut handle) = api();
    let server = answer(&mut handle, Method::PATCH, 404, failure(404, "NotFound", "not found"));
    let witness = version(0);
    let (found, _) = tokio::join!(forbidden_write_is_refused(&client, &witness), server);
    assert!(!found.expect("no failure"));
}
