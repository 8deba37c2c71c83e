//! Models come from the places that the platform allows (`artifacts.allowedUris`), in namespaces where the policy holds:
//! `s3://models`, `https://models.example/team-a` and `pvc://shared/models/`.

use kube::api::{Patch, PatchParams, PostParams};
use rstest::rstest;
use serde_json::json;
use understudy_crds::ModelVersion;

use crate::{
    people::{ALICE, ROOT},
    world::{DIGEST, MODEL, World, refused, request, version},
};

fn from(uri: &str) -> ModelVersion {
    let mut made = version(MODEL, &json!({}));
    uri.clone_into(&mut made.spec.artifact.uri);
    made
}

#[rstest]
#[tokio::test]
async fn a_model_from_an_allowed_place_is_accepted(
    #[values(
        "s3://models/fraud/1.3.0/model.onnx",
        "https://models.example/team-a/fraud.onnx",
        "https://models.example/team-a/fraud.onnx?version=3",
        "pvc://shared/models/fraud.onnx"
    )]
    uri: &str,
) {
    let w = World::listed().await;
    w.right_on(ALICE, "persistentvolumeclaims", "shared", "use").await;
    w.versions(ALICE).create(&PostParams::default(), &from(uri)).await.unwrap();
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_model_from_another_place_is_refused_also_for_an_administrator(
    #[values(
        "s3://models-evil/fraud.onnx",
        "s3://model/fraud.onnx",
        "https://evil.example/team-a/fraud.onnx",
        "https://models.example.evil.example/team-a/fraud.onnx",
        "https://models.example:8443/team-a/fraud.onnx",
        "https://models.example/team-b/fraud.onnx",
        "https://models.example/team-a-evil/fraud.onnx",
        "pvc://shared/modelsevil/fraud.onnx",
        "pvc://other/models/fraud.onnx"
    )]
    uri: &str,
) {
    let w = World::listed().await;
    // Without the right to use the claims, another policy would refuse as well, and the API server reports either.
    for claim in ["shared", "other"] {
        w.right_on(ALICE, "persistentvolumeclaims", claim, "use").await;
    }
    for person in [ALICE, ROOT] {
        let created = w.versions(person).create(&PostParams::default(), &from(uri)).await;
        refused(
            created,
            403,
            "is not allowed in this cluster: models, the graphs before them, baselines and examples come from s3://models, ",
        );
    }
}

#[rstest]
#[tokio::test]
async fn a_uri_that_two_readers_read_differently_is_refused(
    #[values(
        "https://models.example@evil.example/team-a/fraud.onnx",
        "https://models.example:secret@evil.example/team-a/fraud.onnx",
        "https://models.example\\@evil.example/team-a/fraud.onnx",
        "https://MODELS.example/team-a/fraud.onnx",
        "https://models.example./team-a/fraud.onnx",
        "https://models.example/team-a/../team-b/fraud.onnx",
        "https://models.example/team-a/%2e%2e/team-b/fraud.onnx",
        "https://models.example/team-a/.%2E/team-b/fraud.onnx",
        "https://models.example/team-a/..%2Fteam-b/fraud.onnx",
        "https://models.example/team-a/%252e%252e/team-b/fraud.onnx",
        "https://models.example/team-a/..\\team-b\\fraud.onnx",
        "s3://models/../other/fraud.onnx",
        "s3://models/./fraud.onnx"
    )]
    uri: &str,
) {
    let w = World::listed().await;
    let created = w.versions(ALICE).create(&PostParams::default(), &from(uri)).await;
    refused(created, 403, "has more than one form");
}

#[tokio::test]
async fn a_baseline_comes_from_an_allowed_place_as_well() {
    let w = World::listed().await;
    let with = |uri: &str| {
        let mut made = from("s3://models/fraud.onnx");
        made.spec.baseline = serde_json::from_value(json!({"uri": uri, "sha256": DIGEST})).unwrap();
        made
    };
    let created =
        w.versions(ALICE).create(&PostParams::default(), &with("s3://elsewhere/baseline.json")).await;
    refused(created, 403, "the URI s3://elsewhere/baseline.json is not allowed");
    w.versions(ALICE).create(&PostParams::default(), &with("s3://models/baseline.json")).await.unwrap();
}

#[tokio::test]
async fn examples_come_from_an_allowed_place_as_well() {
    let w = World::listed().await;
    let with = |uri: &str| {
        let mut made = from("s3://models/fraud.onnx");
        made.spec.examples = serde_json::from_value(json!({"uri": uri, "sha256": DIGEST})).unwrap();
        made
    };
    let created =
        w.versions(ALICE).create(&PostParams::default(), &with("s3://elsewhere/examples.jsonl")).await;
    refused(created, 403, "the URI s3://elsewhere/examples.jsonl is not allowed");
    w.versions(ALICE).create(&PostParams::default(), &with("s3://models/examples.jsonl")).await.unwrap();
}

#[tokio::test]
async fn graphs_before_the_model_come_from_an_allowed_place_as_well() {
    let w = World::listed().await;
    let with = |uri: &str| {
        let mut made = from("s3://models/fraud.onnx");
        made.spec.preprocessing = serde_json::from_value(json!([
            {"uri": "s3://models/first.onnx", "sha256": DIGEST}, {"uri": uri, "sha256": DIGEST},
        ]))
        .unwrap();
        made
    };
    let created = w.versions(ALICE).create(&PostParams::default(), &with("s3://elsewhere/graph.onnx")).await;
    refused(created, 403, "the URI s3://elsewhere/graph.onnx is not allowed");
    w.versions(ALICE).create(&PostParams::default(), &with("s3://models/graph.onnx")).await.unwrap();
}

/// A list that has become shorter stops no promotion, no rollback and no change of what is there.
#[tokio::test]
async fn a_version_from_a_place_that_is_no_longer_allowed_can_still_be_changed() {
    let w = World::new().await;
    w.versions(ALICE).create(&PostParams::default(), &from("s3://elsewhere/fraud.onnx")).await.unwrap();
    w.list_uris().await;
    let mut other = from("s3://elsewhere/other.onnx");
    other.metadata.name = Some("fraud-1.3.1".to_owned());
    let (versions, dry) = (w.versions(ALICE), PostParams { dry_run: true, ..PostParams::default() });
    w.until_refused("is not allowed in this cluster", || async {
        versions.create(&dry, &other).await.map(|_| ())
    })
    .await;
    let labels = Patch::Merge(json!({"metadata": {"labels": {"team": "risk"}}}));
    w.versions(ALICE).patch(MODEL, &PatchParams::default(), &labels).await.unwrap();
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
}
