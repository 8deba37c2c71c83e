//! A5: the request changes between its approval and the operator's look at it, a thousand times.

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use understudy_crds::{Decision, ModelVersion, Stage};
use understudy_e2e::{Person, Publication, Sample, Story, with_temp_ns};

/// Versions that race side by side.
const VERSIONS: usize = 50;
/// Races of each; its history has room for that many.
const RACES: usize = 20;

/// Nothing waits, and the operator has seen the newest spec.
fn settled(version: &ModelVersion) -> bool {
    let seen = version.status.as_ref().and_then(|s| s.observed_generation);
    version.transition().is_none() && seen == version.metadata.generation
}

/// Alice asks for Staging; then bob approves and she takes it back, at the same time.
async fn race(story: &Story, name: &str) -> Result<()> {
    let before = story.await_version("settled", name, settled).await?.stage();
    let request = story.open_request(name, Stage::Staging).await?;
    let (approved, withdrawn) = tokio::join!(
        story.approve(Person::Bob, name, &request.id),
        story.request(Person::Alice, name, before),
    );
    withdrawn.context("whoever asked may take it back")?;
    let after = story.await_version("settled after the race", name, settled).await?;
    let entries: Vec<_> = after.history().iter().filter(|h| h.id == request.id).collect();
    ensure!(entries.len() == 1, "one request ends once: {entries:?}");
    let by_the_record = entries[0].decision == Decision::Approved;
    ensure!(approved.is_ok() || !by_the_record, "the API server refused, and yet it stands: {entries:?}");
    ensure!(by_the_record || after.stage() == before, "in {} without an approval", after.stage());
    if after.stage() == Stage::Staging {
        story.request(Person::Alice, name, Stage::Archived).await?;
        story.await_stage(name, Stage::Archived).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a5_of_a_thousand_approvals_that_race_a_change_none_lets_in_what_was_not_approved() -> Result<()> {
    with_temp_ns("races", async |story| {
        story.forbid_new_pods().await?;
        story.deploy(&json!({})).await?;
        stream::iter(0..VERSIONS)
            .map(async |number| {
                let name = story
                    .publish(&Publication::of(Sample::V1_0_0)?.version(&format!("1.0.{number}")))
                    .await?;
                for _ in 0..RACES {
                    race(&story, &name).await?;
                }
                Ok::<_, anyhow::Error>(())
            })
            .buffer_unordered(VERSIONS)
            .try_collect::<()>()
            .await
    })
    .await
}
