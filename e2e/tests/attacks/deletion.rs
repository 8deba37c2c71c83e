//! A14, A37: deleting a version in Production, or a `ModelDeployment` that has a main, needs a right of its own.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use understudy_crds::ModelDeployment;

use crate::{
    people::{ALICE, BOB, CAROL, GARBAGE_COLLECTOR, OPERATOR, ROOT},
    world::{MODEL, World, refused},
};

/// Time limit for the policy to see that a namespace is being deleted, which takes seconds.
const DEADLINE: std::time::Duration = std::time::Duration::from_mins(1);
const IN_PRODUCTION: &str = "fraud-1.3.0 is in Production: move it out first";

#[tokio::test]
async fn a14_the_version_in_production_cannot_be_deleted() {
    let w = World::new().await;
    w.in_stage("Production").await;
    refused(w.versions(ALICE).delete(MODEL, &DeleteParams::default()).await, 403, IN_PRODUCTION);
    let all = w.versions(ALICE).delete_collection(&DeleteParams::default(), &ListParams::default()).await;
    refused(all.map(|_| ()), 403, IN_PRODUCTION);
    let forced = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::background() };
    refused(w.versions(BOB).delete(MODEL, &forced).await.map(|_| ()), 403, "");
    w.versions(ALICE).get(MODEL).await.unwrap();
}

#[tokio::test]
async fn a_version_in_any_other_stage_can_be_deleted() {
    for stage in ["None", "Staging", "Archived"] {
        let w = World::new().await;
        w.in_stage(stage).await;
        w.versions(ALICE).delete(MODEL, &DeleteParams::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a14_the_verb_delete_production_allows_the_deletion() {
    let w = World::new().await;
    w.in_stage("Production").await;
    w.bind("understudy-governor", CAROL).await;
    w.versions(CAROL).delete(MODEL, &DeleteParams::default()).await.unwrap();
}

/// With an owner reference, a person could make the garbage collector delete an object that they cannot delete.
#[tokio::test]
async fn a14_the_garbage_collector_cannot_delete_it_either() {
    let w = World::new().await;
    w.in_stage("Production").await;
    let maps = Api::<ConfigMap>::namespaced(w.client(ROOT), &w.ns);
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "owner"}})).unwrap();
    let owner = maps.create(&PostParams::default(), &map).await.unwrap();
    let reference = json!({"metadata": {"ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid},
    ]}});
    w.edit(ALICE, reference).await.unwrap();
    w.bind("understudy-requester", GARBAGE_COLLECTOR).await;
    refused(w.versions(GARBAGE_COLLECTOR).delete(MODEL, &DeleteParams::default()).await, 403, IN_PRODUCTION);
}

#[tokio::test]
async fn a14_a_namespace_can_be_deleted_with_its_version_in_production() {
    let w = World::new().await;
    w.in_stage("Production").await;
    let namespaces = Api::<Namespace>::all(w.client(ROOT));
    namespaces.delete(&w.ns, &DeleteParams::default()).await.unwrap();
    // No controller runs here, so the namespace stays in deletion. Deleting its content needs no extra verb.
    let gone = tokio::time::timeout(DEADLINE, async {
        while w.versions(ALICE).delete(MODEL, &DeleteParams::default()).await.is_err() {}
    });
    gone.await.expect("the policy sees the deletion of the namespace in time");
}

const HAS_A_MAIN: &str = "callers of fraud are answered by 1.3.0, and deleting it ends that";

/// Alice's `ModelDeployment`, whose main is 1.3.0.
async fn with_main(w: &World) {
    let manifest = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}, "spec": {},
    });
    let manifest: ModelDeployment = serde_json::from_value(manifest).unwrap();
    w.deployments(ALICE).create(&PostParams::default(), &manifest).await.unwrap();
    let main = json!({
        "version": "1.3.0", "modelVersion": MODEL, "digest": "sha256:0", "since": "2026-11-21T09:00:00Z",
        "transition": "6f1c2b",
    });
    let status = Patch::Merge(json!({"status": {"main": main}}));
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &status).await.unwrap();
}

#[tokio::test]
async fn a37_a_requester_cannot_delete_a_deployment_that_has_a_main() {
    let w = World::new().await;
    with_main(&w).await;
    refused(w.deployments(ALICE).delete("fraud", &DeleteParams::default()).await, 403, HAS_A_MAIN);
    let all = w.deployments(ALICE).delete_collection(&DeleteParams::default(), &ListParams::default()).await;
    refused(all.map(|_| ()), 403, HAS_A_MAIN);
    w.bind("understudy-requester", GARBAGE_COLLECTOR).await;
    let collected = w.deployments(GARBAGE_COLLECTOR).delete("fraud", &DeleteParams::default()).await;
    refused(collected, 403, HAS_A_MAIN);
    w.deployments(ALICE).get("fraud").await.unwrap();
}

#[tokio::test]
async fn a37_the_verb_delete_production_allows_the_deletion_and_so_does_an_administrator() {
    for person in [CAROL, ROOT] {
        let w = World::new().await;
        with_main(&w).await;
        w.bind("understudy-governor", CAROL).await;
        w.deployments(person).delete("fraud", &DeleteParams::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_deployment_without_a_main_can_be_deleted() {
    let w = World::new().await;
    with_main(&w).await;
    let taken_down = Patch::Merge(json!({"status": {"main": null}}));
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &taken_down).await.unwrap();
    w.deployments(ALICE).delete("fraud", &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn a37_a_namespace_can_be_deleted_with_its_main() {
    let w = World::new().await;
    with_main(&w).await;
    let namespaces = Api::<Namespace>::all(w.client(ROOT));
    namespaces.delete(&w.ns, &DeleteParams::default()).await.unwrap();
    let gone = tokio::time::timeout(DEADLINE, async {
        while w.deployments(ALICE).delete("fraud", &DeleteParams::default()).await.is_err() {}
    });
    gone.await.expect("the policy sees the deletion of the namespace in time");
}

#[tokio::test]
async fn a23_the_version_that_callers_reach_cannot_be_deleted_whatever_its_stage_is() {
    let w = World::new().await;
    let version = w.in_stage("Archived").await;
    with_main(&w).await;
    let words = "callers of fraud are answered by fraud-1.3.0: move it out of Production first";
    let status = |change| Patch::Merge(json!({"status": change}));
    let main = status(json!({"main": {"uid": version.metadata.uid}}));
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &main).await.unwrap();
    w.until_refused(words, || async { w.delete_as(ALICE, true).await }).await;
    refused(w.delete_as(ALICE, false).await, 403, words);

    let back = status(json!({"main": null, "rollback": {
        "request": "1.3.0#a", "by": "bob", "at": "2026-11-21T10:00:00Z", "result": "Pending", "message": "waits",
    }}));
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &back).await.unwrap();
    let words = "callers of fraud are sent back to fraud-1.3.0";
    w.until_refused(words, || async { w.delete_as(ALICE, true).await }).await;
    refused(w.delete_as(ALICE, false).await, 403, words);
    w.bind("understudy-governor", CAROL).await;
    w.delete_as(CAROL, false).await.unwrap();
}
