//! A challenger is added, changed, removed, and promoted: main's pods are not restarted, and callers notice nothing.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage, condition, names};
use understudy_e2e::{Load, LoadProfile, MODEL, Metrics, Publication, Sample, Story, with_temp_ns};

use crate::mirroring::{Copies, await_accepted, await_refused};

/// Much longer than pods need to follow a change of the challenger.
const DEADLINE: Duration = Duration::from_mins(1);

/// The number of requests that the pods of a version have answered.
async fn answered(story: &Story, version: &str) -> Result<u64> {
    Ok(story.metrics(version).await?.count("nv_inference_request_success", &[]))
}

/// Waits until a whole round of calls brings this version no further copy.
async fn copies_stop(story: &Story, load: &mut Load, version: &str) -> Result<()> {
    let waiting = async {
        loop {
            let before = answered(story, version).await?;
            load.await_round().await?;
            if answered(story, version).await? == before {
                return Ok(());
            }
        }
    };
    let stopped = tokio::time::timeout(DEADLINE, waiting).await;
    stopped.with_context(|| format!("timed out: {version} still gets copies"))?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn main_is_not_restarted_when_a_challenger_is_added_changed_and_removed() -> Result<()> {
    with_temp_ns("change", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        let before = story.pod_states("1.0.0").await?;
        let mut load = story.load(LoadProfile::gentle()).await?;
        load.await_round().await?;
        assert_eq!(Copies::of(&story.metrics("1.0.0").await?), Copies::NONE);

        let mut times = vec![];
        for version in ["1.1.0", "1.2.0"] {
            let requested = Instant::now();
            story.challenge(version).await?;
            await_accepted(&story, "1.0.0", version).await?;
            times.push((version, requested.elapsed()));
            let copied = answered(&story, version).await?;
            load.await_round().await?;
            let more = |metrics: &Metrics| metrics.count("nv_inference_request_success", &[]) > copied;
            story.await_metrics("the challenger gets copies", version, more).await?;
        }
        copies_stop(&story, &mut load, "1.1.0").await?;

        let requested = Instant::now();
        story.change(&json!({"challenger": null})).await?;
        story.await_routing("1.0.0", None).await?;
        times.push(("none", requested.elapsed()));
        // Calls that began before main's pods followed may still be counted until they end.
        load.await_round().await?;
        let balanced = |metrics: &_| Copies::of(metrics).is_balanced();
        let copies = Copies::of(&story.await_metrics("no copy is pending", "1.0.0", balanced).await?);
        load.await_round().await?;
        assert_eq!(
            Copies::of(&story.metrics("1.0.0").await?),
            copies,
            "calls were counted without a challenger"
        );
        story.await_gone::<Service>(&names::challenger(MODEL)).await?;
        let is_silent = |md: &ModelDeployment| {
            let Some(status) = &md.status else { return false };
            status.challenger.is_none()
                && condition::find(&status.conditions, condition::CHALLENGER_READY).is_none()
        };
        story.await_deployment("the status names no challenger", is_silent).await?;

        assert_eq!(story.pod_states("1.0.0").await?, before, "main's pods are not restarted");
        let calls = load.finish().await?.ensure_answered()?;
        println!("{calls} calls, none failed; followed after {times:?}; {copies:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_challenger_keeps_its_warm_pods() -> Result<()> {
    with_temp_ns("promoted", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        let name = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        story.challenge("1.1.0").await?;
        await_accepted(&story, "1.0.0", "1.1.0").await?;
        let warm = story.pod_states("1.1.0").await?;
        let mut load = story.load(LoadProfile::gentle()).await?;
        load.await_round().await?;
        let (_, life) = warm.first_key_value().context("the challenger has no pod")?;

        story.request_and_approve(&name, Stage::Production).await?;
        story.await_stage(&name, Stage::Production).await?;
        load.await_version("1.1.0").await?;
        load.await_round().await?;
        load.finish().await?.ensure_answered()?;
        let main = story.pod_states("1.1.0").await?;
        ensure!(
            main.len() == 2 && main.values().all(|pod| pod == life),
            "both pods must have the challenger's template and no restart: {warm:?} {main:?}"
        );
        ensure!(
            warm.keys().all(|uid| main.contains_key(uid)),
            "main must keep the warm pods: {warm:?} {main:?}"
        );

        let md: ModelDeployment = story.api().get(MODEL).await?;
        await_refused(&story, &md, "IsMain", &["1.1.0 is main itself: name another version"]).await?;
        story.await_gone::<Service>(&names::challenger(MODEL)).await
    })
    .await
}
