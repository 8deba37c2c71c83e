//! Broken installations. Each test breaks one thing, and the doctor finds that and nothing else.

use serde_json::json;

use crate::{
    installation::{Installation, SERVER_IMAGE, SYSTEM, doctor, lease, now, running},
    kubectl::{apply, kubectl, patch, status},
    models::{DIGEST, NAMESPACE, written},
};

#[test]
fn a_missing_crd_is_found() {
    let _installation = Installation::sound();
    kubectl(&["delete", "crd", "modelversions.understudy.dev", "--wait"], "");
    let found = doctor(&[]);
    found.finds(&["crds", "model-versions"], "modelversions.understudy.dev does not exist");
}

#[test]
fn the_crd_of_an_older_version_is_found() {
    let _installation = Installation::sound();
    let field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/priorityClassName";
    let change = json!([{"op": "remove", "path": field}]).to_string();
    kubectl(&["patch", "crd", "modeldeployments.understudy.dev", "--type=json", "-p", &change], "");
    let words = "modeldeployments.understudy.dev has an older schema";
    doctor(&[]).finds(&["crds"], words);
}

#[test]
fn a_deleted_policy_is_found() {
    let _installation = Installation::sound();
    kubectl(&["delete", "validatingadmissionpolicy", "understudy-approval"], "");
    // The API server enforces a deleted policy for some seconds more: the dry run may find either.
    let found = doctor(&[]);
    let problems = found.checks("fail");
    assert_eq!(problems[0].0, "approval-policy", "{found:#?}");
    assert!(problems[0].1.contains("understudy-approval does not exist"), "{problems:#?}");
    assert!(problems[1..].iter().all(|(name, _)| name == "rule-enforced"), "{problems:#?}");
    assert_eq!(found.printed.code, 1);
}

#[test]
fn a_binding_that_only_audits_is_found() {
    let _installation = Installation::sound();
    patch(
        &["validatingadmissionpolicybinding", "understudy-approval"],
        &json!({"spec": {"validationActions": ["Audit"]}}),
    );
    let found = doctor(&[]);
    let problems = found.checks("fail");
    assert_eq!(problems[0].0, "approval-binding", "{found:#?}");
    assert!(problems[0].1.contains("spec.validationActions"), "{problems:#?}");
    assert!(problems[1..].iter().all(|(name, _)| name == "rule-enforced"), "{problems:#?}");
}

#[test]
fn a_guard_without_its_binding_is_found() {
    let _installation = Installation::sound();
    kubectl(&["delete", "validatingadmissionpolicybinding", "understudy-guard"], "");
    let words = "ValidatingAdmissionPolicyBinding understudy-guard does not exist";
    doctor(&[]).finds(&["guard"], words);
}

#[test]
fn a_changed_policy_is_found() {
    let _installation = Installation::sound();
    let change =
        json!([{"op": "replace", "path": "/spec/validations/2/expression", "value": "true"}]).to_string();
    kubectl(&["patch", "validatingadmissionpolicy", "understudy-approval", "--type=json", "-p", &change], "");
    doctor(&[]).finds(&["approval-policy"], "spec.validations[2].expression was changed");
}

#[test]
fn a_policy_that_no_longer_applies_to_every_namespace_is_found() {
    let _installation = Installation::sound();
    let condition = json!({"name": "not-risk", "expression": "request.namespace != 'other'"});
    let change = json!([{"op": "add", "path": "/spec/matchConditions/-", "value": condition}]).to_string();
    kubectl(&["patch", "validatingadmissionpolicy", "understudy-approval", "--type=json", "-p", &change], "");
    doctor(&[]).finds(&["approval-policy"], "spec.matchConditions[1] was added");
}

#[test]
fn a_rule_that_was_removed_from_the_operators_role_is_found() {
    let _installation = Installation::sound();
    let role: serde_json::Value =
        serde_json::from_str(&kubectl(&["get", "clusterrole", "understudy-operator", "-o", "json"], ""))
            .unwrap();
    let rules = role["rules"].as_array().unwrap();
    let place = rules.iter().position(|rule| rule["resources"][0] == "poddisruptionbudgets").unwrap();
    let change = json!([{"op": "remove", "path": format!("/rules/{place}")}]).to_string();
    kubectl(&["patch", "clusterrole", "understudy-operator", "--type=json", "-p", &change], "");
    doctor(&[]).finds(&["operator-rights"], "the operator may not get poddisruptionbudgets.policy");
}

#[test]
fn a_lease_of_somebody_else_is_found() {
    let _installation = Installation::sound();
    lease(&json!({"holderIdentity": "intruder", "leaseDurationSeconds": 86_400, "renewTime": now()}));
    doctor(&[]).finds(&["lease"], "intruder holds Lease understudy-operator for 86400 s");
}

#[test]
fn a_leader_that_does_not_renew_is_found() {
    let _installation = Installation::sound();
    lease(
        &json!({"holderIdentity": "op-a", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"}),
    );
    doctor(&[]).finds(&["lease"], "op-a holds Lease understudy-operator and has not renewed it");
}

#[test]
fn an_operator_that_crashes_is_found_with_its_last_words() {
    let _installation = Installation::sound();
    status(
        &["deployment", "understudy-operator", "-n", SYSTEM],
        &json!({"readyReplicas": 0, "availableReplicas": 0}),
    );
    let mut container = running();
    container["ready"] = json!(false);
    container["restartCount"] = json!(9);
    container["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}});
    container["lastState"] = json!({"terminated": {"exitCode": 101, "reason": "Error", "message": "failed to read the configuration"}});
    for pod in ["op-a", "op-b"] {
        status(
            &["pod", pod, "-n", SYSTEM],
            &json!({"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [container]}),
        );
    }
    let found = doctor(&[]);
    found.finds(&["operator", "operator-pods", "operator-pods"], "no pod of the operator is ready, of 2");
    assert!(
        found.checks("fail")[1]
            .1
            .ends_with("it ended with Error (exit code 101) failed to read the configuration"),
        "{found:#?}"
    );
}

#[test]
fn a_server_image_that_cannot_be_pulled_is_found() {
    let _installation = Installation::sound();
    let container = json!({"name": "server", "image": SERVER_IMAGE, "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}});
    status(&["pod", "fraud-v1-2-0-x", "-n", NAMESPACE], &json!({"containerStatuses": [container]}));
    doctor(&[]).finds(&["server-image"], "risk/fraud-v1-2-0-x (ImagePullBackOff)");
}

#[test]
fn a_watch_that_is_not_in_sync_is_found() {
    let installation = Installation::sound();
    installation
        .leader
        .replace("understudy_cache_synced{kind=\"Pod\"} 1", "understudy_cache_synced{kind=\"Pod\"} 0");
    doctor(&[]).finds(&["caches"], "the leader has not read Pod yet");
}

#[test]
fn a_queue_that_does_not_move_is_found() {
    let installation = Installation::sound();
    let oldest = "understudy_workqueue_oldest_seconds{name=\"modeldeployment\"}";
    installation.leader.replace(&format!("{oldest} 0"), &format!("{oldest} 4711"));
    doctor(&[]).finds(&["queue"], "the oldest for 4711 s");
}

#[test]
fn a_service_without_endpoints_while_main_is_ready_is_found() {
    let _installation = Installation::sound();
    let not_ready = json!([{"addresses": ["10.0.0.7"], "conditions": {"ready": false}}]);
    patch(&["endpointslice", "fraud-abc", "-n", NAMESPACE], &json!({"endpoints": not_ready}));
    doctor(&[]).finds(&["endpoints"], "risk/fraud");
}

#[test]
fn a_foreign_object_with_a_name_of_ours_is_found() {
    let _installation = Installation::sound();
    kubectl(&["delete", "configmap", "fraud-routing", "-n", NAMESPACE], "");
    apply(&[
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fraud-routing", "namespace": NAMESPACE}}),
    ]);
    doctor(&[]).finds(&["owned-objects"], "ConfigMap risk/fraud-routing");
}

#[test]
fn a_request_that_the_operator_did_not_end_is_found() {
    let _installation = Installation::sound();
    let transition = json!({"id": "6f1c2b3d4e5f", "from": "Production", "to": "Archived", "requestedBy": "alice",
        "requestedAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-01-08T00:00:00Z", "generation": 1, "digest": format!("sha256:{DIGEST}")});
    written("mv/fraud-1.2.0", &json!({"transition": transition}));
    doctor(&[]).finds(&["requests"], "risk/fraud-1.2.0");
}
