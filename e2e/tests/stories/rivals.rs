//! Two versions that are promoted concurrently.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, Stage};
use understudy_e2e::{Person, Publication, Sample, with_temp_ns};

#[tokio::test]
async fn two_concurrent_promotions_follow_one_another_and_two_versions_are_never_in_production() -> Result<()>
{
    with_temp_ns("rivals", async |story| {
        let first = story.serve_main(&json!({})).await?;
        let versions = story.watch_log::<ModelVersion>();
        let deployments = story.watch_log::<ModelDeployment>();
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;

        let rivals = [Publication::of(Sample::V1_1_0)?, Publication::of(Sample::V1_1_0)?.version("1.2.0")];
        let (a, b) =
            tokio::try_join!(story.stage_and_accept(&rivals[0]), story.stage_and_accept(&rivals[1]))?;
        let (of_a, of_b) = tokio::try_join!(
            story.open_request(&a, Stage::Production),
            story.open_request(&b, Stage::Production)
        )?;
        tokio::try_join!(story.approve(Person::Bob, &a, &of_a.id), story.approve(Person::Bob, &b, &of_b.id))?;

        let promoted = |md: &ModelDeployment| md.status.as_ref().is_some_and(|s| s.history.len() == 3);
        let md = story.await_deployment("both promotions are complete", promoted).await?;
        let main = md.main().context("the deployment has no main")?.model_version.clone();
        story.await_stage(&main, Stage::Production).await?;
        let replaced = if main == a { &b } else { &a };
        story.await_stage(replaced, Stage::Archived).await?;
        story.await_stage(&first, Stage::Archived).await?;

        let granted = async |name: &str| -> Result<_> {
            let version = story.version(name).await?;
            Ok(version
                .production_approval()
                .context("the history has no approval for Production")?
                .decided_at
                .clone())
        };
        ensure!(
            granted(&main).await? >= granted(replaced).await?,
            "the version that was approved last must be main"
        );

        let order: Vec<_> = md.status.iter().flat_map(|s| &s.history).map(|h| h.version.as_str()).collect();
        caller.await_version(order.last().context("the history has no entries")?).await?;
        caller.await_responses(10).await?;
        caller.finish().await?.ensure_followed(&order)?;
        for seen in versions.finish().await? {
            let in_production: Vec<_> = seen.values().filter(|v| v.stage() == Stage::Production).collect();
            ensure!(in_production.len() <= 1, "two versions in Production: {in_production:?}");
        }
        for seen in deployments.finish().await? {
            ensure!(seen.values().all(|md| md.main().is_some()), "no version was main: {seen:?}");
        }
        Ok(())
    })
    .await
}
