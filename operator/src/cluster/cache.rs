//! The caches of the cluster: one store for each kind, shared by both controllers.

use std::sync::Arc;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    ResourceExt,
    runtime::reflector::{
        self, ObjectRef, Store,
        store::{Writer, WriterDropped},
    },
};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::labels::label;

/// The stores of one scope.
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

/// The writers of the stores of one [`Cache`].
pub struct Writers {
    pub deployments: Writer<ModelDeployment>,
    pub versions: Writer<ModelVersion>,
    pub workloads: Writer<Deployment>,
    pub services: Writer<Service>,
    pub config_maps: Writer<ConfigMap>,
    pub budgets: Writer<PodDisruptionBudget>,
    pub pods: Writer<Pod>,
}

impl Cache {
    /// Empty stores, and their writers.
    pub fn new() -> (Self, Writers) {
        let (deployments, deployment_writer) = reflector::store();
        let (versions, version_writer) = reflector::store();
        let (workloads, workload_writer) = reflector::store();
        let (services, service_writer) = reflector::store();
        let (config_maps, config_map_writer) = reflector::store();
        let (budgets, budget_writer) = reflector::store();
        let (pods, pod_writer) = reflector::store();
        let writers = Writers {
            deployments: deployment_writer,
            versions: version_writer,
            workloads: workload_writer,
            services: service_writer,
            config_maps: config_map_writer,
            budgets: budget_writer,
            pods: pod_writer,
        };
        (Self { deployments, versions, workloads, services, config_maps, budgets, pods }, writers)
    }

    /// Waits until every store contains the first list of its kind. Fails if a watch ends before that.
    pub async fn synced(&self) -> Result<(), WriterDropped> {
        self.deployments.wait_until_ready().await?;
        self.versions.wait_until_ready().await?;
        self.workloads.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.config_maps.wait_until_ready().await?;
        self.budgets.wait_until_ready().await?;
        self.pods.wait_until_ready().await
    }

    /// The deployment of this name, if it is in the cache.
    pub fn deployment(&self, namespace: &str, name: &str) -> Option<Arc<ModelDeployment>> {
        self.deployments.get(&ObjectRef::new(name).within(namespace))
    }

    /// The version of this name, if it is in the cache.
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

    /// The pods of a deployment, of all its versions.
    pub fn pods_of(&self, namespace: &str, deployment: &str) -> Vec<Arc<Pod>> {
        self.pods
            .state()
            .into_iter()
            .filter(|p| label(p.as_ref(), names::DEPLOYMENT_LABEL) == Some(deployment))
            .filter(|p| p.namespace().as_deref() == Some(namespace))
            .collect()
    }
}
