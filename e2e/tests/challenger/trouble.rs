//! A challenger that dies or stands still: it costs copies, each of them counted, and main nothing.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::DeleteParams};
use serde_json::json;
use understudy_e2e::{Frozen, Load, Metrics, Pressure, Publication, Sample, Story, with_temp_ns};

use crate::told::{Copies, answering};

/// Waits until copies are answered again.
async fn is_back(story: &Story, load: &mut Load) -> Result<()> {
    let before = Copies::of(&story.metrics("1.0.0").await?).mirrored;
    let more = |metrics: &Metrics| {
        Copies::of(metrics).mirrored > before && metrics.count("understudy_mirror_circuit_open", &[]) == 0
    };
    story.await_metrics("copies are answered again", "1.0.0", more).await?;
    load.await_round().await
}

/// How many copies were dropped for this reason.
fn dropped(metrics: &Metrics, reason: &str) -> u64 {
    metrics.count("understudy_mirror_dropped_total", &[("reason", reason)])
}

/// Waits until copies have failed, in a way that adds to this reason where one is named, and then none is made.
async fn is_left_alone(story: &Story, before: &Metrics, reason: Option<&str>) -> Result<()> {
    let grown = |metrics: &Metrics, reason| dropped(metrics, reason) > dropped(before, reason);
    let alone = |metrics: &Metrics| {
        grown(metrics, "circuit_open") && reason.is_none_or(|reason| grown(metrics, reason))
    };
    story.await_metrics("the challenger is left alone", "1.0.0", alone).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_that_dies_or_stands_still_costs_main_no_call_and_every_copy_is_counted() -> Result<()> {
    with_temp_ns("trouble", async |story| {
        story.serve_main(&json!({})).await?;
        story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.change(&json!({"challenger": {"version": "1.1.0", "timeout": "200ms"}})).await?;
        let first = answering(&story, "1.0.0", "1.1.0").await?;
        let lives = story.lives("1.0.0").await?;
        let mut load = story.load(Pressure::gentle()).await?;
        load.await_round().await?;

        let (challenger, before) = (story.pods_of("1.1.0").await?, story.metrics("1.0.0").await?);
        for pod in &challenger {
            let now = DeleteParams::default().grace_period(0);
            story.api::<Pod>().delete(&pod.name_any(), &now).await?;
        }
        is_left_alone(&story, &before, None).await?;
        is_back(&story, &mut load).await?;
        let replaced = story.pods_of("1.1.0").await?;
        ensure!(
            !replaced.is_empty()
                && challenger.iter().all(|old| replaced.iter().all(|new| new.uid() != old.uid()))
        );

        let before = story.metrics("1.0.0").await?;
        let frozen = replaced.iter().map(Frozen::freeze).collect::<Result<Vec<_>>>()?;
        is_left_alone(&story, &before, Some("timeout")).await?;
        load.await_round().await?;
        for pod in frozen {
            pod.thaw()?;
        }
        is_back(&story, &mut load).await?;

        let calls = load.finish().await?.ensure_answered()?;
        let balanced = |metrics: &_| Copies::of(metrics).balance();
        let copies = Copies::of(&story.await_metrics("no copy is under way", "1.0.0", balanced).await?);
        assert_eq!(copies.calls, first + calls, "every call of main is in the books: {copies:?}");
        assert_eq!(story.lives("1.0.0").await?, lives, "main's pods live on");
        println!("{calls} calls to main, none failed: {copies:?}");
        Ok(())
    })
    .await
}
