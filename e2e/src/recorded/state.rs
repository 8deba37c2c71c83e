//! Everything of a namespace that an operator writes, as JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use anyhow::{Result, bail, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams},
    core::{ApiResource, NamespaceResourceScope},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use crate::bare::{Operator, World, eventually};

/// How many more passes an operator makes that has nothing left to write.
const PASSES: f64 = 5.0;
/// Annotation of these tests. Each change of it makes the operator look at the object once more.
const POKE: &str = "example.com/poke";

/// The objects, by kind and name, without what each write changes.
#[derive(Clone, Debug, PartialEq)]
pub struct State(BTreeMap<(String, String), Value>);

impl State {
    /// What is there now.
    pub async fn of(world: &World) -> Result<Self> {
        let parts = tokio::try_join!(
            objects::<ModelDeployment>(world),
            objects::<ModelVersion>(world),
            objects::<Deployment>(world),
            objects::<Service>(world),
            objects::<ConfigMap>(world),
            objects::<PodDisruptionBudget>(world),
            objects::<Pod>(world),
        )?;
        let all = [parts.0, parts.1, parts.2, parts.3, parts.4, parts.5, parts.6];
        Ok(Self(all.into_iter().flatten().collect()))
    }

    /// The objects of a kind, by name.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .iter()
            .filter(move |((of, _), _)| of == kind)
            .map(|((_, name), object)| (name.as_str(), object))
    }

    /// What is at this place of an object (a JSON pointer), if it is there.
    #[must_use]
    pub fn at(&self, kind: &str, name: &str, place: &str) -> Option<&Value> {
        self.object(kind, name)?.pointer(place)
    }

    fn object(&self, kind: &str, name: &str) -> Option<&Value> {
        self.0.get(&(kind.to_owned(), name.to_owned()))
    }

    /// Fails unless the objects of a kind are the same by uid as before, and none has another value at these places
    /// (JSON pointers).
    pub fn ensure_as_before(&self, before: &Self, kind: &str, places: &[&str]) -> Result<()> {
        let uids = |state: &Self| -> BTreeSet<(String, String)> {
            state
                .of_kind(kind)
                .map(|(name, object)| (name.to_owned(), object["metadata"]["uid"].to_string()))
                .collect()
        };
        let (old, new) = (uids(before), uids(self));
        ensure!(!old.is_empty(), "no {kind} was recorded");
        ensure!(old == new, "the objects of the kind {kind} are not the same. Before: {old:?}, now: {new:?}");
        for (name, _) in self.of_kind(kind) {
            for place in places {
                let of = |state: &Self| state.at(kind, name, place).cloned().unwrap_or_default();
                let (old, new) = (of(before), of(self));
                if let Some((place, old, new)) = difference(place, &old, &new) {
                    bail!("{kind} {name} has changed at {place}. Before: {old}, now: {new}");
                }
            }
        }
        Ok(())
    }

    /// Fails unless everything that was at this place of an object is there unchanged. Fields and entries may be added.
    pub fn ensure_keeps(&self, before: &Self, kind: &str, name: &str, place: &str) -> Result<()> {
        let of = |state: &Self| state.at(kind, name, place).cloned().unwrap_or_default();
        let (old, new) = (of(before), of(self));
        ensure!(!old.is_null(), "nothing was recorded at {place} of {kind} {name}");
        ensure!(
            contains(&new, &old),
            "{kind} {name} has lost something at {place}. Before: {old}, now: {new}"
        );
        Ok(())
    }
}

/// The first place at which two values differ, and what is there.
fn difference(place: &str, old: &Value, new: &Value) -> Option<(String, Value, Value)> {
    let inside = |key: &str, old: Option<&Value>, new: Option<&Value>| {
        let of = |value: Option<&Value>| value.cloned().unwrap_or_default();
        difference(&format!("{place}/{key}"), &of(old), &of(new))
    };
    match (old, new) {
        (old, new) if old == new => None,
        (Value::Object(before), Value::Object(after)) => {
            before.keys().chain(after.keys()).find_map(|key| inside(key, before.get(key), after.get(key)))
        }
        (Value::Array(before), Value::Array(after)) => (0..before.len().max(after.len()))
            .find_map(|index| inside(&index.to_string(), before.get(index), after.get(index))),
        (old, new) => Some((place.to_owned(), old.clone(), new.clone())),
    }
}

/// Whether `new` has every field and every first entry of `old`.
fn contains(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => {
            old.iter().all(|(field, old)| new.get(field).is_some_and(|new| contains(new, old)))
        }
        (Value::Array(new), Value::Array(old)) => {
            new.len() >= old.len() && old.iter().zip(new).all(|(old, new)| contains(new, old))
        }
        (new, old) => new == old,
    }
}

/// As they are stored: a type of this checkout would add the defaults of its own fields.
async fn objects<K>(world: &World) -> Result<Vec<((String, String), Value)>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let (kind, resource) = (K::kind(&()), ApiResource::erase::<K>(&()));
    let client = world.server().admin()?;
    let api = Api::<DynamicObject>::namespaced_with(client, world.namespace(), &resource);
    let all = api.list(&ListParams::default()).await?;
    all.into_iter()
        .filter(|object| {
            object.labels().contains_key(names::MANAGED_BY.0) || K::group(&()) == "understudy.dev"
        })
        .map(|mut object| {
            let metadata = object.meta_mut();
            (metadata.managed_fields, metadata.resource_version) = (None, None);
            metadata.annotations = metadata.annotations.take().and_then(|mut annotations| {
                annotations.remove(POKE);
                (!annotations.is_empty()).then_some(annotations)
            });
            let (key, mut value) = ((kind.to_string(), object.name_any()), serde_json::to_value(&object)?);
            value["apiVersion"] = json!(K::api_version(&()));
            value["kind"] = json!(kind);
            Ok((key, value))
        })
        .collect()
}

/// Waits until the operator writes nothing more, and returns what is there then.
pub async fn settled(world: &World, operator: &Operator) -> Result<State> {
    eventually("the operator writes nothing more", async || {
        let before = State::of(world).await?;
        more_passes::<ModelDeployment>(world, operator).await?;
        more_passes::<ModelVersion>(world, operator).await?;
        let after = State::of(world).await?;
        Ok((after == before).then_some(after))
    })
    .await
}

async fn more_passes<K>(world: &World, operator: &Operator) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let (controller, api) = (K::kind(&()).to_lowercase(), world.api::<K>());
    let passes = async || -> Result<f64> {
        let labels = [("controller", controller.as_str())];
        Ok(operator.metric("understudy_reconciles_total", &labels).await?.unwrap_or(0.0))
    };
    let begun = passes().await?;
    eventually(&format!("{PASSES} more passes of {controller}"), async || {
        for object in api.list_metadata(&ListParams::default()).await? {
            let patch = json!({"metadata": {"annotations": {POKE: rand::random::<u32>().to_string()}}});
            api.patch_metadata(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await?;
        }
        Ok((passes().await? >= begun + PASSES).then_some(()))
    })
    .await
}
