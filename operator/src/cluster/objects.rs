//! The objects of one deployment, by uid: those that its status names, and those that this pass has written. An object that
//! lost its owner is known by its uid, never by its name alone.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use kube::{Resource, ResourceExt};
use understudy_crds::OwnedObject;

/// Kind and name.
type Place = (String, String);

/// The objects of one deployment.
#[derive(Debug, Default)]
pub struct Objects {
    /// The uid of each.
    uids: Mutex<BTreeMap<Place, String>>,
}

impl Objects {
    /// The objects that the status names.
    pub fn new(known: &[OwnedObject]) -> Self {
        let uids = known.iter().map(|o| ((o.kind.clone(), o.name.clone()), o.uid.clone()));
        Self { uids: Mutex::new(uids.collect()) }
    }

    /// Whether the object that was found is the deployment's: it has the controller that `desired` has, or lost it and has
    /// the uid that is on record.
    pub fn own<K: Resource<DynamicType = ()>>(&self, desired: &K, found: &K) -> bool {
        same_owner(desired, found) || self.knows(found)
    }

    /// Whether this object has the uid that is on record for its kind and name.
    pub fn knows<K: Resource<DynamicType = ()>>(&self, found: &K) -> bool {
        let uid = self.uid(&K::kind(&()), &found.name_any());
        uid.is_some() && uid == found.uid()
    }

    /// The uid on record for this kind and name.
    pub fn uid(&self, kind: &str, name: &str) -> Option<String> {
        self.with(|uids| uids.get(&(kind.to_owned(), name.to_owned())).cloned())
    }

    /// The API server has confirmed that this object exists and is as the operator wants it.
    pub fn confirm<K: Resource<DynamicType = ()>>(&self, object: &K) {
        let Some(uid) = object.uid() else { return };
        self.with(|uids| uids.insert((K::kind(&()).into_owned(), object.name_any()), uid));
    }

    /// The object is gone, or about to be deleted.
    pub fn forget(&self, object: &OwnedObject) {
        self.with(|uids| uids.remove(&(object.kind.clone(), object.name.clone())));
    }

    /// All of them, by kind and name.
    pub fn list(&self) -> Vec<OwnedObject> {
        self.with(|uids| {
            let object = |((kind, name), uid): (&Place, &String)| OwnedObject {
                kind: kind.clone(),
                name: name.clone(),
                uid: uid.clone(),
            };
            uids.iter().map(object).collect()
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<Place, String>) -> T) -> T {
        act(&mut self.uids.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether both have the same controller.
pub fn same_owner<K: Resource>(desired: &K, found: &K) -> bool {
    let controller =
        |o: &K| o.owner_references().iter().find(|r| r.controller == Some(true)).map(|r| r.uid.clone());
    controller(desired).is_some() && controller(desired) == controller(found)
}
