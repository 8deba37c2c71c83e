//! H17: callers of a stable URL never get a version that does not take their calls, unless its major version number says so.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use understudy_crds::{ModelVersion, Stage, condition};

use understudy_e2e::bare::in_a_world;

#[tokio::test]
async fn a_version_that_breaks_callers_is_promoted_only_with_a_new_major_version_number() -> Result<()> {
    in_a_world(async |world| {
        for number in ["1.1.0", "2.0.0"] {
            world.kubelet().has_inputs(number, 2);
        }
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let first = world.promote("fraud", "1.0.0").await?;
        let known = |v: &ModelVersion| v.status.as_ref().is_some_and(|status| status.model.is_some());
        world.await_version("the signature of main is known", &first, known).await?;

        let minor = world.stage("fraud", "1.1.0").await?;
        world.await_version("its signature is known", &minor, known).await?;
        world.request_and_approve(&minor, Stage::Production).await?;
        let refused = |v: &ModelVersion| {
            let conditions = v.status.as_ref().map_or(&[][..], |status| &status.conditions);
            condition::find(conditions, condition::APPROVABLE)
                .is_some_and(|c| c.reason == "SignatureBreaking")
        };
        let held = world.await_version("the approval waits", &minor, refused).await?;
        ensure!(held.production_approval().is_none(), "the approval was recorded");
        world.request(&minor, Stage::Staging).await?;

        let major = world.stage("fraud", "2.0.0").await?;
        world.await_version("its signature is known", &major, known).await?;
        let request = world.open_request(&major, Stage::Production).await?;
        let breaking = request.breaking.context("the request says what it breaks")?;
        ensure!(breaking.contains("2.0.0 needs the input"), "{breaking}");
        world.approve(&major, &request.id).await?;
        let serving = world.await_stage(&major, Stage::Production).await?;
        let approval = serving.production_approval().context("an approval")?;
        ensure!(approval.breaking.is_some(), "the history says nothing of it");

        // Back to the callers that the old version served.
        world.await_stage(&first, Stage::Archived).await?;
        world.roll_back("fraud", "1.0.0", "1").await?;
        let back = world.await_main("fraud", "1.0.0").await?.status.context("a status")?;
        let record = back.history.last().context("a record")?;
        ensure!(record.breaking.is_some(), "the record says nothing of what callers of 2.0.0 lose");
        Ok(())
    })
    .await
}
