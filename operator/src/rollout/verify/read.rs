//! Reads the facts that a change of main depends on. Facts that can no longer change the result are not read.

use futures::future::join_all;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use understudy_contract::probe::Proof;
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::{
    decide,
    facts::{Facts, Fresh, Probe, Promotion, bytes},
};
use crate::{
    cluster::{apply, kinds, pods::Address, workload::Workload},
    context::Context,
    images,
    rollout::{
        apply::Workloads,
        build,
        error::Error,
        observe::Observed,
        plan::{Candidate, Next},
    },
};

/// The facts about the planned change.
pub async fn read<'a>(
    ctx: &Context,
    observed: &Observed,
    next: &'a Next,
    workloads: &Workloads,
) -> Result<Facts<'a>, Error> {
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
) -> Result<Promotion<'a>, Error> {
    let number = &candidate.version.spec.version;
    let unreadable = observed.unreadable.first().map(|version| version.name().to_owned());
    if let Some(fresh) = switched(ctx, observed, candidate).await? {
        return Ok(Promotion {
            candidate,
            switched: true,
            unreadable,
            breaking: None,
            image_refusal: None,
            wanted: observed.md.spec.replicas,
            reported_ready: None,
            ready_pods: 0,
            probes: None,
            fresh: Some(fresh),
        });
    }
    let pods = &observed.pods_of(number).ready_addresses;
    let mut facts = Promotion {
        candidate,
        switched: false,
        unreadable,
        breaking: breaking(observed, candidate),
        image_refusal: images::refusal(&candidate.version, &ctx.config.runtime_registries),
        wanted: observed.md.spec.replicas,
        reported_ready: workloads
            .get(&names::version_object(&observed.md.name_any(), number))
            .map(Workload::ready_replicas),
        ready_pods: pods.len(),
        probes: None,
        fresh: None,
    };
    if decide::readable(&facts).is_err() || decide::image(&facts).is_err() || decide::pods(&facts).is_err() {
        return Ok(facts);
    }
    facts.probes = Some(probe(ctx, observed, pods).await);
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

fn breaking(observed: &Observed, candidate: &Candidate) -> Option<String> {
    candidate.version.breaks_unannounced(observed.current()?)
}

/// What must not have changed, if the stable Service was switched to the candidate by this transition.
async fn switched(ctx: &Context, observed: &Observed, candidate: &Candidate) -> Result<Option<Fresh>, Error> {
    let desired = build::main_service(&observed.md, Some(candidate.answering()));
    let (namespace, name) = (observed.namespace(), observed.md.name_any());
    let seen = ctx.cache.services.get(&ObjectRef::new(&name).within(&namespace));
    if !seen.is_some_and(|seen| build::is_switched(&seen, &desired)) {
        return Ok(None);
    }
    let candidate = candidate.version.name_any();
    let (service, version, deployment) = tokio::join!(
        apply::get(&ctx.client, &desired),
        version(ctx, observed, &candidate),
        deployment(ctx, observed)
    );
    let switched = service?.is_some_and(|service| build::is_switched(&service, &desired));
    let fresh = Fresh { version: version?, deployment: deployment?, policy_broken: None };
    Ok(switched.then_some(fresh))
}

async fn probe(ctx: &Context, observed: &Observed, pods: &[Address]) -> Vec<Probe> {
    let subject = &observed.subject();
    let probes = pods.iter().map(|pod| async move {
        let answered = ctx.probes.pod(subject, pod).await;
        let response = match answered.as_deref() {
            Some(Ok(answer)) => {
                Ok((answer.version.clone(), bytes(&answer.digest, answer.runtime_image.as_deref())))
            }
            Some(Err(error)) => Err(error.clone()),
            None => Err(format!("pod {} has not answered yet", pod.ip)),
        };
        let proof = match answered.as_deref() {
            Some(Ok(answer)) => answer.proof.clone(),
            _ => Proof::Unknown,
        };
        Probe { ip: pod.ip.clone(), response, proof }
    });
    // The number of concurrent probes is bounded where they are sent.
    join_all(probes).await
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
