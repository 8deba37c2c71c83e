//! Objects for tests. Values differ where a mistake could swap them: alice requests, bob approves, tess tests, carol
//! rolls back, and each version has its own name, uid and digest.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::ResourceExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Digest as _;
use understudy_contract::Digest;
use understudy_crds::{ModelDeployment, ModelVersion, names};

/// When the step under test happens.
pub const NOW: &str = "2026-11-21T12:00:00Z";
/// When everything before it happened.
pub const EARLIER: &str = "2026-11-21T11:00:00Z";
/// Id of every [`request`].
pub const REQUEST: &str = "6f1c2b";

pub fn now() -> Timestamp {
    at(NOW)
}

pub fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

/// An object of any type, from its JSON.
pub fn parse<K: DeserializeOwned>(object: Value) -> K {
    serde_json::from_value(object).expect("the test's object is valid")
}

/// `base` with `parts` over it. Objects are merged; anything else is replaced.
pub fn with(mut base: Value, parts: Value) -> Value {
    merge(&mut base, parts);
    base
}

fn merge(into: &mut Value, parts: Value) {
    match (into, parts) {
        (Value::Object(into), Value::Object(parts)) => {
            for (key, part) in parts {
                merge(into.entry(key).or_insert(Value::Null), part);
            }
        }
        (into, part) => *into = part,
    }
}

/// `fraud` in namespace `risk`, with `parts` over it.
pub fn deployment(parts: Value) -> ModelDeployment {
    let object = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {
            "name": "fraud", "namespace": "risk", "uid": "uid-of-fraud", "resourceVersion": "100", "generation": 2,
        },
        "spec": {},
    });
    parse(with(object, parts))
}

/// `fraud-<number>` in namespace `risk`, with `parts` over it.
pub fn version(number: &str, parts: Value) -> ModelVersion {
    let name = format!("fraud-{number}");
    let object = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {
            "name": name, "namespace": "risk", "uid": format!("uid-of-{name}"), "resourceVersion": "200",
            "generation": 4,
        },
        "spec": {
            "deployment": "fraud", "version": number,
            "artifact": {"uri": format!("s3://models/{name}.onnx"), "sha256": sha256(number).to_string()},
        },
    });
    parse(with(object, parts))
}

fn sha256(number: &str) -> Digest {
    let bytes: [u8; 32] = sha2::Sha256::digest(number).into();
    bytes.into()
}

/// Digest of the version of this number, `sha256:<hex>`.
pub fn digest(number: &str) -> String {
    sha256(number).prefixed()
}

/// `fraud-<number>` as a newer operator has written it: its stage is unknown here.
pub fn unreadable_version(number: &str) -> Value {
    let mut object = serde_json::to_value(version(number, json!({}))).expect("JSON");
    object["status"] = json!({"stage": "Canary"});
    object
}

/// `status.transition`: alice requests this step.
pub fn request(number: &str, from: &str, to: &str) -> Value {
    json!({
        "id": REQUEST, "from": from, "to": to, "requestedBy": "alice", "requestedAt": EARLIER, "generation": 4,
        "digest": digest(number),
    })
}

/// `status.transition`: bob has approved the request.
pub fn approved(request: Value) -> Value {
    with(request, json!({"approval": {"by": "bob", "at": NOW}}))
}

/// An entry of `status.history`: how the request ended.
pub fn decided(request: &Value, decision: &str, by: &str) -> Value {
    json!({
        "id": request["id"], "from": request["from"], "to": request["to"], "digest": request["digest"],
        "requestedBy": request["requestedBy"], "requestedAt": request["requestedAt"],
        "decision": decision, "decidedBy": by, "decidedAt": NOW,
    })
}

/// An entry of `status.history`: bob has approved this version for `to`.
pub fn approval(number: &str, to: &str) -> Value {
    let from = if to == "Production" { "Staging" } else { "None" };
    let request = with(request(number, from, to), json!({"id": format!("{to}-of-{number}")}));
    decided(&request, "Approved", "bob")
}

/// Status of a version that bob let into Staging.
pub fn staged(number: &str) -> Value {
    json!({"stage": "Staging", "history": [approval(number, "Staging")]})
}

/// Status of a version that bob let into Staging and then approved for Production. It is not main yet.
pub fn rolling_out(number: &str) -> Value {
    let request = request(number, "Staging", "Production");
    let history = [approval(number, "Staging"), decided(&request, "Approved", "bob")];
    json!({"stage": "Staging", "history": history, "transition": approved(request)})
}

/// An entry of `status.history`: another version replaced this one as main.
pub fn superseded(number: &str) -> Value {
    let request = json!({"id": format!("end-of-{number}"), "from": "Production", "to": "Archived"});
    decided(&with(self::request(number, "", ""), request), "Superseded", "bob")
}

/// Status of a version that was main once, in this stage now.
pub fn proven(number: &str, stage: &str) -> Value {
    let mut history = vec![approval(number, "Staging"), approval(number, "Production")];
    if stage != "Production" {
        history.push(superseded(number));
    }
    json!({"stage": stage, "history": history})
}

/// Status of a deployment: this version is main, by a promotion.
pub fn main_is(number: &str) -> Value {
    let transition = format!("Production-of-{number}");
    let (name, digest) = (format!("fraud-{number}"), digest(number));
    json!({
        "main": {
            "version": number, "modelVersion": name, "digest": digest, "since": EARLIER, "transition": transition,
        },
        "history": [{
            "version": number, "modelVersion": name, "digest": digest, "from": EARLIER, "reason": "Promoted",
            "requestedBy": "alice", "approvedBy": "bob", "approvedAt": EARLIER, "transition": transition,
        }],
    })
}

/// Annotations of a deployment: carol rolls back to this version.
pub fn rollback_to(number: &str) -> Value {
    json!({"understudy.dev/rollback": format!("{number}#1"), "understudy.dev/rollback-by": "carol"})
}

/// A status with this one condition.
pub fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"conditions": [
        {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": EARLIER},
    ]})
}

/// A pod of this version, with `parts` over it.
pub fn pod(number: &str, parts: Value) -> Arc<Pod> {
    let labels: BTreeMap<_, _> = names::version_labels("fraud", number);
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("pod-of-{number}"), "namespace": "risk", "labels": labels, "creationTimestamp": EARLIER,
        },
    });
    Arc::new(parse(with(object, parts)))
}

/// A ready pod of this version at this address.
pub fn ready_pod(number: &str, ip: &str) -> Arc<Pod> {
    let name = format!("pod-{}", ip.replace('.', "-"));
    pod(
        number,
        json!({
            "metadata": {"name": name, "uid": format!("uid-of-{name}")},
            "status": {"podIP": ip, "conditions": [{"type": "Ready", "status": "True"}]},
        }),
    )
}

/// A pod of this version that is not ready.
pub fn starting_pod(number: &str) -> Arc<Pod> {
    pod(number, json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}))
}

/// A pod of this version whose server ended with this termination message.
pub fn failing_pod(number: &str, message: &str, exit_code: i32) -> Arc<Pod> {
    let ended = json!({"exitCode": exit_code, "message": message, "finishedAt": NOW});
    let container = json!({
        "name": "server", "image": "i", "imageID": "i", "ready": false, "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended},
    });
    pod(number, json!({"status": {"containerStatuses": [container]}}))
}

/// The Deployment as its controller reports it once all pods are ready.
pub fn rolled_out(workload: &Deployment) -> Deployment {
    let mut workload = workload.clone();
    let wanted = workload.spec.as_ref().and_then(|spec| spec.replicas);
    workload.metadata.uid = Some(format!("uid-of-{}", workload.name_any()));
    workload.metadata.generation = Some(1);
    let status = workload.status.get_or_insert_default();
    status.observed_generation = Some(1);
    status.replicas = wanted;
    status.updated_replicas = wanted;
    status.ready_replicas = wanted;
    workload
}
