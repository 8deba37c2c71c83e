//! Models serve without the operator.

use anyhow::Result;
use serde_json::json;
use understudy_crds::Stage;
use understudy_e2e::{LoadProfile, Publication, Sample, Switches, with_temp_ns};

use crate::{FIRST, SECOND, TURN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_do_not_notice_the_loss_of_both_operator_replicas_and_the_next_promotion_works() -> Result<()>
{
    let _turn = TURN.lock().await;
    with_temp_ns("gone", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        let mut switches = Switches::watch(&story);
        let before = story.pod_states("1.0.0").await?;
        let mut load = story.load(LoadProfile::default()).await?;
        load.await_round().await?;

        let operator = story.operator();
        let pods = operator.pods().await?;
        operator.kill_all_pods().await?;
        load.await_round().await?;
        operator.await_replaced(&pods).await?;
        operator.await_ready().await?;
        assert_eq!(story.pod_states("1.0.0").await?, before, "main's pods are not restarted");

        story.request_and_approve(SECOND, Stage::Production).await?;
        let moment = switches.await_switch("1.1.0").await?;
        story.await_stage(FIRST, Stage::Archived).await?;
        load.await_past(moment).await?;
        let calls = load.finish().await?;
        calls.ensure_unnoticed()?;
        println!("both replicas lost: {} calls, {:.0} a second, none failed", calls.all.len(), calls.rate());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_of_the_operator_restarts_no_pod_of_a_model() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("upgrade", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        let before = story.pod_states("1.0.0").await?;
        let mut load = story.load(LoadProfile::default()).await?;
        load.await_round().await?;

        let operator = story.operator();
        let pods = operator.pods().await?;
        let leader = operator.leader().await?;
        operator.restart().await?;
        operator.await_replaced(&pods).await?;
        operator.await_ready().await?;
        operator.await_other_leader(&leader).await?;
        // The new leader has processed every object once it reacts to a change.
        story.open_request(&story.publish(&Publication::of(Sample::V1_1_0)?).await?, Stage::Staging).await?;

        assert_eq!(story.pod_states("1.0.0").await?, before, "main's pods are not restarted");
        load.await_round().await?;
        let calls = load.finish().await?;
        calls.ensure_unnoticed()?;
        println!("upgrade: {} calls, {:.0} a second, none failed", calls.all.len(), calls.rate());
        Ok(())
    })
    .await
}
