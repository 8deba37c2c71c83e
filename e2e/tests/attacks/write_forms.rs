//! A18: the same rules hold for every form of write: replace, apply, JSON patch, create, another API version.

use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    people::{ALICE, BOB},
    world::{MODEL, World, approve, refused, request, version},
};

const NAME: &str = "a change of spec.stage must carry the annotation understudy.dev/requested-by: alice";
const FOUR_EYES: &str = "four eyes: alice requested this transition, somebody else must approve it";

#[tokio::test]
async fn a18_a_replace_obeys_the_same_rules() {
    let w = World::new().await;
    w.pending().await;
    let mut whole = w.versions(ALICE).get(MODEL).await.unwrap();
    let own = approve("6f1c2b", "alice");
    for (key, value) in own.as_object().unwrap() {
        whole.annotations_mut().insert(key.clone(), value.as_str().unwrap().to_owned());
    }
    refused(w.versions(ALICE).replace(MODEL, &PostParams::default(), &whole).await, 403, FOUR_EYES);
}

#[tokio::test]
async fn a18_a_server_side_apply_obeys_the_same_rules() {
    let w = World::new().await;
    w.pending().await;
    let applied = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": MODEL, "annotations": approve("6f1c2b", "alice")},
    });
    let params = PatchParams::apply("ci").force();
    refused(w.versions(ALICE).patch(MODEL, &params, &Patch::Apply(applied)).await, 403, FOUR_EYES);
}

#[tokio::test]
async fn a18_a_json_patch_obeys_the_same_rules() {
    let w = World::new().await;
    w.published().await;
    w.annotate(ALICE, json!({"team": "risk"})).await.unwrap();
    let operations: Value = json!([{"op": "replace", "path": "/spec/stage", "value": "Staging"}]);
    let patch = Patch::<()>::Json(serde_json::from_value(operations).unwrap());
    refused(w.versions(ALICE).patch(MODEL, &PatchParams::default(), &patch).await, 403, NAME);
}

#[tokio::test]
async fn a18_a_create_with_a_generated_name_obeys_the_same_rules() {
    let w = World::new().await;
    let mut manifest = version(MODEL, &json!({}));
    manifest.metadata.name = None;
    manifest.metadata.generate_name = Some("fraud-".to_owned());
    manifest.spec.stage = understudy_crds::Stage::Staging;
    refused(w.versions(ALICE).create(&PostParams::default(), &manifest).await, 403, NAME);
}

/// The control plane of these tests serves the kind as v1alpha2 too.
#[tokio::test]
async fn a18_another_version_of_the_api_obeys_the_same_rules() {
    let w = World::new().await;
    w.pending().await;
    let other = ApiResource::from_gvk(&GroupVersionKind::gvk("understudy.dev", "v1alpha2", "ModelVersion"));
    let approves = |person| Api::<DynamicObject>::namespaced_with(w.client(person), &w.ns, &other);
    let params = PatchParams::default();
    let own = Patch::Merge(json!({"metadata": {"annotations": approve("6f1c2b", "alice")}}));
    refused(approves(ALICE).patch(MODEL, &params, &own).await, 403, FOUR_EYES);
    let bobs = Patch::Merge(json!({"metadata": {"annotations": approve("6f1c2b", "bob")}}));
    approves(BOB).patch(MODEL, &params, &bobs).await.unwrap();
}

#[tokio::test]
async fn a18_a_dry_run_has_the_same_result_as_the_write() {
    let w = World::new().await;
    w.pending().await;
    let params = PatchParams { dry_run: true, ..PatchParams::default() };
    let own = json!({"metadata": {"annotations": approve("6f1c2b", "alice")}});
    refused(w.versions(ALICE).patch(MODEL, &params, &Patch::Merge(own)).await, 403, FOUR_EYES);
    let bobs = json!({"metadata": {"annotations": approve("6f1c2b", "bob")}});
    w.versions(BOB).patch(MODEL, &params, &Patch::Merge(bobs)).await.unwrap();
}

#[tokio::test]
async fn a18_a_person_can_request_by_server_side_apply_in_their_own_name() {
    let w = World::new().await;
    w.published().await;
    let mut applied = request("Staging", "alice");
    applied["apiVersion"] = json!("understudy.dev/v1alpha1");
    applied["kind"] = json!("ModelVersion");
    applied["metadata"]["name"] = json!(MODEL);
    let params = PatchParams::apply("ci").force();
    w.versions(ALICE).patch(MODEL, &params, &Patch::Apply(applied)).await.unwrap();
}
