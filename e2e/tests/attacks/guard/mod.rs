//! A27, A28, A35: the guard around what the operator owns. Nobody else creates or changes it, administrators of the cluster
//! included, and Kubernetes itself can work as before.

mod creations;
mod edits;
mod names;
mod resize;
mod writers;

use kube::{
    Api, ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::{
    people::{ALICE, CAROL, CONTROL_PLANE, OPERATOR, Person},
    world::World,
};

/// The words of every refusal by the label.
pub const NOT_YOURS: &str = "only the operator of Understudy and the controllers of Kubernetes may";
/// The name of the Deployment and the Service of one version.
pub const VERSION: &str = "fraud-v1-2-0";

/// A namespace in which `fraud` runs, and Carol has every right that the role `edit` has and more.
pub async fn world() -> World {
    let w = World::new().await;
    let all: &[&str] = &["*"];
    w.allow_in(CAROL, &["", "apps", "policy", "discovery.k8s.io", "batch"], &[(all, all, &[])]).await;
    w.bind("understudy-operator", OPERATOR).await;
    let model = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}, "spec": {},
    });
    w.deployments(ALICE)
        .create(&PostParams::default(), &serde_json::from_value(model).unwrap())
        .await
        .unwrap();
    for object in owned() {
        create(&w, OPERATOR, object).await.unwrap();
    }
    w
}

/// The labels of a version's objects and pods.
pub fn labels() -> Value {
    json!({
        "app.kubernetes.io/managed-by": "understudy", "understudy.dev/deployment": "fraud",
        "understudy.dev/version": "1.2.0",
    })
}

fn owner(api_version: &str, kind: &str, name: &str) -> Value {
    json!([{"apiVersion": api_version, "kind": kind, "name": name, "uid": "7d3c", "controller": true}])
}

/// Metadata of an object of the operator.
pub fn metadata(name: &str) -> Value {
    let owner = owner("understudy.dev/v1alpha1", "ModelDeployment", "fraud");
    json!({"name": name, "labels": labels(), "ownerReferences": owner})
}

/// A pod template with these labels.
pub fn template(labels: &Value) -> Value {
    let server = json!({"name": "server", "image": "server:1", "resources": {"requests": {"cpu": "10m"}}});
    json!({"metadata": {"labels": labels}, "spec": {"containers": [server]}})
}

/// What the operator makes for one version in Production.
pub fn owned() -> [Value; 4] {
    [
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(VERSION),
            "spec": {"selector": {"matchLabels": labels()}, "template": template(&labels())},
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata("fraud"),
            "spec": {"selector": labels(), "ports": [{"port": 80, "targetPort": "main"}]},
        }),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("fraud-routing"),
            "data": {"routing.json": r#"{"main":"1.2.0"}"#},
        }),
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata("fraud"),
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels()}},
        }),
    ]
}

/// The `ReplicaSet` that the Deployment controller makes for the version.
pub fn replica_set() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "fraud-v1-2-0-5f6", "labels": labels(), "ownerReferences": owner("apps/v1", "Deployment", VERSION)},
        "spec": {"selector": {"matchLabels": labels()}, "template": template(&labels())},
    })
}

/// A pod of the version, as the controller of `ReplicaSet`s makes it.
pub fn pod() -> Value {
    let mut pod = template(&labels());
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("fraud-v1-2-0-5f6-x2x");
    pod["metadata"]["ownerReferences"] = owner("apps/v1", "ReplicaSet", "fraud-v1-2-0-5f6");
    pod["spec"]["automountServiceAccountToken"] = json!(false);
    pod
}

/// An `EndpointSlice` of the Service `fraud` with these further labels, which leads callers to this address.
pub fn slice(name: &str, labels: &Value, address: &str) -> Value {
    let mut labels = labels.clone();
    labels["kubernetes.io/service-name"] = json!("fraud");
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": name, "labels": labels},
        "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}], "endpoints": [{"addresses": [address]}],
    })
}

/// The pods of the version, as the controllers of Kubernetes make them.
pub async fn run(w: &World) {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    create(w, crate::people::ROOT, account).await.unwrap();
    create(w, CONTROL_PLANE.deployments, replica_set()).await.unwrap();
    create(w, CONTROL_PLANE.replica_sets, pod()).await.unwrap();
}

/// The API of a kind as this person.
pub fn api(w: &World, person: Person, api_version: &str, kind: &str) -> Api<DynamicObject> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Api::namespaced_with(w.client(person), &w.ns, &resource)
}

fn api_of(w: &World, person: Person, object: &Value) -> Api<DynamicObject> {
    api(w, person, object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap())
}

/// Creates an object as this person.
pub async fn create(w: &World, person: Person, object: Value) -> kube::Result<DynamicObject> {
    let api = api_of(w, person, &object);
    api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await
}

/// Merges a change into an object, or into its subresource, as this person.
pub async fn edit(
    w: &World,
    person: Person,
    object: &Value,
    subresource: Option<&str>,
    change: &Value,
) -> kube::Result<DynamicObject> {
    let api = api_of(w, person, object);
    let (name, params) = (object["metadata"]["name"].as_str().unwrap(), PatchParams::default());
    match subresource {
        None => api.patch(name, &params, &Patch::Strategic(change)).await,
        Some(subresource) => api.patch_subresource(subresource, name, &params, &Patch::Merge(change)).await,
    }
}

/// Whether an object still is the same, apart from what the API server writes.
pub async fn essence(w: &World, object: &Value) -> Value {
    let api = api_of(w, crate::people::ROOT, object);
    let found = api.get(object["metadata"]["name"].as_str().unwrap()).await.unwrap();
    json!([found.metadata.resource_version, found.uid()])
}
