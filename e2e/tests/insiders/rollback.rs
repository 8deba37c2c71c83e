//! A21: a rollback to a version that was never approved for Production.

use anyhow::Result;
use understudy_crds::RollbackResult;
use understudy_e2e::{MODEL, Person, Publication, Sample, with_temp_ns};

#[tokio::test]
async fn a21_a_rollback_to_a_version_never_approved_for_production_is_refused() -> Result<()> {
    let _installed = crate::POLICY_INSTALLED.read().await;
    with_temp_ns("rollback", async |story| {
        story.serve_main(&serde_json::json!({})).await?;
        story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.roll_back(Person::Bob, "1.1.0", "1").await?;
        let md = story
            .await_deployment("the rollback is refused", |md| {
                let rollback = md.status.as_ref().and_then(|s| s.rollback.as_ref());
                rollback.is_some_and(|r| {
                    r.result == RollbackResult::Refused && r.message.contains("never approved")
                })
            })
            .await?;
        assert_eq!(md.main().map(|m| m.version.as_str()), Some("1.0.0"));
        story.await_event("ModelDeployment", MODEL, "RollbackRefused", "never approved").await?;
        Ok(())
    })
    .await
}
