//! The main job, from a manifest to a model that serves, to the next one, and back.

use anyhow::{Context, Result, ensure};
use understudy_crds::{
    Decision::{Approved, RolledBack, Superseded},
    MainReason, ModelDeployment, Stage,
    condition::{self, APPROVAL_POLICY_ACTIVE, DEPLOYED, READY, RUNNING, SERVING},
    names,
};
use understudy_e2e::{MODEL, Person, Sample, Story, rows, with_temp_ns};

use crate::told::decisions;

const FIRST: &str = "breast-cancer-1.0.0";
const SECOND: &str = "breast-cancer-1.1.0";

async fn apply(story: &Story, manifest: &std::path::Path) -> Result<()> {
    let manifest = manifest.to_str().context("the checkout's path is text")?;
    story.kubectl(Person::Alice, &["apply", "-f", manifest]).await?.done()?;
    Ok(())
}

/// Alice cannot approve her own request, bob can; both try it with kubectl.
async fn four_eyes(story: &Story, name: &str, id: &str) -> Result<()> {
    story.await_event("ModelVersion", name, "Requested", &format!("understudy.dev/approve={id}")).await?;
    let approve =
        |by: &str| [format!("understudy.dev/approve={id}"), format!("understudy.dev/approved-by={by}")];
    let [id, by] = approve("alice");
    let words =
        story.kubectl(Person::Alice, &["annotate", "--overwrite", "mv", name, &id, &by]).await?.refused()?;
    ensure!(words.contains("four eyes"), "the refusal must say why: {words}");
    let [id, by] = approve("bob");
    story.kubectl(Person::Bob, &["annotate", "--overwrite", "mv", name, &id, &by]).await?.done()?;
    Ok(())
}

fn all_true(md: &ModelDeployment) -> bool {
    let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
    [DEPLOYED, RUNNING, APPROVAL_POLICY_ACTIVE, READY]
        .iter()
        .all(|type_| condition::is_true(conditions, type_))
}

async fn bring_to_production(story: &Story, sample: Sample) -> Result<()> {
    let name = format!("{MODEL}-{}", sample.version());
    apply(story, &sample.manifest()).await?;
    let request = story.ask(&name, Stage::Staging).await?;
    four_eyes(story, &name, &request.id).await?;
    let staged = story
        .await_version("serving in Staging", &name, |v| {
            v.status.as_ref().is_some_and(|s| condition::is_true(&s.conditions, SERVING) && s.model.is_some())
        })
        .await?;
    let signature = staged.status.and_then(|s| s.model).context("a version that serves has a signature")?;
    assert_eq!((signature.inputs[0].name.as_str(), signature.inputs[0].shape[1]), ("features", 30));
    let tested = story.predict(&names::version_object(MODEL, sample.version())).await?;
    tested.ensure_equals(&rows()?, sample.version())?;
    story.verdict(Person::Tess, &name, "passed", "answers as the model card says").await?;
    let request = story.ask(&name, Stage::Production).await?;
    four_eyes(story, &name, &request.id).await?;
    story.await_stage(&name, Stage::Production).await?;
    Ok(())
}

#[tokio::test]
async fn a_model_goes_live_by_two_persons_is_replaced_unnoticed_and_comes_back_by_one_annotation()
-> Result<()> {
    with_temp_ns("life", async |story| {
        let deployment = Sample::V1_0_0.manifest().with_file_name("modeldeployment.yaml");
        apply(&story, &deployment).await?;
        bring_to_production(&story, Sample::V1_0_0).await?;
        story.await_deployment("all conditions true", all_true).await?;
        story.predict(MODEL).await?.ensure_equals(&rows()?, "1.0.0")?;

        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        bring_to_production(&story, Sample::V1_1_0).await?;
        caller.await_version("1.1.0").await?;
        story.predict(MODEL).await?.ensure_equals(&rows()?, "1.1.0")?;
        let replaced = story.await_stage(FIRST, Stage::Archived).await?;
        assert_eq!(replaced.spec.stage, Stage::Production, "the operator never changes spec");

        let (back, by) = ("understudy.dev/rollback=1.0.0#in-haste", "understudy.dev/rollback-by=bob");
        story.kubectl(Person::Bob, &["annotate", "mdep", MODEL, back, by]).await?.done()?;
        caller.await_version("1.0.0").await?;
        let first = story.await_stage(FIRST, Stage::Production).await?;
        let second = story.await_stage(SECOND, Stage::Archived).await?;
        caller.await_answers(20).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0", "1.1.0", "1.0.0"])?;

        assert_eq!(decisions(&first), [Approved, Approved, Superseded, RolledBack]);
        assert_eq!(decisions(&second), [Approved, Approved, RolledBack]);
        let approval = first.production_approval().context("it was approved")?;
        assert_eq!((approval.requested_by.as_str(), approval.decided_by.as_str()), ("alice", "bob"));
        ensure!(approval.policy.is_some(), "an approval names the policy that was in force");

        let md = story.await_deployment("all conditions true", all_true).await?;
        let history = md.status.context("it has a status")?.history;
        let told: Vec<_> = history
            .iter()
            .map(|h| {
                (
                    h.version.as_str(),
                    h.reason,
                    h.requested_by.as_str(),
                    h.approved_by.as_str(),
                    h.to.is_some(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("1.0.0", MainReason::Promoted, "alice", "bob", true),
                ("1.1.0", MainReason::Promoted, "alice", "bob", true),
                ("1.0.0", MainReason::RolledBack, "bob", "bob", false),
            ]
        );
        assert_eq!(history[2].approved_at.as_ref(), Some(&approval.decided_at), "its own approval");
        for reason in ["Requested", "Approved", "AcceptanceTest", "StageReached", "Superseded", "RolledBack"]
        {
            story.await_event("ModelVersion", FIRST, reason, "").await?;
        }
        for reason in ["Promoted", "RolledBack"] {
            story.await_event("ModelDeployment", MODEL, reason, "").await?;
        }
        Ok(())
    })
    .await
}
