//! A2, A7: requests in a false name, and manifests that contain a decision.

use kube::api::PostParams;
use serde_json::json;

use crate::{
    people::{ALICE, BOB, CAROL, Person, ROOT},
    world::{MODEL, World, accept, approve, refused, reject, request, version},
};

#[tokio::test]
async fn a_person_can_request_in_their_own_name() {
    let w = World::new().await;
    w.published().await;
    let requested = w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    assert_eq!(requested.metadata.annotations.unwrap()["understudy.dev/requested-by"], "alice");
}

#[tokio::test]
async fn a2_a_request_in_another_persons_name_is_refused() {
    let w = World::new().await;
    w.published().await;
    let words = "a change of spec.stage must carry the annotation understudy.dev/requested-by: alice";
    refused(w.edit(ALICE, request("Staging", "bob")).await, 403, words);
    refused(w.edit(ALICE, json!({"spec": {"stage": "Staging"}})).await, 403, words);
}

#[tokio::test]
async fn a2_not_even_a_cluster_admin_can_request_for_another_person() {
    let w = World::new().await;
    w.published().await;
    refused(w.edit(ROOT, request("Staging", "alice")).await, 403, "understudy.dev/requested-by: root");
}

#[tokio::test]
async fn a2_the_name_of_the_requester_cannot_be_changed_or_removed_later() {
    let w = World::new().await;
    w.published().await;
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    let words = "understudy.dev/requested-by changes only together with spec.stage";
    for name in [json!("bob"), json!(""), json!(null)] {
        refused(w.annotate(ALICE, json!({"understudy.dev/requested-by": name})).await, 403, words);
    }
    refused(w.annotate(BOB, json!({"understudy.dev/requested-by": "bob"})).await, 403, words);
}

#[tokio::test]
async fn a2_the_name_of_an_old_request_does_not_count_for_the_next_stage() {
    let w = World::new().await;
    w.published().await;
    w.edit(BOB, request("Staging", "bob")).await.unwrap();
    w.record(json!({"stage": "Staging"})).await.unwrap();
    let silent = json!({"spec": {"stage": "Production"}});
    refused(w.edit(ALICE, silent).await, 403, "understudy.dev/requested-by: alice");
}

#[tokio::test]
async fn a_person_whose_name_the_record_cannot_hold_cannot_act() {
    let w = World::new().await;
    w.published().await;
    let long = Person { name: "a".repeat(257).leak(), ..ROOT };
    let words = "your user name has 257 characters, and the record of an act keeps at most 256";
    refused(w.edit(long, request("Staging", long.name)).await, 422, words);
}

#[tokio::test]
async fn a_request_requires_the_verb() {
    let w = World::new().await;
    w.published().await;
    w.allow(CAROL, &[(&["get", "patch"], &["modelversions"], &[])]).await;
    let words = "carol may not request the stage Staging (needs the verb request on stages/staging)";
    refused(w.edit(CAROL, request("Staging", "carol")).await, 403, words);
}

#[tokio::test]
async fn the_verb_on_staging_does_not_allow_a_request_for_production() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    w.allow(
        CAROL,
        &[(&["get", "patch"], &["modelversions"], &[]), (&["request"], &["stages"], &["staging"])],
    )
    .await;
    refused(
        w.edit(CAROL, request("Production", "carol")).await,
        403,
        "needs the verb request on stages/production",
    );
}

#[tokio::test]
async fn a_withdrawal_requires_the_verb_on_the_requested_stage() {
    let w = World::new().await;
    w.pending().await;
    w.allow(
        CAROL,
        &[(&["get", "patch"], &["modelversions"], &[]), (&["request"], &["stages"], &["staging"])],
    )
    .await;
    refused(
        w.edit(CAROL, request("Staging", "carol")).await,
        403,
        "needs the verb request on stages/production",
    );
    w.edit(BOB, request("Staging", "bob")).await.unwrap();
}

#[tokio::test]
async fn a7_a_new_version_cannot_contain_a_decision() {
    let w = World::new().await;
    for (annotations, words) in [
        (approve("6f1c2b", "bob"), "this approval matches no pending transition"),
        (reject("6f1c2b", "bob"), "this rejection matches no pending transition"),
        (accept("passed", "bob"), "a verdict is given on a version in Staging"),
    ] {
        let made = w.versions(BOB).create(&PostParams::default(), &version(MODEL, &annotations)).await;
        refused(made, 403, words);
    }
}

#[tokio::test]
async fn a7_a_version_that_is_created_again_does_not_keep_its_approval() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    w.versions(ALICE).delete(MODEL, &kube::api::DeleteParams::default()).await.unwrap();
    let again = version(MODEL, &approve("6f1c2b", "bob"));
    let made = w.versions(ALICE).create(&PostParams::default(), &again).await;
    refused(made, 403, "this approval matches no pending transition");
}

#[tokio::test]
async fn a7_a_status_in_a_manifest_is_ignored() {
    let w = World::new().await;
    let mut manifest = serde_json::to_value(version(MODEL, &json!({}))).unwrap();
    manifest["status"] = json!({"stage": "Production"});
    let made =
        w.versions(ALICE).create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await;
    assert!(made.unwrap().status.is_none());
}

#[tokio::test]
async fn a_new_version_cannot_request_production() {
    let w = World::new().await;
    for stage in ["Production", "Archived"] {
        let mut manifest = version(MODEL, &json!({"understudy.dev/requested-by": "alice"}));
        manifest.spec.stage = serde_json::from_value(json!(stage)).unwrap();
        let made = w.versions(ALICE).create(&PostParams::default(), &manifest).await;
        refused(made, 422, "a new ModelVersion must have spec.stage None or Staging");
    }
}

#[tokio::test]
async fn a_new_version_that_requests_staging_must_name_its_requester() {
    let w = World::new().await;
    let requesting = |name: &str| {
        let mut manifest = version(MODEL, &json!({"understudy.dev/requested-by": name}));
        manifest.spec.stage = understudy_crds::Stage::Staging;
        manifest
    };
    let versions = w.versions(ALICE);
    refused(versions.create(&PostParams::default(), &requesting("bob")).await, 403, "requested-by: alice");
    versions.create(&PostParams::default(), &requesting("alice")).await.unwrap();
}

#[tokio::test]
async fn a_new_version_in_stage_none_cannot_name_another_requester() {
    let w = World::new().await;
    let planted = version(MODEL, &json!({"understudy.dev/requested-by": "bob"}));
    let made = w.versions(ALICE).create(&PostParams::default(), &planted).await;
    refused(made, 403, "names the person who changes it");
}
