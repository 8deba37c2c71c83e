//! The caches of the cluster: one store for each kind, shared by both controllers.

use std::sync::Arc;

use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::ResourceExt;
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{key::Key, placed::Placed, store::Store, workload::Workload};

/// The stores of one scope. Clones share the content.
#[derive(Clone, Default)]
pub struct Cache {
    pub deployments: Store<ModelDeployment>,
    pub versions: Store<ModelVersion>,
    pub workloads: Store<Workload>,
    pub services: Store<Service>,
    pub config_maps: Store<ConfigMap>,
    pub budgets: Store<PodDisruptionBudget>,
    pub pods: Store<Pod>,
}

impl Cache {
    /// Waits until every store contains the first list of its kind.
    pub async fn synced(&self) {
        self.deployments.synced().await;
        self.versions.synced().await;
        self.workloads.synced().await;
        self.services.synced().await;
        self.config_maps.synced().await;
        self.budgets.synced().await;
        self.pods.synced().await;
    }

    /// Whether every store contains the first list of its kind.
    pub fn is_synced(&self) -> bool {
        self.sync_state().iter().all(|(_, synced)| *synced)
    }

    /// Each kind, and whether its store contains the first list.
    pub fn sync_state(&self) -> [(String, bool); 7] {
        fn kind<K: Placed>(store: &Store<K>) -> (String, bool) {
            (K::kind(&()).into_owned(), store.is_synced())
        }
        [
            kind(&self.deployments),
            kind(&self.versions),
            kind(&self.workloads),
            kind(&self.services),
            kind(&self.config_maps),
            kind(&self.budgets),
            kind(&self.pods),
        ]
    }

    /// The deployment of this name, if it is in the cache.
    pub fn deployment(&self, namespace: &str, name: &str) -> Option<Arc<ModelDeployment>> {
        self.deployments.at(&Key::new(namespace, name))
    }

    /// The version of this name, if it is in the cache.
    pub fn version(&self, namespace: &str, name: &str) -> Option<Arc<ModelVersion>> {
        self.versions.at(&Key::new(namespace, name))
    }

    /// Every version that belongs to a deployment, oldest first.
    pub fn versions_of(&self, namespace: &str, deployment: &str) -> Vec<Arc<ModelVersion>> {
        let mut all = self.versions.of_deployment(namespace, deployment);
        all.sort_by_key(|v| (v.metadata.creation_timestamp.clone(), v.name_any()));
        all
    }

    /// The pods of a deployment, of all its versions.
    pub fn pods_of(&self, namespace: &str, deployment: &str) -> Vec<Arc<Pod>> {
        self.pods.of_deployment(namespace, deployment)
    }
}
