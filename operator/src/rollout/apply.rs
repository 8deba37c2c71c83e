//! Applies the plan in two parts: pods before the check of the next main, routing after it.

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, stream};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;
use understudy_contract::Routing;
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::{
    build,
    challenger::Challenger,
    error::Error,
    observe::Observed,
    plan::Plan,
    roll::{self, Roll},
    routed::{Rest, Routed, Switched},
    waves::Waves,
};
use crate::{
    cluster::{
        apply::{self, Writer, remove, scale},
        kinds,
        placed::Placed,
        store::Store,
        workload::Workload,
    },
    context::Context,
    error_chain::chain,
    images,
};

/// Annotation of pods: the newest edition of the routing. When it changes, the kubelet updates the mounted ConfigMap
/// immediately. Without it, the file changes up to a minute later.
const ROUTING: &str = "understudy.dev/routing";
/// Pods that are notified concurrently.
const NOTIFICATIONS: usize = 16;

/// The workloads that the API server returned, and the failures. A failure does not stop the other writes.
#[derive(Default)]
pub struct Workloads {
    applied: BTreeMap<String, Workload>,
    failed: Vec<Error>,
}

impl Workloads {
    /// The workload of this name.
    pub fn get(&self, name: &str) -> Option<&Workload> {
        self.applied.get(name)
    }

    /// The first failure.
    pub fn failure(&self) -> Option<&Error> {
        self.failed.first()
    }

    /// The first failure, as the result of the pass.
    pub fn into_result(self) -> Result<(), Error> {
        self.failed.into_iter().next().map_or(Ok(()), Err)
    }
}

/// Writes the objects of this deployment.
fn writer<'a>(ctx: &'a Context, observed: &'a Observed) -> Writer<'a> {
    Writer { client: &ctx.client, objects: &observed.objects, settled: &ctx.settled }
}

fn cached<K: Placed>(store: &Store<K>, namespace: &str, name: &str) -> Option<Arc<K>> {
    store.get(&ObjectRef::new(name).within(namespace))
}

/// Applies the Deployment and the Service of every version that runs, and the Service by which pods find each other.
pub async fn workloads(ctx: &Context, waves: &Waves, observed: &Observed, plan: &Plan) -> Workloads {
    let (namespace, writer) = (observed.namespace(), writer(ctx, observed));
    let mut out = Workloads::default();
    // Pods cannot start without the ConfigMap that they mount.
    if cached(&ctx.cache.config_maps, &namespace, &names::routing(&observed.md.name_any())).is_none() {
        let current = observed.md.main().map(|m| m.version.as_str());
        // The challenger is added by `routing`, after its Service exists.
        let routing = build::routing(&observed.md, current, plan.current.as_deref(), None);
        let file = |found: Option<&_>| build::config_map(&observed.md, &routing, found);
        if let Err(error) = writer.ensure_from(file, None).await {
            out.failed.push(error.into());
        }
    }
    if observed.md.spec.recording.is_some() {
        let seen = cached(&ctx.cache.services, &namespace, &names::peers(&observed.md.name_any()));
        if let Err(error) = writer.ensure(build::peers_service(&observed.md), seen.as_deref()).await {
            out.failed.push(error.into());
        }
    }
    for (version, replicas) in &plan.serve {
        let wanted = build::workload(&observed.md, version, *replicas, &ctx.config);
        let name = wanted.name_any();
        let found = observed.workloads.get(&name).map(Arc::as_ref);
        if has_callers_of_another(ctx, observed, version, found, &wanted)
            || (found.is_none() && may_not_start(ctx, observed, version))
        {
            continue;
        }
        let origin = build::Origin::new(&observed.md, version, &ctx.config, &waves.operator);
        let applied = match (roll::judge(wanted, origin, found), found) {
            (Roll::Wave(_), Some(found)) if observed.owns(found) && !waves.admits(&namespace, &name) => {
                let scaled = scale(&ctx.client, found, *replicas).await;
                scaled.inspect(|workload| observed.objects.confirm(workload))
            }
            (Roll::Apply(wanted) | Roll::Wave(wanted), found) => {
                writer.ensure(Workload::from(wanted), found).await
            }
        };
        match applied {
            Ok(applied) => {
                out.applied.insert(name.clone(), applied);
            }
            Err(error) => out.failed.push(error.into()),
        }
        let service = build::version_service(&observed.md, &version.spec.version);
        let seen = cached(&ctx.cache.services, &namespace, &name);
        if let Err(error) = writer.ensure(service, seen.as_deref()).await {
            out.failed.push(error.into());
        }
    }
    out
}

/// Whether the version has an image that is not allowed. What runs stays, and so does main, whatever becomes of its pods: the list
/// decides what starts, and callers depend on main.
fn may_not_start(ctx: &Context, observed: &Observed, version: &ModelVersion) -> bool {
    images::refusal(version, &ctx.config.runtime_registries).is_some() && !observed.md.is_main(version)
}

/// Whether callers may reach the pods of this number, and not because this version is main: the one that was main, or to
/// which callers were switched, was deleted, and another one has its number. Its bytes wait until callers have left, which
/// this pass makes them do.
fn has_callers_of_another(
    ctx: &Context,
    observed: &Observed,
    version: &ModelVersion,
    found: Option<&Workload>,
    wanted: &Deployment,
) -> bool {
    let (md, number) = (observed.md.as_ref(), &version.spec.version);
    if md.is_main(version) {
        return false;
    }
    if md.main().is_some_and(|main| main.version == *number) {
        return true;
    }
    let service = cached(&ctx.cache.services, &observed.namespace(), &md.name_any());
    let bytes = wanted.spec.as_ref().map(build::bytes);
    let differs = |found: &Workload| Some(build::bytes(&found.spec())) != bytes;
    service.is_some_and(|service| build::selects(&service, number)) && found.is_none_or(differs)
}

/// Applies the Service of an accepted challenger, before any pod gets its name. If that fails, the challenger is
/// refused and gets no calls.
pub async fn challenger(
    ctx: &Context,
    observed: &Observed,
    judged: Challenger,
) -> (Challenger, Result<(), Error>) {
    let Challenger::Accepted(version) = &judged else { return (judged, Ok(())) };
    let seen =
        cached(&ctx.cache.services, &observed.namespace(), &names::challenger(&observed.md.name_any()));
    let service = build::challenger_service(&observed.md, &version.spec.version);
    match writer(ctx, observed).ensure(service, seen.as_deref()).await {
        Ok(_) => (judged, Ok(())),
        Err(error) => (Challenger::refused_by(error.reason().as_str(), chain(&error)), Err(error.into())),
    }
}

/// Sends callers to the version that answers, in one write onto the Service that was seen. `changes` says whether main
/// changes in this pass: then the deployment was read again for that. Otherwise it is read again before callers are
/// moved, because the view may be from before a change of main.
pub async fn switch(
    ctx: &Context,
    observed: &Observed,
    answering: Option<build::Answering<'_>>,
    changes: bool,
) -> Result<Switched, Error> {
    let (namespace, name) = (observed.namespace(), observed.md.name_any());
    let seen = cached(&ctx.cache.services, &namespace, &name);
    let desired = build::main_service(&observed.md, answering);
    // A Service that lost its labels is in no cache, and may lead callers anywhere.
    let lost = || observed.objects.uid("Service", &name).is_some();
    let moves = seen.as_ref().map_or_else(lost, |seen| !build::same_callers(seen, &desired));
    if moves && !changes {
        let present: Option<ModelDeployment> = kinds::get(&ctx.client, &namespace, &name).await?;
        let transition = |md: &ModelDeployment| md.main().map(|main| main.transition.clone());
        let same = |md: &ModelDeployment| {
            md.metadata.uid == observed.md.metadata.uid && transition(md) == transition(&observed.md)
        };
        if !present.as_ref().is_some_and(same) {
            return Err(Error::Outdated { name });
        }
    }
    writer(ctx, observed).ensure_current(desired, seen.as_deref()).await?;
    Ok(Switched::confirmed())
}

/// Writes the routing, moves the disruption budget, and notifies the pods. Only the notification depends on another of
/// these steps: a pod must not take an old file for the new one.
pub async fn follow(
    ctx: &Context,
    observed: &Observed,
    routed: &mut Routed,
    main: Option<&str>,
    routing: &Routing,
) {
    if !routed.has_callers() {
        return;
    }
    let seen =
        cached(&ctx.cache.config_maps, &observed.namespace(), &names::routing(&observed.md.name_any()));
    let wanted = |found: Option<&_>| build::config_map(&observed.md, routing, found);
    let file = writer(ctx, observed).ensure_from(wanted, seen.as_deref()).await;
    let budget = budget(ctx, observed, main).await;
    let pods = match &file {
        Ok(file) => notify(ctx, observed, &build::edition(file, routing)).await,
        Err(_) => Ok(()),
    };
    routed.rest =
        Rest { file: file.err().map(Error::from), budget: budget.err().map(Error::from), pods: pods.err() };
}

async fn budget(ctx: &Context, observed: &Observed, main: Option<&str>) -> Result<(), apply::Error> {
    let seen = cached(&ctx.cache.budgets, &observed.namespace(), &observed.md.name_any());
    if let Some(budget) = build::budget(&observed.md, main) {
        writer(ctx, observed).ensure(budget, seen.as_deref()).await?;
    } else if let Some(seen) = seen.filter(|seen| observed.owns(seen.as_ref())) {
        remove(&ctx.client, seen.as_ref()).await?;
    }
    Ok(())
}

/// Notifies every pod that has another routing. After a failure for one pod, the others are notified all the same.
async fn notify(ctx: &Context, observed: &Observed, edition: &str) -> Result<(), Error> {
    let failed: Vec<Error> = stream::iter(observed.pods.clone())
        .map(|pod| async move { notify_pod(&ctx.client, &pod, edition).await })
        .buffer_unordered(NOTIFICATIONS)
        .filter_map(|result| std::future::ready(result.err()))
        .collect()
        .await;
    failed.into_iter().next().map_or(Ok(()), Err)
}

async fn notify_pod(client: &Client, pod: &Pod, edition: &str) -> Result<(), Error> {
    if pod.annotations().get(ROUTING).map(String::as_str) == Some(edition) {
        return Ok(());
    }
    let name = pod.name_any();
    let api: Api<Pod> = Api::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let patch = json!({"metadata": {"uid": pod.uid(), "annotations": {ROUTING: edition}}});
    match api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        // The pod was deleted meanwhile.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => Err(Error::Notify { name, source: Box::new(source) }),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
