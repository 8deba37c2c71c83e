//! A text pipeline of scikit-learn, in the server's image: its operator for upper and lower case needs a locale of the system.

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use understudy_e2e::{MODEL, Publication, Sample, Story, digest, with_temp_ns};

use crate::TURN;

/// TF-IDF and logistic regression; `server-image/tests/reference/models/text.py` has its texts.
const FILE: &str = "server-image/tests/models/topics.onnx";

/// What the model answers to each of the texts.
async fn topics(story: &Story, texts: &[&str]) -> Result<Vec<serde_json::Value>> {
    let records: Vec<_> = texts.iter().map(|text| json!({"text": text})).collect();
    let answer = story.endpoint(MODEL).await?.predict_records(&json!(records)).await?;
    Ok(answer["predictions"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_text_pipeline_of_scikit_learn_finds_the_topic_in_upper_and_in_lower_case() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("text", async |story| {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE))?;
        let uri = story.upload("topics.onnx", &bytes).await?;
        story.deploy(&json!({})).await?;
        story.promote(&Publication::of(Sample::V1_0_0)?.file(uri, digest(&bytes))).await?;

        let texts = ["where is my parcel?", "the invoice is wrong", "l’écran reste noir"];
        let lower = topics(&story, &texts).await?;
        let labels: Vec<_> = lower.iter().map(|topic| topic["output_label"].clone()).collect();
        assert_eq!(labels, ["delivery", "billing", "technical"]);
        let upper = texts.map(str::to_uppercase);
        assert_eq!(topics(&story, &upper.each_ref().map(String::as_str)).await?, lower, "also É");
        Ok(())
    })
    .await
}
