//! A version proves that its model answers: by its examples, or, if no warm-up can guess an input, by a call in Staging.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, Stage,
    condition::{self, APPROVABLE, PROVEN, SERVING},
    names,
};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, digest, rows, with_temp_ns};

use crate::reported::{await_reported, has_condition};

/// Answers for x = -7 and x = -8 only.
const MINUS_SEVEN: &[u8] = include_bytes!("../../../server-image/tests/models/minus_seven.onnx");

/// The rows of the samples with the answers of version 1.1.0, one example in each line. `change` is added to one number.
fn examples(change: f64) -> Result<String> {
    let line = |(number, row): (usize, understudy_e2e::Row)| {
        let expected = &row.expected["1.1.0"];
        let mut probabilities = expected.probabilities.clone();
        probabilities[1] += if number == 3 { change } else { 0.0 };
        let request = json!({"inputs": [
            {"name": "features", "shape": [1, row.features.len()], "datatype": "FP32", "data": row.features},
        ]});
        let response = json!({"outputs": [
            {"name": "label", "data": [expected.label]}, {"name": "probabilities", "data": [probabilities]},
        ]});
        json!({"request": request, "response": response}).to_string()
    };
    Ok(rows()?.into_iter().enumerate().map(line).collect::<Vec<_>>().join("\n"))
}

/// Version 1.1.0 with these examples.
async fn with_examples(story: &Story, text: &str) -> Result<Publication> {
    let uri = story.upload("examples.jsonl", text.as_bytes()).await?;
    Ok(Publication::of(Sample::V1_1_0)?.examples(uri, digest(text.as_bytes())))
}

#[tokio::test]
async fn a_version_that_reproduces_its_examples_says_so_and_becomes_main() -> Result<()> {
    with_temp_ns("examples", async |story| {
        story.serve_main(&json!({})).await?;
        let publication = with_examples(&story, &examples(0.0)?).await?;
        let name = story.promote(&publication).await?;
        let count = rows()?.len().to_string();
        story
            .await_version("proven by its examples", &name, |v| {
                has_condition(v, PROVEN, "ExamplesReproduced", &count)
            })
            .await?;
        // The node may lead a new connection to the version before for a moment.
        while story.predict(MODEL).await?.ensure_equals(&rows()?, "1.1.0").is_err() {}
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_version_that_does_not_reproduce_an_example_never_serves_and_says_where_it_differs() -> Result<()> {
    with_temp_ns("differ", async |story| {
        story.serve_main(&json!({})).await?;
        let name = story.stage(&with_examples(&story, &examples(0.25)?).await?).await?;
        await_reported(&story, &name, SERVING, "ExamplesDiffer", "line 4 of s3://").await?;
        let words = "output `probabilities`, element 1 at [0,1]: expected ";
        await_reported(&story, &name, SERVING, "ExamplesDiffer", words).await?;
        let main = story.api::<ModelDeployment>().get(MODEL).await?;
        ensure!(main.main().is_some_and(|main| main.version == "1.0.0"), "main stays");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_model_that_no_synthetic_input_fits_waits_in_staging_for_a_call_that_it_answers() -> Result<()> {
    with_temp_ns("unproven", async |story| {
        story.deploy(&json!({})).await?;
        let uri = story.upload("minus_seven.onnx", MINUS_SEVEN).await?;
        let unproven = Publication::of(Sample::V1_1_0)?.file(uri, digest(MINUS_SEVEN));
        let name = story.stage_and_accept(&unproven).await?;
        await_reported(&story, &name, PROVEN, "NoInputWorked", "call this version in Staging").await?;
        story.await_serving(&name).await?;

        story.request_and_approve(&name, Stage::Production).await?;
        let held = "approved by bob, but no synthetic input worked";
        story.await_version("held", &name, |v| has_condition(v, APPROVABLE, "NotProven", held)).await?;

        let own = story.endpoint(&names::version_object(MODEL, "1.1.0")).await?;
        ensure!(own.predict_records(&json!([{"x": 5}])).await.is_err(), "the model answers -7 and -8 only");
        let held = story.version(&name).await?;
        ensure!(held.stage() == Stage::Staging, "a call that fails proves nothing");
        let answered = own.predict_records(&json!([{"x": -7}])).await?;
        ensure!(answered == json!({"predictions": [{"y": 2.5}]}), "{answered}");

        story.await_stage(&name, Stage::Production).await?;
        story
            .await_version("proven by the call", &name, |v| has_condition(v, PROVEN, "CallAnswered", ""))
            .await?;
        // The operator's probe has no input that works, and main runs nevertheless.
        story
            .await_deployment("running", |md| {
                md.status.as_ref().is_some_and(|s| condition::is_true(&s.conditions, condition::RUNNING))
            })
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn examples_cannot_be_exchanged_after_the_version_was_published() -> Result<()> {
    with_temp_ns("exchange", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.publish(&with_examples(&story, &examples(0.0)?).await?).await?;
        for change in [json!({"sha256": "0".repeat(64)}), json!({"tolerance": {"absolute": 5}}), Value::Null]
        {
            let patch = json!({"spec": {"examples": change}});
            let refused = story.patch(Person::Alice, &name, &patch).await;
            ensure!(refused.is_err(), "{patch} was accepted");
        }
        Ok(())
    })
    .await
}
