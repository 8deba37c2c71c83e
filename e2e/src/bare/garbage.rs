//! The garbage collector: what a deleted `ModelDeployment` owned is deleted.

use std::{collections::BTreeSet, fmt::Debug};

use anyhow::Result;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use understudy_crds::{ModelDeployment, names};

/// The label selector of everything that an operator owns.
pub fn selector() -> String {
    format!("{}={}", names::MANAGED_BY.0, names::MANAGED_BY.1)
}

/// Deletes the operator's objects whose owner does not exist.
pub async fn collect(client: &Client, namespace: &str) -> Result<()> {
    delete_orphans::<Deployment>(client, namespace).await?;
    delete_orphans::<Service>(client, namespace).await?;
    delete_orphans::<ConfigMap>(client, namespace).await?;
    delete_orphans::<PodDisruptionBudget>(client, namespace).await
}

async fn delete_orphans<K>(client: &Client, namespace: &str) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api = Api::<K>::namespaced(client.clone(), namespace);
    let owned = api.list_metadata(&ListParams::default().labels(&selector())).await?;
    // The owners are read after the owned objects: an owner of one of these existed before.
    let models = Api::<ModelDeployment>::namespaced(client.clone(), namespace);
    let models = models.list_metadata(&ListParams::default()).await?;
    let alive: BTreeSet<_> = models.iter().filter_map(ResourceExt::uid).collect();
    let is_orphan = |uid: &str| !alive.contains(uid);
    for object in owned {
        if object.owner_references().iter().any(|owner| is_orphan(&owner.uid)) {
            match api.delete(&object.name_any(), &DeleteParams::background()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                result => drop(result?),
            }
        }
    }
    Ok(())
}
