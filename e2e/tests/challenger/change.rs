//! A challenger comes, is changed, goes, and becomes main: main's pods live on, and callers notice nothing.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage, condition, names};
use understudy_e2e::{MODEL, Pressure, Publication, Sample, Story, with_temp_ns};

use crate::told::{Copies, accepted, refused};

/// How many requests the pods of a version have answered.
async fn answered(story: &Story, version: &str) -> Result<u64> {
    Ok(story.metrics(version).await?.count("nv_inference_request_success", &[]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn main_is_not_restarted_for_a_challenger_that_comes_is_changed_and_goes() -> Result<()> {
    with_temp_ns("change", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        let before = story.lives("1.0.0").await?;
        let mut load = story.load(Pressure::gentle()).await?;
        load.await_round().await?;
        assert_eq!(Copies::of(&story.metrics("1.0.0").await?), Copies::NONE);

        let mut took = vec![];
        for version in ["1.1.0", "1.2.0"] {
            let asked = Instant::now();
            story.challenge(version).await?;
            accepted(&story, "1.0.0", version).await?;
            took.push((version, asked.elapsed()));
            let copied = answered(&story, version).await?;
            load.await_round().await?;
            let more = |metrics: &understudy_e2e::Metrics| {
                metrics.count("nv_inference_request_success", &[]) > copied
            };
            story.await_metrics("it gets copies", version, more).await?;
        }
        // The one that was challenger before is not asked any more.
        let left = answered(&story, "1.1.0").await?;
        load.await_round().await?;
        assert_eq!(answered(&story, "1.1.0").await?, left, "copies went on to a version that is not named");

        let asked = Instant::now();
        story.change(&json!({"challenger": null})).await?;
        story.await_heard("1.0.0", None).await?;
        took.push(("none", asked.elapsed()));
        let balanced = |metrics: &_| Copies::of(metrics).balance();
        let copies = Copies::of(&story.await_metrics("no copy is under way", "1.0.0", balanced).await?);
        load.await_round().await?;
        assert_eq!(Copies::of(&story.metrics("1.0.0").await?), copies, "copies went on to nobody");
        story.await_gone::<Service>(&names::challenger(MODEL)).await?;
        let unsaid = |md: &ModelDeployment| {
            let Some(status) = &md.status else { return false };
            status.challenger.is_none()
                && condition::find(&status.conditions, condition::CHALLENGER_READY).is_none()
        };
        story.await_deployment("nothing is said of a challenger", unsaid).await?;

        assert_eq!(story.lives("1.0.0").await?, before, "main's pods live on");
        let calls = load.finish().await?.ensure_answered()?;
        println!("challenger changed under {calls} calls, none failed; followed after {took:?}; {copies:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_that_is_promoted_goes_on_with_its_warm_pods() -> Result<()> {
    with_temp_ns("promoted", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        let name = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        story.challenge("1.1.0").await?;
        accepted(&story, "1.0.0", "1.1.0").await?;
        let warm = story.lives("1.1.0").await?;
        let mut load = story.load(Pressure::gentle()).await?;
        load.await_round().await?;
        let (_, life) = warm.first_key_value().context("a challenger has a pod")?;

        story.ask_and_approve(&name, Stage::Production).await?;
        story.await_stage(&name, Stage::Production).await?;
        load.await_version("1.1.0").await?;
        load.await_round().await?;
        load.finish().await?.ensure_answered()?;
        let main = story.lives("1.1.0").await?;
        ensure!(
            main.len() == 2 && main.values().all(|pod| pod == life),
            "main is as it was: {warm:?} {main:?}"
        );
        ensure!(warm.keys().all(|uid| main.contains_key(uid)), "main has the warm pods: {warm:?} {main:?}");

        let md: ModelDeployment = story.api().get(MODEL).await?;
        refused(&story, &md, "IsMain", &["1.1.0 is main itself: name another version"]).await?;
        story.await_gone::<Service>(&names::challenger(MODEL)).await
    })
    .await
}
