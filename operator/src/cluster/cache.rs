//! What the operator knows of the cluster: one watch a kind, shared by both controllers, and whom each event wakes.

use std::{future::ready, sync::Arc};

use futures::{Stream, StreamExt, TryStreamExt};
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
        reflector::{ObjectRef, Store},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tracing::warn;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, names};

use crate::{cluster::labels::label, metrics::Metrics};

/// Objects a page of the first list: it bounds the peak of memory at the start.
const PAGE_SIZE: u32 = 50;
/// Events in flight to a controller; a full channel holds the watch back, it loses nothing.
const WAKE_UPS: usize = 1024;

/// Where the operator looks: everywhere, or in one namespace.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// All namespaces.
    Cluster,
    /// One namespace, with a Role only.
    Namespace(String),
}

impl Scope {
    /// The one namespace; empty for all.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Cluster => "",
            Self::Namespace(namespace) => namespace,
        }
    }

    /// The API of `K` in this scope.
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::Cluster => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }
}

/// The caches of one scope.
#[derive(Clone)]
pub struct Cache {
    pub deployments: Store<ModelDeployment>,
    pub versions: Store<ModelVersion>,
    pub workloads: Store<Deployment>,
    pub services: Store<Service>,
    pub config_maps: Store<ConfigMap>,
    pub budgets: Store<PodDisruptionBudget>,
    pub pods: Store<Pod>,
}

impl Cache {
    /// The deployment of this name, as last seen.
    pub fn deployment(&self, namespace: &str, name: &str) -> Option<Arc<ModelDeployment>> {
        self.deployments.get(&ObjectRef::new(name).within(namespace))
    }

    /// The version of this name, as last seen.
    pub fn version(&self, namespace: &str, name: &str) -> Option<Arc<ModelVersion>> {
        self.versions.get(&ObjectRef::new(name).within(namespace))
    }

    /// Every version that belongs to a deployment, oldest first.
    pub fn versions_of(&self, namespace: &str, deployment: &str) -> Vec<Arc<ModelVersion>> {
        let mut all: Vec<_> = self
            .versions
            .state()
            .into_iter()
            .filter(|v| v.spec.deployment == deployment && v.namespace().as_deref() == Some(namespace))
            .collect();
        all.sort_by_key(|v| (v.metadata.creation_timestamp.clone(), v.name_any()));
        all
    }

    /// The pods of a deployment, whichever version they run.
    pub fn pods_of(&self, namespace: &str, deployment: &str) -> Vec<Arc<Pod>> {
        self.pods
            .state()
            .into_iter()
            .filter(|p| label(p.as_ref(), names::DEPLOYMENT_LABEL) == Some(deployment))
            .filter(|p| p.namespace().as_deref() == Some(namespace))
            .collect()
    }
}

/// References to reconcile, for each of the two controllers.
pub struct WakeUps {
    pub deployments: mpsc::Receiver<ObjectRef<ModelDeployment>>,
    pub versions: mpsc::Receiver<ObjectRef<ModelVersion>>,
}

#[derive(Clone)]
struct Wakers {
    deployments: mpsc::Sender<ObjectRef<ModelDeployment>>,
    versions: mpsc::Sender<ObjectRef<ModelVersion>>,
}

/// Begins to watch: the caches, the wake-ups, and the task that must be polled for as long as they are used.
pub fn watch(
    client: &Client,
    scope: &Scope,
    metrics: Arc<Metrics>,
) -> (Cache, WakeUps, impl Future<Output = ()> + Send + use<>) {
    let (wake_deployment, deployments) = mpsc::channel(WAKE_UPS);
    let (wake_version, versions) = mpsc::channel(WAKE_UPS);
    let wake_ups = WakeUps { deployments, versions };
    let wakers = Wakers { deployments: wake_deployment, versions: wake_version };

    let (deployment_store, deployment_writer) = reflector::store();
    let (version_store, version_writer) = reflector::store();
    let (workload_store, workload_writer) = reflector::store();
    let (service_store, service_writer) = reflector::store();
    let (map_store, map_writer) = reflector::store();
    let (budget_store, budget_writer) = reflector::store();
    let (pod_store, pod_writer) = reflector::store();
    let cache = Cache {
        deployments: deployment_store,
        versions: version_store,
        workloads: workload_store,
        services: service_store,
        config_maps: map_store,
        budgets: budget_store,
        pods: pod_store,
    };

    let ours = watcher::Config::default().page_size(PAGE_SIZE).labels(&format!(
        "{}={}",
        names::MANAGED_BY.0,
        names::MANAGED_BY.1
    ));
    let all = watcher::Config::default().page_size(PAGE_SIZE);
    let deployments = md_events(
        reflect(scope.api(client), all.clone(), deployment_writer, metrics.clone()),
        wakers.clone(),
        cache.clone(),
    );
    let versions = mv_events(
        reflect(scope.api(client), all, version_writer, metrics.clone()),
        wakers.clone(),
        cache.clone(),
    );
    let children = futures::future::join4(
        child_events(
            reflect(
                scope.api::<DeserializeGuard<Deployment>>(client),
                ours.clone(),
                workload_writer,
                metrics.clone(),
            ),
            wakers.clone(),
            cache.clone(),
        ),
        child_events(
            reflect(
                scope.api::<DeserializeGuard<Service>>(client),
                ours.clone(),
                service_writer,
                metrics.clone(),
            ),
            wakers.clone(),
            cache.clone(),
        ),
        child_events(
            reflect(
                scope.api::<DeserializeGuard<ConfigMap>>(client),
                ours.clone(),
                map_writer,
                metrics.clone(),
            ),
            wakers.clone(),
            cache.clone(),
        ),
        child_events(
            reflect(
                scope.api::<DeserializeGuard<PodDisruptionBudget>>(client),
                ours.clone(),
                budget_writer,
                metrics.clone(),
            ),
            wakers.clone(),
            cache.clone(),
        ),
    );
    let pods = child_events(
        reflect(scope.api::<DeserializeGuard<Pod>>(client), ours, pod_writer, metrics),
        wakers,
        cache.clone(),
    );
    let task = async move {
        Box::pin(futures::future::join4(deployments, versions, children, pods)).await;
    };
    (cache, wake_ups, task)
}

/// Waits until every first list is in.
pub async fn synced(cache: &Cache) -> Result<(), reflector::store::WriterDropped> {
    cache.deployments.wait_until_ready().await?;
    cache.versions.wait_until_ready().await?;
    cache.workloads.wait_until_ready().await?;
    cache.services.wait_until_ready().await?;
    cache.config_maps.wait_until_ready().await?;
    cache.budgets.wait_until_ready().await?;
    cache.pods.wait_until_ready().await
}

/// Watches one kind into its store, without what nobody reads, and without objects that cannot be read as the kind:
/// one broken object stops nothing.
fn reflect<K>(
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    writer: reflector::store::Writer<K>,
    metrics: Arc<Metrics>,
) -> impl Stream<Item = K> + Send
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
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
            warn!(kind = %K::kind(&()), name, namespace = ?invalid.metadata.namespace, error = %invalid.error, "failed to read an object, it is left alone");
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

/// A deployment wakes itself and every version that belongs to it.
async fn md_events(events: impl Stream<Item = ModelDeployment>, wakers: Wakers, cache: Cache) {
    let mut events = std::pin::pin!(events);
    while let Some(md) = events.next().await {
        let (namespace, name) = (md.namespace().unwrap_or_default(), md.name_any());
        wakers.deployment(&namespace, &name).await;
        for version in cache.versions_of(&namespace, &name) {
            wakers.version(&namespace, &version.name_any()).await;
        }
    }
}

/// A version wakes itself, its deployment, and its siblings whose turn may have come.
async fn mv_events(events: impl Stream<Item = ModelVersion>, wakers: Wakers, cache: Cache) {
    let mut events = std::pin::pin!(events);
    while let Some(mv) = events.next().await {
        let (namespace, name) = (mv.namespace().unwrap_or_default(), mv.name_any());
        wakers.version(&namespace, &name).await;
        wakers.deployment(&namespace, &mv.spec.deployment).await;
        let deployment = cache.deployment(&namespace, &mv.spec.deployment);
        for sibling in cache.versions_of(&namespace, &mv.spec.deployment) {
            if sibling.name_any() != name && waits_for_siblings(&sibling, deployment.as_deref()) {
                wakers.version(&namespace, &sibling.name_any()).await;
            }
        }
    }
}

/// Whether a version may wait until another one is archived: it rolls out, or a rollback made it main and its own
/// stage has not followed yet.
fn waits_for_siblings(version: &ModelVersion, deployment: Option<&ModelDeployment>) -> bool {
    let rolls_out = version.transition().is_some_and(|t| t.approval.is_some());
    let main = deployment.and_then(ModelDeployment::main);
    let is_main = main.is_some_and(|main| main.model_version == version.name_any());
    rolls_out || (is_main && version.stage() != Stage::Production)
}

/// An owned object wakes the deployment that its label names and the version that it runs.
async fn child_events<K: Resource<DynamicType = ()>>(
    events: impl Stream<Item = K>,
    wakers: Wakers,
    cache: Cache,
) {
    let mut events = std::pin::pin!(events);
    while let Some(child) = events.next().await {
        let Some(deployment) = label(&child, names::DEPLOYMENT_LABEL) else { continue };
        let namespace = child.namespace().unwrap_or_default();
        wakers.deployment(&namespace, deployment).await;
        if let Some(version) = label(&child, names::VERSION_LABEL) {
            for mv in cache.versions_of(&namespace, deployment) {
                if names::version_label(&mv.spec.version) == version {
                    wakers.version(&namespace, &mv.name_any()).await;
                }
            }
        }
    }
}

impl Wakers {
    // A closed channel means that its controller has ended, and with it the process.
    async fn deployment(&self, namespace: &str, name: &str) {
        let _ = self.deployments.send(ObjectRef::new(name).within(namespace)).await;
    }

    async fn version(&self, namespace: &str, name: &str) {
        let _ = self.versions.send(ObjectRef::new(name).within(namespace)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn version(status: &Value) -> ModelVersion {
        let object = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": "fraud-1.0.0"},
            "spec": {"deployment": "fraud", "version": "1.0.0", "artifact": {"uri": "s3://m/m", "sha256": "0"}},
            "status": status,
        });
        serde_json::from_value(object).expect("a ModelVersion")
    }

    fn main_is(name: &str) -> ModelDeployment {
        let main = json!({"version": "1.0.0", "modelVersion": name, "digest": "", "since": "2026-11-21T12:00:00Z", "transition": "t"});
        let object = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"},
            "spec": {}, "status": {"main": main},
        });
        serde_json::from_value(object).expect("a ModelDeployment")
    }

    #[test]
    fn a_version_that_a_rollback_made_main_learns_at_once_that_the_other_is_archived() {
        let archived = version(&json!({"stage": "Archived"}));
        assert!(waits_for_siblings(&archived, Some(&main_is("fraud-1.0.0"))));
        assert!(!waits_for_siblings(&archived, Some(&main_is("fraud-2.0.0"))));
    }

    #[test]
    fn a_settled_version_is_not_woken_by_its_siblings() {
        let main = version(&json!({"stage": "Production"}));
        assert!(!waits_for_siblings(&main, Some(&main_is("fraud-1.0.0"))));
    }
}
