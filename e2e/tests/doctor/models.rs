//! A model that serves, with all of its objects, as the operator makes them.

use serde_json::{Value, json};

use crate::kubectl::{apply, kubectl, patch};

pub const NAMESPACE: &str = "risk";
pub const DIGEST: &str = "9f2c000000000000000000000000000000000000000000000000000000000000";
/// Only this account may write the status of models.
const OPERATOR: &str = "--as=system:serviceaccount:understudy-system:understudy-operator";
const VERSION: &str = "fraud-1.2.0";

/// Creates the namespace, or empties it.
pub fn empty() {
    apply(&[
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        // The controller that creates it does not run here.
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}),
    ]);
    let kinds = "pods,services,configmaps,deployments,endpointslices,poddisruptionbudgets,secrets,modelversions,modeldeployments";
    kubectl(&["delete", kinds, "--all", "-n", NAMESPACE, "--force", "--grace-period=0"], "");
}

/// Creates `fraud` with its main 1.2.0, for a server of this image.
pub fn create(image: &str) {
    let mut version: Value = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": VERSION, "namespace": NAMESPACE},
        "spec": {"deployment": "fraud", "version": "1.2.0",
            "artifact": {"uri": "s3://models/fraud/1.2.0/model.onnx", "sha256": DIGEST}},
    });
    version["spec"]["documentation"] = json!({"markdown": "A model."});
    let deployment = json!({"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {"name": "fraud", "namespace": NAMESPACE}, "spec": {}});
    apply(&[version, deployment]);
    let at = "2026-11-21T09:00:00Z";
    let condition = |type_: &str, reason: &str| json!({"type": type_, "status": "True", "reason": reason, "message": "m", "lastTransitionTime": at});
    written(
        "mv/fraud-1.2.0",
        &json!({"stage": "Production", "conditions": [condition("Serving", "Serving")]}),
    );
    let main = json!({"version": "1.2.0", "modelVersion": VERSION, "digest": format!("sha256:{DIGEST}"), "since": at,
        "transition": "6f1c2b3d4e5f", "readyReplicas": 1});
    written(
        "mdep/fraud",
        &json!({"main": main, "conditions": [condition("Running", "Answers"), condition("Ready", "Ready")]}),
    );
    apply(&children(&owner(), image));
    crate::kubectl::status(
        &["pod", "fraud-v1-2-0-x", "-n", NAMESPACE],
        &json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    );
}

/// Writes a status in the name of the operator.
pub fn written(object: &str, status: &Value) {
    patch(&["--subresource=status", OPERATOR, "-n", NAMESPACE, object], &json!({"status": status}));
}

/// The reference to `fraud` in its objects.
fn owner() -> Value {
    let uid = kubectl(&["get", "mdep", "fraud", "-n", NAMESPACE, "-o", "jsonpath={.metadata.uid}"], "");
    json!([{"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "name": "fraud", "uid": uid,
        "controller": true, "blockOwnerDeletion": true}])
}

fn children(owner: &Value, image: &str) -> Vec<Value> {
    let labels = json!({"app.kubernetes.io/managed-by": "understudy", "understudy.dev/deployment": "fraud",
        "understudy.dev/version": "1.2.0"});
    let metadata = |name: &str| json!({"name": name, "namespace": NAMESPACE, "labels": labels, "ownerReferences": owner});
    let service = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(name),
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
    };
    let container = json!({"name": "server", "image": image});
    let mut slice = metadata("fraud-abc");
    slice["labels"]["kubernetes.io/service-name"] = json!("fraud");
    vec![
        service("fraud"),
        service("fraud-v1-2-0"),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("fraud-routing"),
            "data": {"routing.json": "{\"main\": \"1.2.0\"}"}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("fraud-v1-2-0"), "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fraud-v1-2-0-x", "namespace": NAMESPACE, "labels": labels},
            "spec": {"containers": [container]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": slice, "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.0.0.7"], "conditions": {"ready": true}}],
            "ports": [{"name": "http", "port": 8080}]}),
    ]
}
