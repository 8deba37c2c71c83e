//! Main's pods are evicted one by one, as when nodes are drained.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::EvictParams};
use serde_json::json;
use understudy_e2e::{LoadProfile, is_ready, with_temp_ns};

use crate::TURN;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evicting_every_pod_of_main_in_turn_fails_no_call() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("evict", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        let mut load = story.load(LoadProfile::default()).await?;
        load.await_round().await?;
        let pods: Api<Pod> = story.api();
        let before: Vec<String> = story.pods_of("1.0.0").await?.iter().map(ResourceExt::name_any).collect();
        let [one, other] = before.as_slice() else { anyhow::bail!("main must have two pods: {before:?}") };

        // The PodDisruptionBudget rejects the second eviction (429) until the first pod is replaced. The client retries, like
        // a drain.
        pods.evict(one, &EvictParams::default()).await?;
        pods.evict(other, &EvictParams::default()).await?;
        let replaced = story.pods_of("1.0.0").await?.iter().any(is_ready);
        ensure!(replaced, "the budget allowed both evictions at the same time");
        story.await_gone::<Pod>(one).await?;
        story.await_gone::<Pod>(other).await?;
        story
            .await_deployment("both pods of main are ready", |md| {
                md.main().is_some_and(|main| main.ready_replicas == 2)
            })
            .await?;

        load.await_round().await?;
        let calls = load.finish().await?;
        calls.ensure_unnoticed()?;
        println!("two evictions: {} calls, {:.0} a second, none failed", calls.all.len(), calls.rate());
        Ok(())
    })
    .await
}
