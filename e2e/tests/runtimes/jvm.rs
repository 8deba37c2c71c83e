//! The JVM image with models of H2O (MOJO and POJO) and PMML, whose answers are recorded in `runtimes/jvm/tests`.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use understudy_e2e::{
    Publication, Sample, Story, digest,
    runtime::{Run, image, whole_life},
    with_temp_ns,
};

/// The first recorded row of a model, as a record of a caller, and what H2O or scikit-learn answer.
fn recorded(lines: &str) -> Result<(Value, Value)> {
    let first: Value = serde_json::from_str(lines.lines().next().context("there is a row")?)?;
    Ok((first["row"].clone(), first["answer"].clone()))
}

async fn publication(story: &Story, version: &str, file: &str, bytes: &[u8]) -> Result<Publication> {
    let uri = story.upload(file, bytes).await?;
    let resources = json!({"requests": {"cpu": "5m", "memory": "64Mi"}, "limits": {"memory": "384Mi"}});
    let runtime = json!({"image": image("RUNTIME_JVM_IMAGE")?, "resources": resources});
    Ok(Publication::of(Sample::V1_0_0)?.version(version).file(uri, digest(bytes)).runtime(runtime))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mojo_and_then_a_pojo_of_h2o_serve_with_the_answers_of_h2o() -> Result<()> {
    with_temp_ns("h2o", async |story| {
        let glm = recorded(include_str!("../../../runtimes/jvm/tests/glm.jsonl"))?;
        let gbm = recorded(include_str!("../../../runtimes/jvm/tests/gbm.jsonl"))?;
        let mojo = include_bytes!("../../../runtimes/jvm/tests/glm.zip");
        let pojo = include_bytes!("../../../runtimes/jvm/tests/gbm.java");
        let first =
            Run { publication: publication(&story, "1.0.0", "glm.zip", mojo).await?, prediction: &glm.1 };
        let second =
            Run { publication: publication(&story, "1.1.0", "gbm.java", pojo).await?, prediction: &gbm.1 };
        // Both models were asked about the same rows.
        Box::pin(whole_life(&story, &glm.0, first, second)).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_in_pmml_serves_with_the_answers_of_scikit_learn() -> Result<()> {
    with_temp_ns("pmml", async |story| {
        let (record, answer) = recorded(include_str!("../../../runtimes/jvm/tests/logistic.jsonl"))?;
        let pmml = include_bytes!("../../../runtimes/jvm/tests/logistic.pmml");
        let first =
            Run { publication: publication(&story, "1.0.0", "model.pmml", pmml).await?, prediction: &answer };
        let second =
            Run { publication: publication(&story, "1.0.1", "model.xml", pmml).await?, prediction: &answer };
        Box::pin(whole_life(&story, &record, first, second)).await
    })
    .await
}
