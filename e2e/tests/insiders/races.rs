//! A5: a request changes between its approval and the operator's next read, a thousand times.

use anyhow::{Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use understudy_crds::{Decision, ModelVersion, Stage};
use understudy_e2e::{Person, Publication, Sample, Story, with_temp_ns};

/// Versions that race concurrently.
const VERSIONS: usize = 50;
/// Races of each version. Its history has room for that many entries.
const RACES: usize = 20;

/// Whether no request is open, and the operator has processed the newest spec.
fn is_settled(version: &ModelVersion) -> bool {
    let seen = version.status.as_ref().and_then(|s| s.observed_generation);
    version.transition().is_none() && seen == version.metadata.generation
}

/// Alice requests Staging. Then bob approves and alice withdraws, concurrently.
async fn race(story: &Story, name: &str) -> Result<()> {
    let before = story.await_version("settled", name, is_settled).await?.stage();
    let request = story.open_request(name, Stage::Staging).await?;
    let (approved, withdrawn) = tokio::join!(
        story.approve(Person::Bob, name, &request.id),
        story.request(Person::Alice, name, before),
    );
    let after = story.await_version("settled after the race", name, is_settled).await?;
    let entries: Vec<_> = after.history().iter().filter(|h| h.id == request.id).collect();
    ensure!(entries.len() == 1, "a request must end exactly once: {entries:?}");
    let is_approved = entries[0].decision == Decision::Approved;
    ensure!(
        approved.is_ok() || !is_approved,
        "an approval that the API server refused is recorded: {entries:?}"
    );
    ensure!(is_approved || after.stage() == before, "in stage {} without an approval", after.stage());
    // Once the approval is recorded, there is no request to withdraw.
    if let Err(error) = withdrawn {
        ensure!(is_approved, "alice could not withdraw her open request: {error}");
    }
    if after.stage() == Stage::Staging {
        story.request(Person::Alice, name, Stage::Archived).await?;
        story.await_stage(name, Stage::Archived).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a5_a_thousand_approvals_race_a_withdrawal_and_nothing_unapproved_gets_in() -> Result<()> {
    let _installed = crate::POLICY_INSTALLED.read().await;
    with_temp_ns("races", async |story| {
        story.forbid_new_pods().await?;
        story.deploy(&json!({})).await?;
        stream::iter(0..VERSIONS)
            .map(async |number| {
                let name = story
                    .publish(&Publication::of(Sample::V1_0_0)?.version(&format!("1.0.{number}")))
                    .await?;
                for _ in 0..RACES {
                    Box::pin(race(&story, &name)).await?;
                }
                Ok::<_, anyhow::Error>(())
            })
            .buffer_unordered(VERSIONS)
            .try_collect::<()>()
            .await
    })
    .await
}
