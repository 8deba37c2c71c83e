//! The tester's word: without a `passed` nothing goes from Staging to Production.

use anyhow::Result;
use serde_json::json;
use understudy_crds::{Stage, Verdict, condition::APPROVABLE};
use understudy_e2e::{Person, Publication, Sample, with_temp_ns};

use crate::told::{described, says, tells};

#[tokio::test]
async fn what_a_tester_failed_goes_on_only_after_a_tester_has_passed_it() -> Result<()> {
    with_temp_ns("acceptance", async |story| {
        story.serve_main(&json!({})).await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        let name = story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.verdict(Person::Tess, &name, "failed", "calls everything benign").await?;
        let request = story.ask(&name, Stage::Production).await?;
        let held = tells(
            &story,
            &name,
            APPROVABLE,
            "AcceptanceFailed",
            "the acceptance test failed, by the verdict of tess",
        )
        .await?;
        let verdict = held.status.and_then(|s| s.acceptance).expect("the condition speaks of one");
        assert_eq!((verdict.verdict, verdict.by.as_str()), (Verdict::Failed, "tess"));
        assert_eq!(verdict.feedback.as_deref(), Some("calls everything benign"));
        described(&story, &name, &["calls everything benign"]).await?;

        story.verdict(Person::Tess, &name, "passed", "it was the test data").await?;
        let waits =
            |v: &understudy_crds::ModelVersion| says(v, APPROVABLE, "WaitingForApproval", &request.id);
        story.await_version("waiting for bob only", &name, waits).await?;
        story.approve(Person::Bob, &name, &request.id).await?;
        story.await_stage(&name, Stage::Production).await?;
        caller.await_version("1.1.0").await?;
        caller.finish().await?.ensure_all_from(&["1.0.0", "1.1.0"])
    })
    .await
}

#[tokio::test]
async fn an_approved_request_waits_for_the_acceptance_test_and_then_goes_on_by_itself() -> Result<()> {
    with_temp_ns("acceptance", async |story| {
        story.serve_main(&json!({})).await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        let name = story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.ask_and_approve(&name, Stage::Production).await?;
        let words = "approved by bob, but no tester has accepted it in Staging yet";
        let held = tells(&story, &name, APPROVABLE, "AcceptanceMissing", words).await?;
        assert_eq!(held.stage(), Stage::Staging);

        story.verdict(Person::Tess, &name, "passed", "").await?;
        story.await_stage(&name, Stage::Production).await?;
        caller.await_version("1.1.0").await?;
        caller.finish().await?.ensure_all_from(&["1.0.0", "1.1.0"])
    })
    .await
}
