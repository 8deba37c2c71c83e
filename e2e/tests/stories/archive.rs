//! Archiving a version, and bringing it back.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use understudy_crds::{
    Decision, Stage,
    condition::{self, RUNNING},
    names,
};
use understudy_e2e::{MODEL, Person, Publication, Sample, rows, with_temp_ns};

use crate::reported::await_decision;

#[tokio::test]
async fn archiving_a_version_in_staging_needs_no_second_person() -> Result<()> {
    with_temp_ns("archive", async |story| {
        story.serve_main(&json!({})).await?;
        let caller = story.caller().await?;
        let name = story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        let workload = names::version_object(MODEL, "1.1.0");
        story.await_object::<k8s_openapi::api::apps::v1::Deployment>("created", &workload, |_| true).await?;

        story.request(Person::Alice, &name, Stage::Archived).await?;
        story.await_stage(&name, Stage::Archived).await?;
        let entry = await_decision(&story, &name, Decision::Retired).await?;
        assert_eq!((entry.requested_by.as_str(), entry.decided_by.as_str()), ("alice", "alice"));
        story.await_gone::<k8s_openapi::api::apps::v1::Deployment>(&workload).await?;
        story.await_gone::<k8s_openapi::api::core::v1::Service>(&workload).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])
    })
    .await
}

#[tokio::test]
async fn main_leaves_production_and_returns_only_with_an_approval() -> Result<()> {
    with_temp_ns("archive", async |story| {
        let name = story.serve_main(&json!({})).await?;
        let mut caller = story.caller().await?;
        let request = story.open_request(&name, Stage::Archived).await?;
        caller.await_responses(10).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])?;

        let mut caller = story.caller().await?;
        story.approve(Person::Bob, &name, &request.id).await?;
        story.await_stage(&name, Stage::Archived).await?;
        let md = story.await_deployment("no main", |md| md.main().is_none()).await?;
        let status = md.status.context("the ModelDeployment has no status")?;
        let running =
            condition::find(&status.conditions, RUNNING).context("the condition Running is missing")?;
        assert_eq!((running.status.as_str(), running.reason.as_str()), ("False", "NoMain"));
        ensure!(status.history.iter().all(|h| h.to.is_some()), "every entry of the history must have an end");
        caller.await_failure().await?;
        caller.finish().await?;
        ensure!(story.predict(MODEL).await.is_err(), "a call without main must fail");

        let request = story.open_request(&name, Stage::Production).await?;
        assert_eq!(request.from, Stage::Archived);
        story.approve(Person::Bob, &name, &request.id).await?;
        story.await_stage(&name, Stage::Production).await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        story.predict(MODEL).await?.ensure_equals(&rows()?, "1.0.0")
    })
    .await
}
