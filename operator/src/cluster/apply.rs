//! Writes owned objects: only those that differ, and never an object of another owner. Server-side apply writes what the
//! operator asks for; a merge patch also removes what others added (`repair`).

use std::fmt::Debug;

use k8s_openapi::api::{
    core::v1::{ConfigMap, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tracing::info;
use understudy_crds::OwnedObject;

use super::{
    objects::{Objects, same_owner},
    repair::{Repair, repair},
    settled::Settled,
    workload::Workload,
};
use crate::{error_chain::namespace_is_ending, reasons::Apply as Reason};

/// Field manager of every server-side apply.
pub const FIELD_MANAGER: &str = "understudy-operator";

/// An owned object could not be read, written or deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read {kind} {name}")]
    Get {
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed to apply {kind} {name}")]
    Apply {
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error(
        "failed to apply {kind} {name}, and to read it again: it is unknown whether the write had an effect"
    )]
    Uncertain {
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed to delete {kind} {name}")]
    Delete {
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error(
        "{kind} {name} exists and is not Understudy's: it is left alone; rename or delete it, or choose another name"
    )]
    Foreign { kind: String, name: String },
}

impl Error {
    /// The reason in conditions, events and metrics.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Apply { source, .. } if namespace_is_ending(source) => Reason::NamespaceEnds,
            Self::Apply { source, .. } if is_conflict(source) => Reason::Conflict,
            Self::Get { .. } => Reason::GetFailed,
            Self::Apply { .. } | Self::Uncertain { .. } => Reason::ApplyFailed,
            Self::Delete { .. } => Reason::DeleteFailed,
            Self::Foreign { .. } => Reason::NameConflict,
        }
    }

    /// Whether the write was refused only because the object has changed since it was read, or because the namespace is
    /// being deleted.
    pub fn had_no_effect(&self) -> bool {
        matches!(self.reason(), Reason::Conflict | Reason::NamespaceEnds)
    }
}

const fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether the API server refused the write. Other errors leave open whether it had an effect, and so does a conflict:
/// a proxy may have sent the write twice.
const fn is_refusal(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 400..=407 | 410..=428 | 430..=499))
}

/// The kinds that Understudy writes.
pub trait Owned:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned
{
}
impl<
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
> Owned for K
{
}

/// Writes the objects of one deployment.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    /// The API server.
    pub client: &'a Client,
    /// The objects of the deployment.
    pub objects: &'a Objects,
    /// What stayed different after a write.
    pub settled: &'a Settled,
}

impl Writer<'_> {
    /// Writes `desired` if the object on the API server differs, and returns the object there. `cached` is the object in
    /// the cache. Without it the object is fetched: the cache only contains objects with Understudy's label.
    pub async fn ensure<K: Owned>(&self, desired: K, cached: Option<&K>) -> Result<K, Error> {
        self.ensure_from(|_| desired.clone(), cached).await
    }

    /// As [`Self::ensure`], for an object that depends on the one that exists.
    pub async fn ensure_from<K: Owned>(
        &self,
        desired: impl Fn(Option<&K>) -> K,
        cached: Option<&K>,
    ) -> Result<K, Error> {
        let written = self.write(desired, cached, Precondition::Uid).await?;
        self.objects.confirm(&written);
        Ok(written)
    }

    /// As [`Self::ensure`], for a write that must not follow from an old view: it fails with a conflict if the object has
    /// changed since it was read. If the answer does not say whether the write had an effect, the object is read again.
    pub async fn ensure_current<K: Owned>(&self, desired: K, cached: Option<&K>) -> Result<K, Error> {
        let written = self.write(|_| desired.clone(), cached, Precondition::ResourceVersion).await;
        let written = match written {
            Err(Error::Apply { kind, name, source }) if !is_refusal(&source) => {
                let api: Api<K> =
                    Api::namespaced(self.client.clone(), &desired.namespace().unwrap_or_default());
                match api.get_opt(&name).await {
                    Ok(Some(found)) if self.is_as_desired(&desired, &found) => Ok(found),
                    Ok(_) => Err(Error::Apply { kind, name, source }),
                    Err(_) => Err(Error::Uncertain { kind, name, source }),
                }
            }
            result => result,
        }?;
        self.objects.confirm(&written);
        Ok(written)
    }

    fn is_as_desired<K: Owned>(&self, desired: &K, found: &K) -> bool {
        let repair = repair(&K::kind(&()), &to_value(desired), &to_value(found));
        self.objects.own(desired, found) && repair == Repair::Nothing
    }

    async fn write<K: Owned>(
        &self,
        desired: impl Fn(Option<&K>) -> K,
        cached: Option<&K>,
        precondition: Precondition,
    ) -> Result<K, Error> {
        let place = desired(cached);
        let (kind, name) = (K::kind(&()).into_owned(), place.name_any());
        let api: Api<K> = Api::namespaced(self.client.clone(), &place.namespace().unwrap_or_default());
        let fetched;
        let found = if cached.is_some() {
            cached
        } else {
            fetched = api.get_opt(&name).await.map_err(|source| Error::Get {
                kind: kind.clone(),
                name: name.clone(),
                source: Box::new(source),
            })?;
            fetched.as_ref()
        };
        let failed =
            |source| Error::Apply { kind: kind.clone(), name: name.clone(), source: Box::new(source) };
        let mut desired = desired(found);
        let apply = PatchParams::apply(FIELD_MANAGER).force();
        let Some(found) = found else {
            return api.patch(&name, &apply, &Patch::Apply(&desired)).await.map_err(failed);
        };
        if !self.objects.own(&desired, found) {
            return Err(Error::Foreign { kind, name });
        }
        let (wanted, present) = (to_value(&desired), to_value(found));
        let uid = found.uid().unwrap_or_default();
        let repair = repair(&kind, &wanted, &present);
        if repair == Repair::Nothing || self.settled.knows(&uid, &wanted, &present) {
            return Ok(found.clone());
        }
        if present["immutable"] == true {
            // Nobody can change it any more.
            remove(self.client, found).await?;
            return api.patch(&name, &apply, &Patch::Apply(&desired)).await.map_err(failed);
        }
        let written = match repair {
            Repair::Nothing | Repair::Requested => {
                // With the uid, the write fails if the object was deleted and created again by others.
                desired.meta_mut().uid = found.uid();
                if matches!(precondition, Precondition::ResourceVersion) {
                    desired.meta_mut().resource_version = found.resource_version();
                }
                api.patch(&name, &apply, &Patch::Apply(&desired)).await.map_err(failed)?
            }
            Repair::Merge { mut patch, places } => {
                patch["metadata"]["uid"] = json!(found.uid());
                if matches!(precondition, Precondition::ResourceVersion) {
                    patch["metadata"]["resourceVersion"] = json!(found.resource_version());
                }
                let params =
                    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
                let places = places.join(" ");
                info!(kind, name, namespace = found.namespace(), places, "removing what nobody asks for");
                api.patch(&name, &params, &Patch::Merge(patch)).await.map_err(failed)?
            }
        };
        let result = to_value(&written);
        if !self.is_as_desired(&desired, &written) {
            self.settled.remember(&uid, &wanted, &result);
        }
        Ok(written)
    }
}

/// The object on the API server that `desired` describes, or `None` if it does not exist or belongs to others.
pub async fn get<K: Owned>(client: &Client, desired: &K) -> Result<Option<K>, Error> {
    let (kind, name) = (K::kind(&()).into_owned(), desired.name_any());
    let api: Api<K> = Api::namespaced(client.clone(), &desired.namespace().unwrap_or_default());
    let found =
        api.get_opt(&name).await.map_err(|source| Error::Get { kind, name, source: Box::new(source) })?;
    Ok(found.filter(|found| same_owner(desired, found)))
}

/// What must not have changed since an object was read.
#[derive(Clone, Copy)]
enum Precondition {
    /// It is the same object.
    Uid,
    /// Nobody has written it.
    ResourceVersion,
}

/// Sets the number of pods of a workload, and nothing else, if it still is the one in `seen`.
pub async fn scale(client: &Client, seen: &Workload, replicas: i32) -> Result<Workload, Error> {
    if seen.spec().replicas == Some(replicas) {
        return Ok(seen.clone());
    }
    let (kind, name) = (Workload::kind(&()).into_owned(), seen.name_any());
    let api: Api<Workload> = Api::namespaced(client.clone(), &seen.namespace().unwrap_or_default());
    let patch = json!({"metadata": {"uid": seen.uid()}, "spec": {"replicas": replicas}});
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch(&name, &params, &Patch::Merge(patch)).await.map_err(|source| Error::Apply {
        kind,
        name,
        source: Box::new(source),
    })
}

/// Deletes an owned object, if it still is the one in `seen`.
pub async fn remove<K: Owned>(client: &Client, seen: &K) -> Result<(), Error> {
    let namespace = seen.namespace().unwrap_or_default();
    delete::<K>(client, &namespace, &seen.name_any(), seen.uid()).await
}

/// Deletes an object that the status names and that is in no cache, since it lost its labels.
pub async fn remove_recorded(client: &Client, namespace: &str, object: &OwnedObject) -> Result<(), Error> {
    let (name, uid) = (object.name.as_str(), Some(object.uid.clone()));
    match object.kind.as_str() {
        "Deployment" => delete::<Workload>(client, namespace, name, uid).await,
        "Service" => delete::<Service>(client, namespace, name, uid).await,
        "ConfigMap" => delete::<ConfigMap>(client, namespace, name, uid).await,
        "PodDisruptionBudget" => delete::<PodDisruptionBudget>(client, namespace, name, uid).await,
        // A later release may own further kinds, and deletes them.
        _ => Ok(()),
    }
}

async fn delete<K: Owned>(
    client: &Client,
    namespace: &str,
    name: &str,
    uid: Option<String>,
) -> Result<(), Error> {
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let only_this = Preconditions { uid, resource_version: None };
    let params = DeleteParams { preconditions: Some(only_this), ..DeleteParams::background() };
    match api.delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => {
            let (kind, name) = (K::kind(&()).into_owned(), name.to_owned());
            Err(Error::Delete { kind, name, source: Box::new(source) })
        }
    }
}

fn to_value<K: Serialize>(object: &K) -> serde_json::Value {
    serde_json::to_value(object).expect("a Kubernetes object serialises")
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
