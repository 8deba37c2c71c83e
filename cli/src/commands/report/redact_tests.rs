//! What a report must not contain, and what it must keep.

use rstest::rstest;
use serde_json::json;

use super::*;

fn redactor() -> Redactor {
    Redactor::new([7; 16], false)
}

fn version() -> Value {
    json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": "fraud-1.3.0", "managedFields": [{"manager": "x"}], "annotations": {
            "understudy.dev/requested-by": "alice", "understudy.dev/feedback": "customer 4711 complained",
            "kubectl.kubernetes.io/last-applied-configuration": "{\"spec\": \"the secret sauce\"}",
        }},
        "spec": {"documentation": {"markdown": "the secret sauce"},
            "artifact": {"uri": "https://carol:hunter2@models.example/fraud?X-Amz-Signature=cafe"}},
        "status": {
            "history": [{"id": "6f", "requestedBy": "alice", "decidedBy": "bob@example.com", "decision": "Rejected", "reason": "too risky for Mallory"}],
            "conditions": [{"type": "Ready", "reason": "WaitingForApproval", "message": "requested by alice, waits for a second person"}],
        },
    })
}

#[test]
fn names_texts_and_credentials_are_gone_and_the_rest_stays() {
    let mut redactor = redactor();
    let mut object = version();
    redactor.learn(&object);
    redactor.object(&mut object);
    let text = object.to_string();
    for secret in ["alice", "bob", "4711", "sauce", "carol", "hunter2", "cafe", "Mallory", "managedFields"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    for kept in
        ["fraud-1.3.0", "models.example/fraud", "WaitingForApproval", "waits for a second person", "Rejected"]
    {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
}

#[test]
fn one_person_has_one_hash_everywhere_and_another_salt_gives_another() {
    let mut first = redactor();
    first.learn(&version());
    let mut second = Redactor::new([8; 16], false);
    second.learn(&version());
    let hash = first.text("alice");
    assert_eq!(
        first.text("alice: -> alice, alice-admin malice"),
        format!("{hash}: -> {hash}, alice-admin malice")
    );
    assert_ne!(hash, second.text("alice"));
}

#[test]
fn an_object_that_changed_after_everything_was_learned_is_redacted_too() {
    let mut object = version();
    redactor().object(&mut object);
    let text = object.to_string();
    assert!(!text.contains("alice") && !text.contains("bob") && !text.contains("Mallory"), "{text}");
}

#[test]
fn names_stay_on_request_and_texts_do_not() {
    let mut redactor = Redactor::new([7; 16], true);
    redactor.learn(&version());
    assert_eq!(redactor.text("alice: too risky for Mallory"), "alice: (redacted)");
}

#[test]
fn an_event_of_a_deleted_version_is_redacted() {
    let mut redactor = redactor();
    let note = "Staging -> Production requested by dave, rejected by erin: looks like Oscar's";
    redactor.learn_note(note);
    let text = redactor.text(note);
    assert!(!text.contains("dave") && !text.contains("erin") && !text.contains("Oscar"), "{text}");
}

#[test]
fn comments_of_requests_approvals_and_rollbacks_are_redacted() {
    let mut redactor = redactor();
    let mut object = json!({"apiVersion": "understudy.dev/v1alpha1", "status": {
        "lastComment": "Oscar insists", "transition": {"requestedBy": "alice", "comment": "Peggy asked for it",
            "approvals": [{"by": "bob", "comment": "fine with Trent"}], "breaking": "no input age"},
        "rollback": {"by": "erin", "comment": "Victor complained"},
    }});
    redactor.learn(&object);
    redactor.object(&mut object);
    let text = object.to_string();
    for secret in ["Oscar", "Peggy", "Trent", "Victor", "alice", "bob", "erin"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.contains("no input age"), "{text}");
}

#[test]
fn comments_in_the_log_are_redacted_however_they_are_quoted() {
    let mut redactor = redactor();
    let approvals = json!([{"by": "bob", "comment": "as \"Trent\" said"}]).to_string();
    let line = json!({"message": "decision", "decision": "Approved", "comment": "Peggy \"P\" asked", "approvals": approvals})
        .to_string();
    redactor.learn_log(&line);
    let text = redactor.text(&line);
    assert!(!text.contains("Trent") && !text.contains("Peggy") && !text.contains("bob"), "{text}");
}

#[test]
fn a_text_that_is_part_of_another_one_does_not_keep_the_rest_of_it() {
    let mut redactor = redactor();
    redactor.learn(&json!([{"comment": "mallory"}, {"comment": "ask mallory tomorrow"}]));
    assert_eq!(redactor.text("alice said: ask mallory tomorrow"), "alice said: (redacted)");
}

#[test]
fn a_decision_in_the_log_is_redacted() {
    let mut redactor = redactor();
    let line = r#"{"message":"decision","decision":"Rejected","requested_by":"dave","decided_by":"erin","reason":"Oscar knows"}"#;
    redactor.learn_log(line);
    let text = redactor.text(line);
    assert!(!text.contains("dave") && !text.contains("erin") && !text.contains("Oscar"), "{text}");
    assert!(text.contains(r#""decision":"Rejected""#));
}

#[test]
fn a_service_account_is_not_a_person() {
    let mut redactor = redactor();
    redactor.learn(&json!({"requestedBy": "system:serviceaccount:ci:publisher"}));
    assert_eq!(
        redactor.text("by system:serviceaccount:ci:publisher"),
        "by system:serviceaccount:ci:publisher"
    );
}

#[test]
fn the_values_of_variables_are_removed_except_known_ones() {
    let mut pod = json!({"kind": "Pod", "metadata": {"annotations": {"team": "canary-a"}}, "spec": {"containers": [{"env": [
        {"name": "RUST_LOG", "value": "info"}, {"name": "DB", "value": "canary-b"}, {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s3", "key": "k"}}},
    ]}]}});
    redactor().object(&mut pod);
    let text = pod.to_string();
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("info") && text.contains("s3"), "{text}");
}

#[rstest]
#[case(json!({"kind": "Secret", "data": {"token": "Y2FuYXJ5"}}))]
#[case(json!({"kind": "ConfigMap", "data": {"kubeconfig": "Y2FuYXJ5"}, "binaryData": {"x": "Y2FuYXJ5"}}))]
#[case::an_item_of_a_list_without_its_kind(json!({"metadata": {"name": "x"}, "data": {"kubeconfig": "Y2FuYXJ5"}}))]
fn nothing_of_a_secret_and_no_other_file_stays(#[case] mut object: Value) {
    redactor().object(&mut object);
    assert!(!object.to_string().contains("Y2FuYXJ5"));
}
