//! A17: the policy or its binding is deleted.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use kube::{Api, api::DeleteParams, api::PostParams};
use serde_json::json;
use understudy_crds::{
    Decision, ModelDeployment, ModelVersion, Stage,
    condition::{self, APPROVABLE, APPROVAL_POLICY_ACTIVE},
};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, with_temp_ns};

/// Time limit for the API server to stop enforcing a deleted binding, which takes seconds.
const DEADLINE: Duration = Duration::from_mins(1);
const POLICY: &str = "understudy-approval";

type Bindings = Api<ValidatingAdmissionPolicyBinding>;

/// Deletes the binding while `act` runs, and creates it again also if `act` fails.
async fn without_policy(story: &Story, act: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let bindings: Bindings = Api::all(story.client(Person::Admin).clone());
    let mut binding = bindings.get(POLICY).await?;
    bindings.delete(POLICY, &DeleteParams::default()).await?;
    let outcome = act().await;
    binding.metadata.uid = None;
    binding.metadata.resource_version = None;
    bindings.create(&PostParams::default(), &binding).await?;
    outcome
}

/// Whether the condition says that the approval policy is in force.
fn is_active(md: &ModelDeployment) -> Option<bool> {
    let conditions = &md.status.as_ref()?.conditions;
    condition::find(conditions, APPROVAL_POLICY_ACTIVE).map(|c| c.status == "True")
}

/// Whether the approval is blocked because the policy is not in force.
fn is_blocked(version: &ModelVersion) -> bool {
    let conditions = version.status.as_ref().map_or(&[][..], |s| &s.conditions);
    condition::find(conditions, APPROVABLE).is_some_and(|c| c.reason == "ApprovalPolicyInactive")
}

/// Tess, who may only test, approves as soon as the API server no longer refuses it.
async fn forge(story: &Story, name: &str, id: &str) -> Result<()> {
    let forged = tokio::time::timeout(DEADLINE, async {
        while story.approve(Person::Tess, name, id).await.is_err() {}
    });
    forged.await.context("timed out: the API server still enforces the deleted policy")
}

#[tokio::test]
async fn a17_without_the_policy_nothing_is_promoted_and_forged_approvals_never_count() -> Result<()> {
    let _alone = crate::POLICY_INSTALLED.write().await;
    with_temp_ns("policy", async |story| {
        story.serve_main(&json!({})).await?;
        let next = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        let request = story.open_request(&next, Stage::Production).await?;
        without_policy(&story, async || {
            story
                .await_deployment("the condition says that the policy is not in force", |md| {
                    is_active(md) == Some(false)
                })
                .await?;
            forge(&story, &next, &request.id).await?;
            story.await_version("the approval is blocked", &next, is_blocked).await?;
            let main = story.await_deployment("main still serves", |md| md.main().is_some()).await?;
            ensure!(main.main().is_some_and(|m| m.version == "1.0.0"), "promoted without a policy: {main:?}");
            story.predict(MODEL).await?;
            Ok(())
        })
        .await?;

        story.await_deployment("the policy is in force again", |md| is_active(md) == Some(true)).await?;
        let reopened = story
            .await_version("the request is opened again", &next, |v| {
                v.transition().is_some_and(|t| t.id != request.id && t.approval.is_none())
            })
            .await?;
        let forged = reopened
            .history()
            .iter()
            .find(|h| h.id == request.id)
            .context("the history has no entry of the first request")?;
        ensure!(forged.decision == Decision::Withdrawn, "the forged approval counted: {forged:?}");
        let id = reopened.transition().context("the predicate requires one")?.id.clone();
        story.approve(Person::Bob, &next, &id).await?;
        story.await_stage(&next, Stage::Production).await?;
        Ok(())
    })
    .await
}
