//! `MLServer` with pickled pipelines of scikit-learn, configured by variables only.

use anyhow::Result;
use serde_json::{Value, json};
use understudy_e2e::{
    Publication, Sample, Story, digest,
    runtime::{Run, image, whole_life},
    with_temp_ns,
};

async fn publication(story: &Story, version: &str, bytes: &[u8]) -> Result<Publication> {
    let uri = story.upload(&format!("{version}.joblib"), bytes).await?;
    let input = json!([{
        "name": "measurements", "datatype": "FP64", "shape": [-1, 4],
        "parameters": {"content_type": "np", "feature_names": ["radius", "texture", "perimeter", "area"]},
    }]);
    let outputs = json!([
        {"name": "predict", "datatype": "INT64", "shape": [-1, 1]},
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]},
    ]);
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    let runtime = json!({
        "image": image("RUNTIME_MLSERVER_IMAGE")?,
        "env": [
            variable("MLSERVER_HOST", "$(UNDERSTUDY_HOST)"),
            variable("MLSERVER_HTTP_PORT", "$(UNDERSTUDY_PORT)"),
            variable("MLSERVER_GRPC_PORT", "9001"),
            variable("MLSERVER_METRICS_PORT", "9002"),
            variable("MLSERVER_PARALLEL_WORKERS", "0"),
            variable("MLSERVER_MODEL_NAME", "$(UNDERSTUDY_MODEL_NAME)"),
            variable("MLSERVER_MODEL_URI", "$(UNDERSTUDY_MODEL_FILE)"),
            variable("MLSERVER_MODEL_IMPLEMENTATION", "mlserver_sklearn.SKLearnModel"),
            variable("MLSERVER_MODEL_INPUTS", &input.to_string()),
            variable("MLSERVER_MODEL_OUTPUTS", &outputs.to_string()),
        ],
        "resources": {"requests": {"cpu": "5m", "memory": "128Mi"}, "limits": {"memory": "768Mi"}},
    });
    Ok(Publication::of(Sample::V1_0_0)?.version(version).file(uri, digest(bytes)).runtime(runtime))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pickled_pipelines_serve_with_the_answers_of_scikit_learn() -> Result<()> {
    with_temp_ns("pickle", async |story| {
        let expected: Value =
            serde_json::from_str(include_str!("../../../runtimes/mlserver/tests/expected.json"))?;
        let first = include_bytes!("../../../runtimes/mlserver/tests/first.joblib");
        let second = include_bytes!("../../../runtimes/mlserver/tests/second.joblib");
        let first =
            Run { publication: publication(&story, "1.0.0", first).await?, prediction: &expected["first"] };
        let second =
            Run { publication: publication(&story, "1.1.0", second).await?, prediction: &expected["second"] };
        Box::pin(whole_life(&story, &expected["record"], first, second)).await
    })
    .await
}
