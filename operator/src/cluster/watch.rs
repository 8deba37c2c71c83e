//! One watch for each kind. It fills the store of that kind, and its events trigger passes.

use std::{future::ready, sync::Arc};

use futures::{Stream, StreamExt, TryStreamExt, future::join4};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt, reflector,
        reflector::store::Writer,
        watcher::{self, watcher},
    },
};
use serde::de::DeserializeOwned;
use tracing::warn;
use understudy_crds::names;

use super::{
    cache::Cache,
    scope::Scope,
    triggers::{self, Triggers},
};
use crate::metrics::Metrics;

/// Objects in one page of the first list. It limits the peak of memory at the start.
const PAGE_SIZE: u32 = 50;

/// Starts the watches of all kinds. Returns the caches, the triggers, and a task that must be polled while these are in
/// use.
pub fn watch_all(
    client: &Client,
    scope: &Scope,
    metrics: &Arc<Metrics>,
) -> (Cache, Triggers, impl Future<Output = ()> + Send + use<>) {
    let (cache, writers) = Cache::new();
    let (senders, triggers) = triggers::channels();
    let all = watcher::Config::default().page_size(PAGE_SIZE);
    let (key, value) = names::MANAGED_BY;
    let ours = all.clone().labels(&format!("{key}={value}"));

    let deployments = triggers::of_deployments(
        reflect(scope.api(client), all.clone(), writers.deployments, metrics),
        senders.clone(),
        cache.clone(),
    );
    let versions = triggers::of_versions(
        reflect(scope.api(client), all, writers.versions, metrics),
        senders.clone(),
        cache.clone(),
    );
    let workloads = triggers::of_children(
        reflect::<Deployment>(scope.api(client), ours.clone(), writers.workloads, metrics),
        senders.clone(),
        cache.clone(),
    );
    let services = triggers::of_children(
        reflect::<Service>(scope.api(client), ours.clone(), writers.services, metrics),
        senders.clone(),
        cache.clone(),
    );
    let config_maps = triggers::of_children(
        reflect::<ConfigMap>(scope.api(client), ours.clone(), writers.config_maps, metrics),
        senders.clone(),
        cache.clone(),
    );
    let budgets = triggers::of_children(
        reflect::<PodDisruptionBudget>(scope.api(client), ours.clone(), writers.budgets, metrics),
        senders.clone(),
        cache.clone(),
    );
    let pods = triggers::of_children(
        reflect::<Pod>(scope.api(client), ours, writers.pods, metrics),
        senders,
        cache.clone(),
    );
    let children = join4(workloads, services, config_maps, budgets);
    let task = async move {
        Box::pin(join4(deployments, versions, children, pods)).await;
    };
    (cache, triggers, task)
}

/// Watches one kind and writes its objects to the store. Managed fields are dropped, because nothing reads them.
/// Objects that cannot be parsed as the kind are skipped, so that one of them does not stop the watch.
fn reflect<K>(
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    writer: Writer<K>,
    metrics: &Arc<Metrics>,
) -> impl Stream<Item = K> + Send + use<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    metrics.watches(&K::kind(&()));
    let metrics = Arc::clone(metrics);
    let valid = watcher(api, config)
        .default_backoff()
        .try_filter_map(move |event| ready(Ok(valid_only(event, &metrics))))
        .modify(|object: &mut K| object.managed_fields_mut().clear());
    reflector(writer, valid).touched_objects().filter_map(|object| {
        ready(match object {
            Ok(object) => Some(object),
            Err(error) => {
                warn!(kind = %K::kind(&()), %error, "failed to watch, trying again");
                None
            }
        })
    })
}

fn valid_only<K: Resource<DynamicType = ()>>(
    event: watcher::Event<DeserializeGuard<K>>,
    metrics: &Metrics,
) -> Option<watcher::Event<K>> {
    use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};
    let read = |guard: DeserializeGuard<K>| match guard.0 {
        Ok(object) => Some(object),
        Err(invalid) => {
            metrics.invalid_object(&K::kind(&()));
            let name = invalid.metadata.name.as_deref().unwrap_or_default();
            warn!(kind = %K::kind(&()), name, namespace = ?invalid.metadata.namespace, error = %invalid.error, "failed to parse an object, it is skipped");
            None
        }
    };
    Some(match event {
        Init => Init,
        InitDone => InitDone,
        InitApply(guard) => InitApply(read(guard)?),
        Apply(guard) => Apply(read(guard)?),
        Delete(guard) => Delete(read(guard)?),
    })
}
