//! A35: objects of others in the place of the operator's.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::{VERSION, api, create, edit, owned, slice, world};
use crate::{
    people::{CAROL, CONTROL_PLANE, OPERATOR, ROOT},
    world::{World, refused},
};

const TAKEN: &str = "the name belongs to ModelDeployment fraud";

/// Records what the operator owns, as it does at the end of a pass.
async fn recorded(w: &World) {
    let objects: Vec<_> = owned()
        .iter()
        .map(|object| json!({"kind": object["kind"], "name": object["metadata"]["name"], "uid": "5e5e"}))
        .collect();
    let status = json!({"status": {"objects": objects}});
    let patch = Patch::Merge(&status);
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &patch).await.unwrap();
}

/// The same object without labels and owner.
fn foreign(object: &Value) -> Value {
    let mut foreign = object.clone();
    foreign["metadata"] = json!({"name": object["metadata"]["name"]});
    foreign
}

#[tokio::test]
async fn a35_a_deleted_object_of_the_operator_is_not_replaced_by_one_of_somebody_else() {
    let w = world().await;
    recorded(&w).await;
    for object in owned() {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        let ours: Api<DynamicObject> = api(&w, CAROL, object["apiVersion"].as_str().unwrap(), kind);
        ours.delete(name, &DeleteParams::default()).await.unwrap();
        let mut theirs = foreign(&object);
        if kind == "Deployment" {
            theirs["spec"] = json!({
                "selector": {"matchLabels": {"app": "mine"}}, "template": super::template(&json!({"app": "mine"})),
            });
        }
        for person in [CAROL, ROOT] {
            refused(create(&w, person, theirs.clone()).await, 403, TAKEN);
        }
        create(&w, OPERATOR, object).await.unwrap();
    }
}

#[tokio::test]
async fn a35_the_name_of_the_stable_service_is_taken_before_the_operator_has_made_it() {
    let w = world().await;
    api(&w, CAROL, "v1", "Service").delete("fraud", &DeleteParams::default()).await.unwrap();
    let mine = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "fraud"},
        "spec": {"selector": {"app": "mine"}, "ports": [{"port": 80}]},
    });
    refused(create(&w, CAROL, mine).await, 403, TAKEN);
}

/// kube-proxy follows the label, whoever wrote the slice.
#[tokio::test]
async fn a35_an_endpoint_slice_of_the_stable_service_without_the_labels_is_refused() {
    let w = world().await;
    recorded(&w).await;
    let diverted = slice("mine", &json!({}), "192.0.2.1");
    let mut to_version = diverted.clone();
    to_version["metadata"]["labels"]["kubernetes.io/service-name"] = json!(VERSION);
    let objects = json!({"status": {"objects": [{"kind": "Service", "name": VERSION, "uid": "5e5e"}]}});
    let patch = Patch::Merge(&objects);
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &patch).await.unwrap();
    for person in [CAROL, ROOT] {
        refused(create(&w, person, diverted.clone()).await, 403, TAKEN);
        refused(create(&w, person, to_version.clone()).await, 403, TAKEN);
    }
    // A slice of another Service is not turned into one of this Service.
    let mut own = diverted.clone();
    own["metadata"]["labels"] = json!({"kubernetes.io/service-name": "mine"});
    create(&w, CAROL, own.clone()).await.unwrap();
    let moved = json!({"metadata": {"labels": {"kubernetes.io/service-name": "fraud"}}});
    let slices = api(&w, CAROL, "discovery.k8s.io/v1", "EndpointSlice");
    let patched = slices.patch("mine", &PatchParams::default(), &Patch::Merge(&moved)).await;
    refused(patched, 403, TAKEN);
    let endpoints =
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "fraud"}, "subsets": []});
    refused(create(&w, CAROL, endpoints).await, 403, TAKEN);
    create(&w, CONTROL_PLANE.endpoint_slices, slice("fraud-1", &json!({}), "10.0.0.1")).await.unwrap();
}

#[tokio::test]
async fn another_name_and_another_namespace_are_free() {
    let w = world().await;
    recorded(&w).await;
    let service = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "mine"}, "ports": [{"port": 80}]},
        })
    };
    create(&w, CAROL, service("fraud-v2")).await.unwrap();
    edit(&w, CAROL, &service("fraud-v2"), None, &json!({"spec": {"type": "NodePort"}})).await.unwrap();
    let elsewhere = World::new().await;
    create(&elsewhere, ROOT, service("fraud")).await.unwrap();
}
