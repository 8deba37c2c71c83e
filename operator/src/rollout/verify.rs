//! Whether main may change now: every pod of the next one answers a real inference, and everything that was approved
//! still stands when it is read afresh.

use std::sync::Arc;

use futures::{StreamExt, stream};
use kube::ResourceExt;
use understudy_crds::{MainReason, ModelDeployment, ModelVersion, Stage, names};

use super::{
    Error,
    apply::Workloads,
    observe::Observed,
    plan::{Candidate, Next, Plan},
};
use crate::{cluster::kinds, context::Context, reasons::Waiting};

/// Probes under way at once.
const PROBES: usize = 16;

/// What came of it.
#[derive(Debug)]
pub enum Verdict {
    /// Main stays as it is.
    Keep,
    /// Main stays for now; this is what the next one waits for.
    Wait { reason: Waiting, message: String },
    /// Main changes, as planned, onto exactly this deployment.
    Change { md: Box<ModelDeployment> },
}

impl Verdict {
    /// The version number that answers after this pass.
    pub fn answering<'a>(&self, observed: &'a Observed, plan: &'a Plan) -> Option<&'a str> {
        match (self, &plan.next) {
            (Self::Change { .. }, Next::Promote(candidate)) => Some(&candidate.version.spec.version),
            (Self::Change { .. }, Next::TakeDown { .. }) => None,
            _ => observed.md.main().map(|m| m.version.as_str()),
        }
    }

    /// The version that answers after this pass, if it still exists.
    pub fn main<'a>(&'a self, plan: &'a Plan) -> Option<&'a Arc<ModelVersion>> {
        match (self, &plan.next) {
            (Self::Change { .. }, Next::Promote(candidate)) => Some(&candidate.version),
            (Self::Change { .. }, Next::TakeDown { .. }) => None,
            _ => plan.current.as_ref(),
        }
    }

    /// Whether main changes in this pass.
    pub const fn changes_main(&self) -> bool {
        matches!(self, Self::Change { .. })
    }

    /// Whether the next look should come soon, since no event will tell.
    pub const fn waits_for_answer(&self) -> bool {
        matches!(self, Self::Wait { .. })
    }
}

/// Judges the change of main that is planned.
pub async fn verify(
    ctx: &Context,
    observed: &Observed,
    plan: &Plan,
    workloads: &Workloads,
) -> Result<Verdict, Error> {
    match &plan.next {
        Next::Keep => Ok(Verdict::Keep),
        Next::TakeDown { transition: None } => {
            let name = observed.md.main().map(|m| m.model_version.clone()).unwrap_or_default();
            if kinds::get::<ModelVersion>(&ctx.client, &observed.namespace(), &name).await?.is_some() {
                return Ok(Verdict::Keep);
            }
            still(ctx, observed, |_| true).await
        }
        Next::TakeDown { transition: Some(expected) } => {
            let name = plan.current.as_ref().map(|v| v.name_any()).unwrap_or_default();
            let fresh = kinds::get::<ModelVersion>(&ctx.client, &observed.namespace(), &name).await?;
            let stands = fresh.as_ref().and_then(ModelVersion::transition).is_some_and(|t| t == expected)
                && fresh.as_ref().is_some_and(|v| {
                    v.spec.stage == expected.to && v.metadata.generation == Some(expected.generation)
                });
            if !stands {
                return Ok(wait(
                    Waiting::RequestChanged,
                    "the request to take it out of Production no longer stands",
                ));
            }
            still(ctx, observed, |_| true).await
        }
        Next::Promote(candidate) => {
            if let Some(reason) = not_ready(observed, candidate, workloads) {
                return Ok(wait(Waiting::PodsNotReady, reason));
            }
            if let Some(reason) = not_answering(ctx, observed, candidate).await {
                return Ok(wait(Waiting::NoAnswer, reason));
            }
            promote(ctx, observed, candidate).await
        }
    }
}

fn wait(reason: Waiting, message: impl Into<String>) -> Verdict {
    Verdict::Wait { reason, message: message.into() }
}

fn not_ready(observed: &Observed, candidate: &Candidate, workloads: &Workloads) -> Option<String> {
    let version = &candidate.version.spec.version;
    let wanted = observed.md.spec.replicas;
    let name = names::version_object(&observed.md.name_any(), version);
    let Some(workload) = workloads.get(&name) else {
        return Some(format!("the pods of {version} are not made yet"));
    };
    let status = workload.status.clone().unwrap_or_default();
    let current = status.observed_generation >= workload.metadata.generation;
    let (ready, updated) = (status.ready_replicas.unwrap_or(0), status.updated_replicas.unwrap_or(0));
    let exact = status.replicas.unwrap_or(0) == updated;
    let all = current && exact && ready >= wanted && updated >= wanted;
    (!all).then(|| format!("{ready} of {wanted} pods of {version} are ready"))
}

async fn not_answering(ctx: &Context, observed: &Observed, candidate: &Candidate) -> Option<String> {
    let spec = &candidate.version.spec;
    let ready = observed.pods_of(&spec.version).ready_addresses.clone();
    let wanted = usize::try_from(observed.md.spec.replicas).unwrap_or(usize::MAX);
    if ready.len() < wanted {
        return Some(format!("{} of {wanted} pods of {} are seen ready", ready.len(), spec.version));
    }
    let digest = spec.artifact.digest();
    let answers: Vec<Option<String>> = stream::iter(ready)
        .map(|ip| {
            let digest = &digest;
            async move {
                match ctx.prober.pod(&ip).await {
                    Ok(answer) if answer.version == spec.version && answer.digest == *digest => None,
                    Ok(answer) => Some(format!(
                        "pod {ip} serves {} {}, not {} {digest}",
                        answer.version, answer.digest, spec.version
                    )),
                    Err(error) => Some(crate::error_chain::chain(&error)),
                }
            }
        })
        .buffer_unordered(PROBES)
        .collect()
        .await;
    answers.into_iter().flatten().next()
}

/// The last look before the switch: all of it read afresh, and the policy.
async fn promote(ctx: &Context, observed: &Observed, candidate: &Candidate) -> Result<Verdict, Error> {
    let name = candidate.version.name_any();
    let annotation = candidate.transition.strip_prefix("rollback:").map(str::to_owned);
    let asked = move |md: &ModelDeployment| {
        annotation
            .as_ref()
            .is_none_or(|a| md.annotations().get(understudy_crds::annotations::ROLLBACK) == Some(a))
    };
    let namespace = observed.namespace();
    let (fresh, verdict, policy) = tokio::join!(
        kinds::get::<ModelVersion>(&ctx.client, &namespace, &name),
        still(ctx, observed, asked),
        ctx.policy.check(Some(&candidate.version))
    );
    let (fresh, verdict) = (fresh?, verdict?);
    let Some(fresh) = fresh else {
        return Ok(wait(Waiting::VersionGone, format!("ModelVersion {name} is gone")));
    };
    if fresh.metadata.uid != candidate.version.metadata.uid || !allowed(&fresh, candidate) {
        return Ok(wait(Waiting::RequestChanged, format!("what was approved for {name} no longer stands")));
    }
    if !verdict.changes_main() {
        return Ok(verdict);
    }
    if !policy.active {
        return Ok(wait(
            Waiting::ApprovalPolicyInactive,
            format!("the approval policy is not in force: {}", policy.message),
        ));
    }
    Ok(verdict)
}

/// Whether the record still allows it.
fn allowed(fresh: &ModelVersion, candidate: &Candidate) -> bool {
    match candidate.reason {
        MainReason::RolledBack => fresh.production_approval().is_some(),
        MainReason::Promoted => fresh.transition().is_some_and(|t| {
            t.id == candidate.transition
                && t.to == Stage::Production
                && t.approval.is_some()
                && fresh.spec.stage == t.to
                && fresh.metadata.generation == Some(t.generation)
                && fresh.spec.artifact.digest() == t.digest
                && fresh.production_approval().is_some_and(|h| h.id == t.id && h.decided_by != h.requested_by)
        }),
    }
}

/// Whether the deployment is as it was when the plan was made.
async fn still(
    ctx: &Context,
    observed: &Observed,
    also: impl FnOnce(&ModelDeployment) -> bool,
) -> Result<Verdict, Error> {
    let name = observed.md.name_any();
    let fresh = kinds::get::<ModelDeployment>(&ctx.client, &observed.namespace(), &name).await?;
    Ok(match fresh {
        Some(md)
            if md.metadata.uid == observed.md.metadata.uid
                && md.metadata.deletion_timestamp.is_none()
                && md.main().map(|m| &m.transition) == observed.md.main().map(|m| &m.transition)
                && also(&md) =>
        {
            Verdict::Change { md: Box::new(md) }
        }
        _ => wait(Waiting::DeploymentChanged, format!("ModelDeployment {name} changed meanwhile")),
    })
}
