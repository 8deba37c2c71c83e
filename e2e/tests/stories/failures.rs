//! Versions that cannot serve. Each is approved for Staging, passed by a tester who did not test, and approved for
//! Production. It must not become main, its status must say why, and no call to main may fail.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use serde_json::json;
use understudy_crds::{
    ModelDeployment, Stage,
    condition::{APPROVABLE, SERVING},
    names,
};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, digest, onnx, with_temp_ns};

use crate::reported::{await_reported, has_condition};

/// Gets every approval for Production. Fails unless main stays and the status says why.
async fn is_never_promoted(story: &Story, name: &str, reason: &str, words: &str) -> Result<()> {
    let reported = await_reported(story, name, SERVING, reason, words).await?;
    let failure = reported.status.and_then(|s| s.last_failure).context("status.lastFailure is missing")?;
    assert_eq!(failure.reason, reason);
    ensure!(failure.message.contains(words), "the failure has no {words:?}: {failure:?}");

    story.verdict(Person::Tess, name, "passed", "not tested").await?;
    story.request_and_approve(name, Stage::Production).await?;
    let approved = story
        .await_version("approved by bob, and waiting for its pods", name, |v| {
            has_condition(
                v,
                APPROVABLE,
                "NotServing",
                "approved by bob, but none of its pods is ready in Staging",
            ) && has_condition(v, APPROVABLE, "NotServing", reason)
        })
        .await?;
    assert_eq!(approved.stage(), Stage::Staging);
    let md = story.api::<ModelDeployment>().get(MODEL).await?;
    assert_eq!(md.main().context("the deployment has no main")?.version, "1.0.0");
    ensure!(md.status.is_some_and(|s| s.rollout.is_none()), "no roll-out may begin");
    Ok(())
}

async fn fails(broken: &Publication, story: &Story, reason: &str, words: &str) -> Result<()> {
    story.serve_main(&json!({})).await?;
    let caller = story.caller().await?;
    let name = story.stage(broken).await?;
    is_never_promoted(story, &name, reason, words).await?;
    caller.finish().await?.ensure_all_from(&["1.0.0"])
}

#[tokio::test]
async fn a_file_with_another_digest_is_never_served() -> Result<()> {
    with_temp_ns("digest", async |story| {
        let claimed = digest(b"what alice trained");
        let found = Sample::V1_1_0.sha256()?;
        let broken = Publication::of(Sample::V1_1_0)?.file(Sample::V1_1_0.uri(), claimed);
        fails(&broken, &story, "DigestMismatch", &found).await
    })
    .await
}

#[tokio::test]
async fn a_missing_file_is_named_and_main_keeps_serving() -> Result<()> {
    with_temp_ns("missing", async |story| {
        let uri = "s3://models/breast-cancer/1.1.0/modle.onnx";
        let broken = Publication::of(Sample::V1_1_0)?.file(uri, Sample::V1_1_0.sha256()?);
        fails(&broken, &story, "ArtifactNotFound", uri).await
    })
    .await
}

#[tokio::test]
async fn a_file_that_is_not_onnx_is_rejected_before_it_is_loaded() -> Result<()> {
    with_temp_ns("not-onnx", async |story| {
        let pickle = b"\x80\x04\x95 a pickle, with the right digest";
        let uri = story.upload("model.pkl", pickle).await?;
        let broken = Publication::of(Sample::V1_1_0)?.file(uri, digest(pickle));
        fails(&broken, &story, "InvalidModel", "not an ONNX model").await
    })
    .await
}

#[tokio::test]
async fn a_model_that_needs_more_memory_than_its_pod_has_harms_nothing_else() -> Result<()> {
    with_temp_ns("bomb", async |story| {
        // It needs gigabytes, and the pods of these stories may use a few hundred megabytes.
        let bomb = onnx::bomb(1 << 30);
        let uri = story.upload("bomb.onnx", &bomb).await?;
        let broken = Publication::of(Sample::V1_1_0)?.file(uri, digest(&bomb));
        fails(&broken, &story, "WarmUpFailed", "more memory than the pod may use").await
    })
    .await
}

async fn restart_pods(story: &Story, version: &str) -> Result<()> {
    let pods: Api<Pod> = story.api();
    let of = format!("{}={}", names::VERSION_LABEL, names::version_label(version));
    pods.delete_collection(&DeleteParams::default(), &ListParams::default().labels(&of)).await?;
    Ok(())
}

#[tokio::test]
async fn a_file_replaced_behind_its_uri_is_not_served_until_the_approved_file_is_back() -> Result<()> {
    with_temp_ns("swap", async |story| {
        story.serve_main(&json!({})).await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        let (right, other) = (Sample::V1_1_0.bytes()?, Sample::V1_0_0.bytes()?);
        let uri = story.upload("model.onnx", &right).await?;
        let name = story.stage(&Publication::of(Sample::V1_1_0)?.file(uri, digest(&right))).await?;
        story.await_version("serving", &name, |v| has_condition(v, SERVING, "Serving", "")).await?;

        // Another real model, which could be loaded: only its digest is wrong.
        story.upload("model.onnx", &other).await?;
        restart_pods(&story, "1.1.0").await?;
        is_never_promoted(&story, &name, "DigestMismatch", &digest(&other)).await?;

        story.upload("model.onnx", &right).await?;
        story.await_stage(&name, Stage::Production).await?;
        caller.await_version("1.1.0").await?;
        let responses = caller.finish().await?;
        responses.ensure_all_from(&["1.0.0", "1.1.0"])?;
        story.predict(MODEL).await?.ensure_equals(&understudy_e2e::rows()?, "1.1.0")
    })
    .await
}
