//! A version with a graph before its model: callers send raw columns.

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::{Stage, condition::SERVING, names};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, digest, with_temp_ns};

use crate::reported::await_reported;

/// `age` and `country` become `features`.
const ENCODE: &[u8] = include_bytes!("../../../server-image/tests/models/preprocessing/encode.onnx");
/// `features` of two columns become a score.
const WEIGH: &[u8] = include_bytes!("../../../server-image/tests/models/preprocessing/weigh.onnx");
/// It wants three columns.
const WEIGH_THREE: &[u8] =
    include_bytes!("../../../server-image/tests/models/preprocessing/weigh_three.onnx");

/// This model behind the graph.
async fn behind_encode(story: &Story, model: &[u8]) -> Result<Publication> {
    let graph = story.upload("encode.onnx", ENCODE).await?;
    let uri = story.upload("model.onnx", model).await?;
    let publication = Publication::of(Sample::V1_1_0)?.file(uri, digest(model));
    Ok(publication.preprocessing(graph, digest(ENCODE)))
}

#[tokio::test]
async fn records_go_through_the_graph_into_the_model_and_the_status_has_the_inputs_of_callers() -> Result<()>
{
    with_temp_ns("graphs", async |story| {
        story.deploy(&json!({"threads": {"sessions": 2, "intraOp": 1}})).await?;
        let name = story.stage_and_accept(&behind_encode(&story, WEIGH).await?).await?;
        story.request_and_approve(&name, Stage::Production).await?;
        story.await_stage(&name, Stage::Production).await?;
        let own = story.endpoint(&names::version_object(MODEL, "1.1.0")).await?;
        let answered = own.predict_records(&json!([{"age": 42, "country": "NL"}])).await?;
        ensure!(answered == json!({"predictions": [{"score": 421.0}]}), "{answered}");
        let version = story.version(&name).await?;
        let model =
            version.status.and_then(|status| status.model).expect("a version that serves has a signature");
        let inputs: Vec<_> = model.inputs.iter().map(|input| input.name.as_str()).collect();
        ensure!(inputs == ["age", "country"], "{inputs:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_graph_that_does_not_fit_the_model_says_what_differs_and_never_serves() -> Result<()> {
    with_temp_ns("misjoined", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.stage(&behind_encode(&story, WEIGH_THREE).await?).await?;
        let words = "input `features` is FP32 [-1,3], but the output of preprocessing[0] with this name is FP32 [-1,2]";
        await_reported(&story, &name, SERVING, "InvalidModel", words).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn graphs_cannot_be_exchanged_added_or_removed_after_the_version_was_published() -> Result<()> {
    with_temp_ns("regraph", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.publish(&behind_encode(&story, WEIGH).await?).await?;
        let graph = |digit: &str| json!({"uri": "s3://models/g.onnx", "sha256": digit.repeat(64)});
        for change in [json!([graph("0")]), json!([graph("0"), graph("1")]), json!([]), json!(null)] {
            let patch = json!({"spec": {"preprocessing": change}});
            let refused = story.patch(Person::Alice, &name, &patch).await;
            ensure!(refused.is_err(), "{patch} was accepted");
        }
        Ok(())
    })
    .await
}
