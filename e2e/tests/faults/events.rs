//! An event costs passes of the objects that it concerns, however many others there are.

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, condition};
use understudy_e2e::bare::{concurrently, eventually, in_a_world};

use crate::restart::passes;

/// Models of which one is edited. A pass of each would be seen.
const MODELS: usize = 40;
/// Passes that one request may cost: for the edit, and for what is written because of it.
const FEW: f64 = 10.0;

#[tokio::test]
async fn a_request_for_one_version_costs_no_pass_of_the_other_models() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("only").lead().await?;
        let models = (0..MODELS).map(|n| format!("model-{n}"));
        concurrently(models, async |model| {
            world.deploy(&model, &json!({})).await?;
            world.publish(&model, "1.0.0").await.map(drop)
        })
        .await?;
        world.await_all("seen", MODELS, |version: &ModelVersion| version.status.is_some()).await?;
        // The first statuses of deployments trigger passes of versions, and so does the first check of the policy.
        world
            .await_all("seen", MODELS, |md: &ModelDeployment| {
                md.status
                    .as_ref()
                    .is_some_and(|s| condition::is_true(&s.conditions, condition::APPROVAL_POLICY_ACTIVE))
            })
            .await?;
        let count = async || passes(&operator, "modelversion").await;
        let calm = async || {
            let passes = count().await?;
            for queue in ["modelversion", "modeldeployment"] {
                for metric in ["understudy_workqueue_depth", "understudy_workqueue_unfinished_work_seconds"] {
                    if operator.metric(metric, &[("name", queue)]).await? != Some(0.0) {
                        return Ok(None);
                    }
                }
            }
            Ok::<_, anyhow::Error>((count().await? <= passes).then_some(passes))
        };
        let before = eventually("nothing is left to do", &calm).await?;

        world.open_request("model-7-1.0.0", Stage::Staging).await?;
        let after =
            eventually("its passes have ended", async || Ok(calm().await?.filter(|after| *after > before)))
                .await?;
        let made = after - before;
        ensure!(made <= FEW, "one request cost {made} passes of versions");
        Ok(())
    })
    .await
}
