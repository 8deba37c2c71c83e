//! Deletes what no version of the plan needs any more.

use std::sync::Arc;

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use understudy_crds::{OwnedObject, names};

use super::{build, challenger::Challenger, observe::Observed, plan::Plan};
use crate::{
    cluster::{
        apply::{self, remove, remove_recorded},
        labels::label,
        placed::Placed,
        store::Store,
    },
    context::Context,
};

/// What stays after a pass.
pub struct Kept<'a> {
    observed: &'a Observed,
    /// Names of the workloads and Services of versions.
    versions: Vec<String>,
    main: Option<&'a str>,
    has_challenger: bool,
}

impl<'a> Kept<'a> {
    /// What the plan needs, and the objects of `main`, which always stay.
    pub fn new(observed: &'a Observed, plan: &Plan, main: Option<&'a str>, challenger: &Challenger) -> Self {
        let md = observed.md.name_any();
        let served = plan.serve.iter().map(|(v, _)| v.spec.version.as_str());
        let versions = served.chain(main).map(|version| names::version_object(&md, version)).collect();
        Self { observed, versions, main, has_challenger: challenger.accepted().is_some() }
    }

    /// Whether an object of this kind and name is not needed. What a version runs that cannot be read stays.
    fn is_unused(&self, kind: &str, name: &str) -> bool {
        let (md, readable) = (self.observed.md.name_any(), self.observed.unreadable.is_empty());
        match kind {
            "PodDisruptionBudget" => build::budget(&self.observed.md, self.main).is_none(),
            "Service" if name == md => false,
            "Service" if name == names::challenger(&md) => !self.has_challenger && readable,
            "Service" if name == names::peers(&md) => self.observed.md.spec.recording.is_none(),
            "Service" | "Deployment" => readable && !self.versions.iter().any(|kept| kept == name),
            _ => false,
        }
    }
}

/// Takes what is not needed from the record. What is in no cache, since it lost its labels, is deleted now: without its
/// record, nobody would know it again.
pub async fn forget(ctx: &Context, kept: &Kept<'_>) -> Result<(), apply::Error> {
    let observed = kept.observed;
    for object in observed.objects.list() {
        if !kept.is_unused(&object.kind, &object.name) {
            continue;
        }
        if !is_cached(ctx, observed, &object) {
            remove_recorded(&ctx.client, &observed.namespace(), &object).await?;
        }
        observed.objects.forget(&object);
    }
    Ok(())
}

fn is_cached(ctx: &Context, observed: &Observed, object: &OwnedObject) -> bool {
    fn has<K: Placed>(store: &Store<K>, observed: &Observed, object: &OwnedObject) -> bool {
        let found = store.get(&ObjectRef::new(&object.name).within(&observed.namespace()));
        found.is_some_and(|found| found.uid().as_ref() == Some(&object.uid))
    }
    match object.kind.as_str() {
        "Deployment" => has(&ctx.cache.workloads, observed, object),
        "Service" => has(&ctx.cache.services, observed, object),
        "ConfigMap" => has(&ctx.cache.config_maps, observed, object),
        _ => has(&ctx.cache.budgets, observed, object),
    }
}

/// Removes workloads and Services of versions that no longer run, and the Services of challenger and peers if they are
/// not needed.
pub async fn prune(ctx: &Context, kept: &Kept<'_>) -> Result<(), apply::Error> {
    let observed = kept.observed;
    for seen in leftover(&ctx.cache.workloads, kept) {
        remove(&ctx.client, seen.as_ref()).await?;
    }
    for seen in leftover(&ctx.cache.services, kept) {
        remove(&ctx.client, seen.as_ref()).await?;
    }
    let md = observed.md.name_any();
    for name in [names::challenger(&md), names::peers(&md)] {
        let seen = ctx.cache.services.get(&ObjectRef::new(&name).within(&observed.namespace()));
        if let Some(seen) =
            seen.filter(|seen| kept.is_unused("Service", &name) && observed.owns(seen.as_ref()))
        {
            remove(&ctx.client, seen.as_ref()).await?;
        }
    }
    Ok(())
}

fn leftover<K: Placed>(store: &Store<K>, kept: &Kept<'_>) -> Vec<Arc<K>> {
    let observed = kept.observed;
    store
        .of_deployment(&observed.namespace(), &observed.md.name_any())
        .into_iter()
        .filter(|o| {
            // What a version runs that cannot be read stays.
            let version = label(o.as_ref(), names::VERSION_LABEL);
            version.is_some_and(|version| observed.unreadable(version).is_none())
        })
        .filter(|o| {
            o.meta().deletion_timestamp.is_none()
                && observed.owns(o.as_ref())
                && !kept.versions.contains(&o.name_any())
        })
        .collect()
}
