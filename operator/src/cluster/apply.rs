//! Writes owned objects by server-side apply: only those that differ, and never an object of another owner.

use std::fmt::Debug;

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};

use super::diff::difference;
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
            Self::Get { .. } => Reason::GetFailed,
            Self::Apply { .. } => Reason::ApplyFailed,
            Self::Delete { .. } => Reason::DeleteFailed,
            Self::Foreign { .. } => Reason::NameConflict,
        }
    }

    /// Whether the write was refused only because the namespace is being deleted.
    pub fn had_no_effect(&self) -> bool {
        self.reason() == Reason::NamespaceEnds
    }
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

/// Applies `desired` if the object on the API server differs, and returns the object there. `cached` is the object in
/// the cache. Without it the object is fetched: the cache only contains objects with Understudy's label.
pub async fn ensure<K: Owned>(client: &Client, desired: K, cached: Option<&K>) -> Result<K, Error> {
    let (kind, name) = (K::kind(&()).into_owned(), desired.name_any());
    let api: Api<K> = Api::namespaced(client.clone(), &desired.namespace().unwrap_or_default());
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
    let mut desired = desired;
    if let Some(found) = found {
        if !same_owner(&desired, found) {
            return Err(Error::Foreign { kind, name });
        }
        if difference(&to_value(&desired), &to_value(found)).is_none() {
            return Ok(found.clone());
        }
        // With the uid, the write fails if the object was deleted and created again by others.
        desired.meta_mut().uid = found.uid();
    }
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&name, &params, &Patch::Apply(&desired)).await.map_err(|source| Error::Apply {
        kind,
        name,
        source: Box::new(source),
    })
}

/// Deletes an owned object, if it still is the one in `seen`.
pub async fn remove<K: Owned>(client: &Client, seen: &K) -> Result<(), Error> {
    let (kind, name) = (K::kind(&()).into_owned(), seen.name_any());
    let api: Api<K> = Api::namespaced(client.clone(), &seen.namespace().unwrap_or_default());
    let only_this = Preconditions { uid: seen.uid(), resource_version: None };
    let params = DeleteParams { preconditions: Some(only_this), ..DeleteParams::background() };
    match api.delete(&name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => Err(Error::Delete { kind, name, source: Box::new(source) }),
    }
}

/// Whether both have the same controller.
pub fn same_owner<K: Resource>(desired: &K, found: &K) -> bool {
    let controller =
        |o: &K| o.owner_references().iter().find(|r| r.controller == Some(true)).map(|r| r.uid.clone());
    controller(desired).is_some() && controller(desired) == controller(found)
}

fn to_value<K: Serialize>(object: &K) -> serde_json::Value {
    serde_json::to_value(object).expect("a Kubernetes object serialises")
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
