//! Versions whose model an image runs: a small server of the Open Inference Protocol in Python, which also has the faults of real
//! ones. Callers notice no difference to the built-in engine. The images of real servers have stories of their own
//! (`e2e/tests/runtimes`).

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use understudy_crds::{Stage, condition::SERVING};
use understudy_e2e::{
    MODEL, Person, Publication, Sample, Story, digest,
    runtime::{self, Run, image},
    with_temp_ns,
};

use crate::reported::await_reported;

/// A linear model of two columns.
fn model(bias: f64, more: &Value) -> Value {
    let mut model = json!({"weights": {"age": 0.5, "amount": 2.0}, "bias": bias});
    model.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    model
}

async fn publication(story: &Story, version: &str, model: &Value) -> Result<Publication> {
    of_file(story, version, model.to_string().as_bytes()).await
}

async fn of_file(story: &Story, version: &str, bytes: &[u8]) -> Result<Publication> {
    let uri = story.upload(&format!("{version}.json"), bytes).await?;
    let resources = json!({"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}});
    let runtime = json!({"image": image("RUNTIME_TEST_IMAGE")?, "resources": resources});
    Ok(Publication::of(Sample::V1_0_0)?.version(version).file(uri, digest(bytes)).runtime(runtime))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_an_image_runs_has_the_whole_life_of_every_other_one() -> Result<()> {
    with_temp_ns("image", async |story| {
        let first = publication(&story, "1.0.0", &model(1.0, &json!({}))).await?;
        let second = publication(&story, "1.1.0", &model(8.0, &json!({"binary": true}))).await?;
        let record = json!({"age": 4, "amount": 0.1});
        let (low, high) = (json!({"score": 3.2, "label": "no"}), json!({"score": 10.2, "label": "yes"}));
        let first = Run { publication: first, prediction: &low };
        let second = Run { publication: second, prediction: &high };
        Box::pin(runtime::whole_life(&story, &record, first, second)).await
    })
    .await
}

#[tokio::test]
async fn an_image_that_dies_is_started_again_and_the_pod_gets_no_calls_meanwhile() -> Result<()> {
    with_temp_ns("image-dies", async |story| {
        let faults = json!({"faults": {"-1": "exit", "-2": "nonsense", "-5": "reject"}});
        story.serve(&publication(&story, "1.0.0", &model(1.0, &faults)).await?, &json!({})).await?;
        let main = story.endpoint(MODEL).await?;
        let call = async |age: f64| main.predict_records(&json!([{"age": age, "amount": 0.1}])).await;
        for (age, words) in
            [(-5.0, "400 Bad Request"), (-2.0, "500 Internal"), (-1.0, "503 Service Unavailable")]
        {
            let error = format!("{:#}", call(age).await.expect_err("a fault of the image"));
            ensure!(error.contains(words), "{age}: {error}");
        }
        story.await_restarted_runtime("1.0.0").await?;
        // The image may still start: until the pod is not ready, calls that arrive get 503.
        let prediction = json!({"score": 3.2, "label": "no"});
        runtime::await_prediction(&main, &json!({"age": 4, "amount": 0.1}), &prediction).await
    })
    .await
}

#[tokio::test]
async fn an_image_that_does_not_answer_as_it_declares_is_named_and_never_serves() -> Result<()> {
    with_temp_ns("image-nonsense", async |story| {
        story.deploy(&json!({})).await?;
        let broken = model(1.0, &json!({"faults": {"0": "shape"}}));
        let name = story.stage(&publication(&story, "1.1.0", &broken).await?).await?;
        let words = "output `score` has 2 elements, but its shape [1] needs 1";
        await_reported(&story, &name, SERVING, "InvalidRuntime", words).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_image_that_ends_is_named_with_its_exit_code() -> Result<()> {
    with_temp_ns("image-ends", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.stage(&of_file(&story, "1.1.0", b"this is not a model").await?).await?;
        await_reported(&story, &name, SERVING, "RuntimeEnded", "ended with exit code 1").await?;
        Ok(())
    })
    .await
}

/// The reason follows only after minutes (`RuntimeNotReady`); the server's own tests have it.
#[tokio::test]
async fn an_image_that_never_becomes_ready_keeps_its_version_out_of_production() -> Result<()> {
    with_temp_ns("image-unready", async |story| {
        story.deploy(&json!({})).await?;
        let name =
            story.stage(&publication(&story, "1.1.0", &model(1.0, &json!({"ready": false}))).await?).await?;
        story.verdict(Person::Tess, &name, "passed", "not tested").await?;
        story.request_and_approve(&name, Stage::Production).await?;
        let held = |v: &understudy_crds::ModelVersion| {
            crate::reported::has_condition(
                v,
                understudy_crds::condition::APPROVABLE,
                "NotServing",
                "approved by bob, but",
            )
        };
        let version = story.await_version("approved, and held", &name, held).await?;
        assert_eq!(version.stage(), Stage::Staging);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_file_than_the_pinned_one_never_reaches_the_image() -> Result<()> {
    with_temp_ns("image-digest", async |story| {
        story.deploy(&json!({})).await?;
        let publication = publication(&story, "1.1.0", &model(1.0, &json!({}))).await?;
        let uri = story.upload("other.json", b"{}").await?;
        let name = story.stage(&publication.file(uri, digest(b"what alice made"))).await?;
        await_reported(&story, &name, SERVING, "DigestMismatch", &digest(b"{}")).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_image_by_a_digest_that_no_registry_has_is_named_and_never_serves() -> Result<()> {
    with_temp_ns("image-missing", async |story| {
        story.deploy(&json!({})).await?;
        let missing = format!("localhost/understudy-runtime-test@sha256:{}", "0".repeat(64));
        let publication = publication(&story, "1.1.0", &model(1.0, &json!({}))).await?;
        let name = story.stage(&publication.runtime(json!({"image": missing}))).await?;
        let is_named = |v: &understudy_crds::ModelVersion| {
            ["ErrImagePull", "ImagePullBackOff"]
                .iter()
                .any(|reason| crate::reported::has_condition(v, SERVING, reason, "sha256:000000"))
        };
        story.await_version("the image cannot be pulled", &name, is_named).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_image_of_a_registry_that_is_not_listed_is_refused() -> Result<()> {
    with_temp_ns("image-foreign", async |story| {
        story.deploy(&json!({})).await?;
        let publication = publication(&story, "1.1.0", &model(1.0, &json!({}))).await?;
        let foreign = format!("registry.example.com/ml/server@sha256:{}", "0".repeat(64));
        story
            .ensure_refused(&publication.runtime(json!({"image": foreign})), "is not allowed in this cluster")
            .await
    })
    .await
}
