//! Nodes that are drained take main's pods one by one.

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
        let [one, other] = before.as_slice() else { anyhow::bail!("main has two pods: {before:?}") };

        // The budget refuses the second (429) while the first is not replaced, and the client tries again as a drain does.
        pods.evict(one, &EvictParams::default()).await?;
        pods.evict(other, &EvictParams::default()).await?;
        let replaced = story.pods_of("1.0.0").await?.iter().any(is_ready);
        ensure!(replaced, "the budget let both pods go at once");
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
