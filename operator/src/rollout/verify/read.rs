//! Reads the facts that a change of main depends on. Facts that can no longer change the result are not read.

use futures::{StreamExt, stream};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::{
    decide,
    facts::{Facts, Fresh, Probe, Promotion, Workload},
};
use crate::{
    cluster::kinds,
    context::Context,
    error_chain::chain,
    rollout::{
        apply::Workloads,
        observe::Observed,
        plan::{Candidate, Next},
    },
};

/// Concurrent probes.
const PROBES: usize = 16;

/// The facts about the planned change.
pub async fn read<'a>(
    ctx: &Context,
    observed: &Observed,
    next: &'a Next,
    workloads: &Workloads,
) -> Result<Facts<'a>, kinds::Error> {
    match next {
        Next::Keep => Ok(Facts::NoChange),
        Next::TakeDown { transition: None } => {
            let name = observed.md.main().map(|m| m.model_version.clone()).unwrap_or_default();
            let exists = version(ctx, observed, &name).await?.is_some_and(|v| observed.md.is_main(&v));
            let deployment = if exists { None } else { deployment(ctx, observed).await? };
            Ok(Facts::MainDeleted { exists, deployment })
        }
        Next::TakeDown { transition: Some(approved) } => {
            let name = observed.current().map(|v| v.name_any()).unwrap_or_default();
            let version = version(ctx, observed, &name).await?;
            let deployment = deployment(ctx, observed).await?;
            Ok(Facts::TakeDown { approved, version, deployment })
        }
        Next::Promote(candidate) => {
            Box::pin(promotion(ctx, observed, candidate, workloads)).await.map(Facts::Promotion)
        }
    }
}

async fn promotion<'a>(
    ctx: &Context,
    observed: &Observed,
    candidate: &'a Candidate,
    workloads: &Workloads,
) -> Result<Promotion<'a>, kinds::Error> {
    let number = &candidate.version.spec.version;
    let addresses = &observed.pods_of(number).ready_addresses;
    let mut facts = Promotion {
        candidate,
        wanted: observed.md.spec.replicas,
        workload: workloads.get(&names::version_object(&observed.md.name_any(), number)).map(workload),
        ready_pods: addresses.len(),
        probes: None,
        fresh: None,
    };
    if decide::pods(&facts).is_err() {
        return Ok(facts);
    }
    facts.probes = Some(probe(ctx, addresses.clone()).await);
    if decide::probes(&facts).is_err() {
        return Ok(facts);
    }
    let name = candidate.version.name_any();
    let (version, deployment, policy) = tokio::join!(
        version(ctx, observed, &name),
        deployment(ctx, observed),
        ctx.policy.check(Some(&candidate.version))
    );
    let policy_broken = (!policy.active).then_some(policy.message);
    facts.fresh = Some(Fresh { version: version?, deployment: deployment?, policy_broken });
    Ok(facts)
}

fn workload(workload: &Deployment) -> Workload {
    let status = workload.status.clone().unwrap_or_default();
    Workload {
        is_current: status.observed_generation >= workload.metadata.generation,
        pods: status.replicas.unwrap_or(0),
        updated: status.updated_replicas.unwrap_or(0),
        ready: status.ready_replicas.unwrap_or(0),
    }
}

async fn probe(ctx: &Context, addresses: Vec<String>) -> Vec<Probe> {
    stream::iter(addresses)
        .map(|ip| async move {
            let response = ctx.prober.pod(&ip).await;
            let response = response.map(|answer| (answer.version, answer.digest)).map_err(|e| chain(&e));
            Probe { ip, response }
        })
        .buffer_unordered(PROBES)
        .collect()
        .await
}

async fn version(
    ctx: &Context,
    observed: &Observed,
    name: &str,
) -> Result<Option<ModelVersion>, kinds::Error> {
    kinds::get(&ctx.client, &observed.namespace(), name).await
}

async fn deployment(ctx: &Context, observed: &Observed) -> Result<Option<ModelDeployment>, kinds::Error> {
    kinds::get(&ctx.client, &observed.namespace(), &observed.md.name_any()).await
}
