//! Images of `spec.runtime` come from the registries that the platform lists (`runtime.registries`), by their digest:
//! `registry.example.com/team-a` and `registry.example.com:5000`.

use kube::api::{Patch, PatchParams, PostParams};
use rstest::rstest;
use serde_json::{Value, json};
use understudy_crds::ModelVersion;

use crate::{
    people::{ALICE, ROOT},
    world::{DIGEST, MODEL, World, refused, request, version},
};

/// A version with these fields in its spec.
fn made(name: &str, fields: &Value) -> ModelVersion {
    let mut object = serde_json::to_value(version(name, &json!({}))).unwrap();
    object["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(object).unwrap()
}

fn with(image: &str) -> ModelVersion {
    made(MODEL, &json!({"runtime": {"image": image}}))
}

fn pinned(name: &str) -> String {
    format!("{name}@sha256:{DIGEST}")
}

#[rstest]
#[tokio::test]
async fn an_image_of_a_listed_registry_is_accepted(
    #[values(
        "registry.example.com/team-a/mlserver",
        "registry.example.com/team-a/deep/er/ml_server.x--y",
        "registry.example.com:5000/anything"
    )]
    name: &str,
) {
    let w = World::new().await;
    w.versions(ALICE).create(&PostParams::default(), &with(&pinned(name))).await.unwrap();
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn an_image_of_another_registry_is_refused_also_for_an_administrator(
    #[values(
        "registry.example.com/team-abc/mlserver",
        "registry.example.com/team-a-evil/mlserver",
        "registry.example.com/team-b/mlserver",
        "registry.example.com/mlserver",
        "registry.example.com.evil.example/team-a/mlserver",
        "evil.example/registry.example.com/team-a/mlserver",
        "registry.example.com:5001/team-a/mlserver",
        "registry.example.com:50001/mlserver",
        "registry.example.com:443/team-a/mlserver",
        "docker.io/library/mlserver",
        "localhost/mlserver"
    )]
    name: &str,
) {
    let w = World::new().await;
    for person in [ALICE, ROOT] {
        let created = w.versions(person).create(&PostParams::default(), &with(&pinned(name))).await;
        refused(
            created,
            403,
            "is not allowed in this cluster: images of spec.runtime come from registry.example.com/team-a, registry.example.com:5000",
        );
    }
}

/// Two readers of such a text could see two images, or none that is pinned.
#[rstest]
#[tokio::test]
async fn an_image_with_more_than_one_form_or_without_its_digest_is_refused(
    #[values(
        "registry.example.com/team-a/mlserver",
        "registry.example.com/team-a/mlserver:1.7.1",
        "registry.example.com/team-a/mlserver:1.7.1@sha256:D",
        "registry.example.com/team-a/mlserver@sha256:d",
        "registry.example.com/team-a/mlserver@sha512:D",
        "registry.example.com/team-a/mlserver@sha256:D@sha256:D",
        "registry.example.com/team-a/mlserver@sha256:D ",
        "registry.example.com/team-a/mlserver@sha256:D\n",
        "registry.example.com/team-a/../team-b/mlserver@sha256:D",
        "registry.example.com/team-a/./mlserver@sha256:D",
        "registry.example.com/team-a//mlserver@sha256:D",
        "registry.example.com/team-a/%2e%2e/mlserver@sha256:D",
        "registry.example.com/team-a/Mlserver@sha256:D",
        "Registry.example.com/team-a/mlserver@sha256:D",
        "registry..example.com/team-a/mlserver@sha256:D",
        "me@registry.example.com/team-a/mlserver@sha256:D",
        "https://registry.example.com/team-a/mlserver@sha256:D",
        "registry.example.com:05000/mlserver@sha256:D",
        "registry.example.com/@sha256:D",
        "mlserver@sha256:D",
        "library/mlserver@sha256:D"
    )]
    image: &str,
) {
    let w = World::new().await;
    let image = image.replace('D', DIGEST);
    let created = w.versions(ROOT).create(&PostParams::default(), &with(&image)).await;
    refused(
        created,
        422,
        "runtime.image must be an image by its digest, with its registry and without a tag",
    );
}

#[tokio::test]
async fn the_image_of_a_version_never_changes_is_not_removed_and_not_added_later() {
    let w = World::new().await;
    let image = pinned("registry.example.com/team-a/mlserver");
    w.versions(ALICE).create(&PostParams::default(), &with(&image)).await.unwrap();
    let api = w.versions(ROOT);
    let other = pinned("registry.example.com/team-a/other");
    for (change, expected) in [
        (json!({"image": other}), "runtime is immutable"),
        (json!({"args": ["--insecure"]}), "runtime is immutable"),
        (json!({"env": [{"name": "LD_PRELOAD", "value": "/mnt/models/x"}]}), "runtime is immutable"),
        (json!(null), "runtime cannot be added or removed later"),
    ] {
        let patch = Patch::Merge(json!({"spec": {"runtime": change}}));
        refused(api.patch(MODEL, &PatchParams::default(), &patch).await, 422, expected);
    }
    let without = made("fraud-1.4.0", &json!({"version": "1.4.0"}));
    api.create(&PostParams::default(), &without).await.unwrap();
    let patch = Patch::Merge(json!({"spec": {"runtime": {"image": image}}}));
    let added = api.patch("fraud-1.4.0", &PatchParams::default(), &patch).await;
    refused(added, 422, "runtime cannot be added or removed later");
}

#[rstest]
#[case::port_of_the_server(json!({"ports": {"http": 8080}}), "runtime.ports.http must not be 8080")]
#[case::privileged_port(json!({"ports": {"http": 80}}), "should be greater than or equal to 1024")]
#[case::our_variable(json!({"env": [{"name": "UNDERSTUDY_PORT", "value": "1"}]}), "must not begin with UNDERSTUDY_")]
#[case::name(json!({"env": [{"name": "A=B", "value": "1"}]}), "must consist of letters, digits and '_'")]
#[case::twice(json!({"env": [{"name": "A"}, {"name": "A"}]}), "Duplicate value")]
#[case::model(json!({"model": "../v2/repository"}), "runtime.model must be the name of a model")]
#[tokio::test]
async fn what_would_get_around_the_server_is_refused(#[case] change: Value, #[case] expected: &str) {
    let w = World::new().await;
    let mut runtime = json!({"image": pinned("registry.example.com/team-a/mlserver")});
    runtime.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let version = made(MODEL, &json!({"runtime": runtime}));
    refused(w.versions(ROOT).create(&PostParams::default(), &version).await, 422, expected);
}
