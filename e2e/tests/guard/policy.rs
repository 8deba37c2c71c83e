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

/// An API server forgets a binding within seconds.
const DEADLINE: Duration = Duration::from_mins(1);
const POLICY: &str = "understudy-approval";

type Bindings = Api<ValidatingAdmissionPolicyBinding>;

/// Takes the binding away while `act` runs, and puts it back however that ends.
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

fn gate(md: &ModelDeployment) -> Option<bool> {
    let conditions = &md.status.as_ref()?.conditions;
    condition::find(conditions, APPROVAL_POLICY_ACTIVE).map(|c| c.status == "True")
}

fn held(version: &ModelVersion) -> bool {
    let conditions = version.status.as_ref().map_or(&[][..], |s| &s.conditions);
    condition::find(conditions, APPROVABLE).is_some_and(|c| c.reason == "ApprovalPolicyInactive")
}

/// Tess, who may test only, approves once nobody refuses that any more.
async fn forge(story: &Story, name: &str, id: &str) -> Result<()> {
    let forged = tokio::time::timeout(DEADLINE, async {
        while story.approve(Person::Tess, name, id).await.is_err() {}
    });
    forged.await.context("the API server still enforces the policy that is gone")
}

#[tokio::test]
async fn a17_without_the_policy_nothing_is_promoted_and_what_was_forged_meanwhile_never_counts() -> Result<()>
{
    with_temp_ns("gate", async |story| {
        story.serve_main(&json!({})).await?;
        let next = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        let request = story.open_request(&next, Stage::Production).await?;
        without_policy(&story, async || {
            story.await_deployment("an open gate is told", |md| gate(md) == Some(false)).await?;
            forge(&story, &next, &request.id).await?;
            story.await_version("the approval is held", &next, held).await?;
            let main = story.await_deployment("main serves on", |md| md.main().is_some()).await?;
            ensure!(main.main().is_some_and(|m| m.version == "1.0.0"), "promoted without a policy: {main:?}");
            story.predict(MODEL).await?;
            Ok(())
        })
        .await?;

        story.await_deployment("the gate holds again", |md| gate(md) == Some(true)).await?;
        let anew = story
            .await_version("the request begins anew", &next, |v| {
                v.transition().is_some_and(|t| t.id != request.id && t.approval.is_none())
            })
            .await?;
        let forged =
            anew.history().iter().find(|h| h.id == request.id).context("the old request is on record")?;
        ensure!(forged.decision == Decision::Withdrawn, "the forged approval counted: {forged:?}");
        let id = anew.transition().context("the predicate asks for one")?.id.clone();
        story.approve(Person::Bob, &next, &id).await?;
        story.await_stage(&next, Stage::Production).await?;
        Ok(())
    })
    .await
}
