//! Images of `spec.runtime` in the cluster of `make up`, and the whole life of a model that one runs.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::PostParams};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, Stage,
    condition::{self, CHALLENGER_READY},
};

use crate::{Endpoint, MODEL, Person, Publication, Store, Story, cluster::checkout};

/// Calls that are recorded.
const CALLS: u64 = 20;
/// Between two calls of a wait.
const PACE: Duration = Duration::from_millis(100);
/// Time limit for the first copies: a node's network needs some time for a new Service.
const DEADLINE: Duration = Duration::from_mins(2);

/// The name by its digest of one of the images that `make up` or `make test-runtimes` has loaded: `RUNTIME_TEST_IMAGE`,
/// `RUNTIME_JVM_IMAGE` or `RUNTIME_MLSERVER_IMAGE`. A variable of this name counts first.
pub fn image(variable: &str) -> Result<String> {
    if let Ok(image) = std::env::var(variable) {
        return Ok(image);
    }
    let file = checkout().join(".cluster/runtimes.env");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("failed to read {}: run `make up`", file.display()))?;
    let found = text.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('='));
    found
        .map(str::to_owned)
        .with_context(|| format!("{} has no {variable}: run `make test-runtimes`", file.display()))
}

/// A model that an image runs.
pub struct Run<'a> {
    /// The version.
    pub publication: Publication,
    /// What it answers to the record.
    pub prediction: &'a Value,
}

/// The whole life of a model whose versions an image runs: Staging, Production, the second version as challenger, both in the
/// records, and the second one in Production. `record` is a row of a caller.
pub async fn whole_life(story: &Story, record: &Value, first: Run<'_>, second: Run<'_>) -> Result<()> {
    let sink = Store::default();
    story.serve(&first.publication, &json!({"recording": sink.recording()})).await?;
    let main = story.endpoint(MODEL).await?;
    ensure_predicts(&main.predict_records(&json!([record])).await?, first.prediction)?;
    let version = story.version(&first.publication.name()).await?;
    let image = version.spec.runtime.as_ref().context("the version has an image")?.image.clone();
    let model = version.status.and_then(|status| status.model).context("the version has a signature")?;
    let inputs: Vec<_> = model.inputs.iter().map(|input| input.name.clone()).collect();
    let columns: Vec<_> = record.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    ensure!(!inputs.is_empty() && !columns.is_empty(), "{inputs:?} {columns:?}");
    ensure_isolated(story, first.publication.number()).await?;

    let candidate = story.stage_and_accept(&second.publication).await?;
    story.await_serving(&candidate).await?;
    let number = second.publication.number();
    story.challenge(number).await?;
    let is_accepted = |md: &ModelDeployment| {
        let Some(status) = &md.status else { return false };
        status.challenger.as_ref().is_some_and(|c| c.version == number)
            && condition::is_true(&status.conditions, CHALLENGER_READY)
    };
    story.await_deployment("the second version is the challenger", is_accepted).await?;
    story.await_routing(first.publication.number(), Some(number)).await?;
    let calling = async {
        loop {
            main.predict_records(&json!([record])).await?;
            let metrics = story.metrics(first.publication.number()).await?;
            if metrics.count("understudy_mirror_mirrored_total", &[]) >= CALLS {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(DEADLINE, calling).await.context("the challenger answers no copies")??;

    story.request_and_approve(&candidate, Stage::Production).await?;
    story.await_stage(&candidate, Stage::Production).await?;
    // A node's network follows the Service a moment later, and both versions may answer the same.
    let calling = async {
        while story.metrics(number).await?.count("understudy_records_total", &[]) == 0 {
            main.predict_records(&json!([record])).await?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(DEADLINE, calling).await.context("callers do not reach the second version")??;
    await_prediction(&main, record, second.prediction).await?;
    let md = story.api::<ModelDeployment>().get(MODEL).await?;
    let status = md.status.context("the deployment has a status")?;
    let images: Vec<_> = status.history.iter().map(|main| main.runtime_image.clone()).collect();
    ensure!(
        images == [Some(image.clone()), Some(image)],
        "the history has the image of each main: {images:?}"
    );

    // The pods of the first version write what they have when they end.
    story
        .await_metrics("all rows are written", number, |metrics| {
            metrics.count("understudy_records_pending", &[]) == 0
        })
        .await?;
    let written = story.await_metrics(
        "the rows of the first version are written",
        first.publication.number(),
        |metrics| metrics.count("understudy_records_pending", &[]) == 0,
    );
    written.await?;
    let records = story.records(&sink).await?;
    let (before, after) = (first.publication.number(), number);
    let both =
        format!("main_version = '{before}' AND challenger_version = '{after}' AND challenger_status = 200");
    let (of_both, of_second) =
        (records.count(&both).await?, records.count(&format!("main_version = '{after}'")).await?);
    ensure!(
        of_both >= CALLS && of_second > 0,
        "{of_both} rows with the answers of both, {of_second} of the second as main"
    );
    Ok(())
}

/// Calls until the answer to this record is this prediction: a node's network follows a Service, and a pod its image, a moment later.
pub async fn await_prediction(endpoint: &Endpoint, record: &Value, prediction: &Value) -> Result<()> {
    let mut pace = tokio::time::interval(PACE);
    let mut last = anyhow::anyhow!("no call was made");
    let calling = async {
        loop {
            pace.tick().await;
            let answered = endpoint.predict_records(&json!([record])).await;
            match answered.and_then(|answer| ensure_predicts(&answer, prediction)) {
                Ok(()) => break,
                Err(error) => last = error,
            }
        }
    };
    let answered = tokio::time::timeout(DEADLINE, calling).await;
    if answered.is_err() { Err(last).context("timed out") } else { Ok(()) }
}

/// Fails unless the answer is this prediction. Numbers may differ in the last digits.
fn ensure_predicts(answer: &Value, prediction: &Value) -> Result<()> {
    let found = &answer["predictions"][0];
    ensure!(is_close(found, prediction), "the answer is {found}, not {prediction}");
    Ok(())
}

fn is_close(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            found.len() == expected.len()
                && expected
                    .iter()
                    .all(|(key, value)| found.get(key).is_some_and(|found| is_close(found, value)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| is_close(a, b))
        }
        (Value::Number(found), Value::Number(expected)) => found
            .as_f64()
            .zip(expected.as_f64())
            .is_some_and(|(a, b)| (a - b).abs() <= 1e-9 * (1.0 + b.abs())),
        _ => found == expected,
    }
}

/// Fails if the container of the image has a Secret, a token, or the right to write the model.
async fn ensure_isolated(story: &Story, version: &str) -> Result<()> {
    for pod in story.pods_of(version).await? {
        let spec = pod.spec.clone().context("a pod has a spec")?;
        let runtime = spec.init_containers.iter().flatten().find(|container| container.name == "runtime");
        let mounts = runtime.and_then(|runtime| runtime.volume_mounts.clone()).unwrap_or_default();
        let mounted: Vec<_> = mounts.iter().map(|m| (m.name.as_str(), m.read_only == Some(true))).collect();
        ensure!(mounted == [("models", true), ("runtime-tmp", false)], "{}: {mounted:?}", pod.name_any());
    }
    Ok(())
}

impl Story {
    /// Waits until the container of the image has been started again in a pod of the version, and the pod is ready.
    pub async fn await_restarted_runtime(&self, version: &str) -> Result<()> {
        let pods = self.pods_of(version).await?;
        let name = pods.first().context("the version has a pod")?.name_any();
        let is_back = |pod: &Pod| {
            let statuses =
                pod.status.iter().flat_map(|status| status.init_container_statuses.iter().flatten());
            let restarts: i32 = statuses.filter(|s| s.name == "runtime").map(|s| s.restart_count).sum();
            restarts > 0 && crate::is_ready(pod)
        };
        self.await_object("its image was started again, and it is ready", &name, is_back).await?;
        Ok(())
    }

    /// Creates a version as alice, and expects that the API server refuses it with these words.
    pub async fn ensure_refused(&self, publication: &Publication, words: &str) -> Result<()> {
        let created =
            self.api_as(Person::Alice).create(&PostParams::default(), &publication.manifest()?).await;
        let message = created.err().context("the version was accepted")?.to_string();
        ensure!(message.contains(words), "the refusal has no {words:?}: {message}");
        Ok(())
    }
}
