//! The objects of one kind, as the watch of that kind has delivered them, with an index by `ModelDeployment`.
//!
//! A list replaces the content at its end, in one step. Until then readers see what was there before, so no pass takes a
//! half-filled store for the cluster.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tokio::sync::watch;

use super::{
    key::Key,
    own_writes::OwnWrites,
    packed::Packed,
    placed::{Placed, slim},
    received::{Received, Unreadable},
};

/// An object that changed, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub key: Key,
    /// The name of its `ModelDeployment`.
    pub deployment: Option<String>,
    /// Its version label.
    pub version: Option<String>,
}

enum Entry<K> {
    Read(Arc<K>),
    /// Of a kind that is packed.
    Packed(Packed<K>),
    Unreadable(Arc<Unreadable>),
}

impl<K> Clone for Entry<K> {
    fn clone(&self) -> Self {
        match self {
            Self::Read(object) => Self::Read(Arc::clone(object)),
            Self::Packed(packed) => Self::Packed(packed.clone()),
            Self::Unreadable(unreadable) => Self::Unreadable(Arc::clone(unreadable)),
        }
    }
}

impl<K: Placed> Entry<K> {
    fn new(received: Received<K>) -> Self {
        match received {
            Received::Read(mut object) => {
                slim(&mut object);
                Self::Read(Arc::new(object))
            }
            Received::Unreadable(unreadable) => Self::Unreadable(Arc::from(unreadable)),
        }
    }

    /// As it is kept. What is asked of an entry before this is not parsed again.
    fn packed(self) -> Self {
        match self {
            Self::Read(object) if K::IS_PACKED => Self::Packed(Packed::new(&*object)),
            other => other,
        }
    }

    /// The object, if it can be parsed.
    fn object(&self) -> Option<Arc<K>> {
        match self {
            Self::Read(object) => Some(Arc::clone(object)),
            Self::Packed(packed) => Some(Arc::new(packed.unpack())),
            Self::Unreadable(_) => None,
        }
    }

    fn unreadable(&self) -> Option<Arc<Unreadable>> {
        match self {
            Self::Read(_) | Self::Packed(_) => None,
            Self::Unreadable(unreadable) => Some(Arc::clone(unreadable)),
        }
    }

    fn meta(&self) -> Cow<'_, ObjectMeta> {
        match self {
            Self::Read(object) => Cow::Borrowed(object.meta()),
            Self::Packed(packed) => Cow::Owned(mem::take(packed.unpack().meta_mut())),
            Self::Unreadable(unreadable) => Cow::Borrowed(&unreadable.metadata),
        }
    }

    fn key_of(meta: &ObjectMeta) -> Key {
        Key::new(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
    }

    fn key(&self) -> Key {
        Self::key_of(&self.meta())
    }

    fn change(&self) -> Change {
        if let Self::Unreadable(unreadable) = self {
            let (deployment, version) = (unreadable.deployment.clone(), unreadable.version.clone());
            return Change { key: Self::key_of(&unreadable.metadata), deployment, version };
        }
        let object = self.object().expect("it can be parsed");
        let (deployment, version) = (object.deployment().map(str::to_owned), object.version_label());
        Change { key: Self::key_of(object.meta()), deployment, version }
    }

    fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Read(a), Self::Read(b)) => {
                a.uid() == b.uid()
                    && a.resource_version().is_some()
                    && a.resource_version() == b.resource_version()
            }
            _ => false,
        }
    }
}

struct Inner<K> {
    entries: HashMap<Key, Entry<K>>,
    /// Keys of the objects of each `ModelDeployment`.
    of_deployment: HashMap<Key, BTreeSet<Key>>,
    /// The objects of a list that is not complete.
    listed: HashMap<Key, Entry<K>>,
    /// What this process has written and the content does not show yet.
    own_writes: OwnWrites,
}

/// The objects of one kind. Clones share the content.
pub struct Store<K> {
    inner: Arc<RwLock<Inner<K>>>,
    synced: Arc<watch::Sender<bool>>,
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), synced: Arc::clone(&self.synced) }
    }
}

impl<K> Default for Store<K> {
    fn default() -> Self {
        let inner = Inner {
            entries: HashMap::new(),
            of_deployment: HashMap::new(),
            listed: HashMap::new(),
            own_writes: OwnWrites::default(),
        };
        Self { inner: Arc::new(RwLock::new(inner)), synced: Arc::new(watch::Sender::new(false)) }
    }
}

impl<K: Placed> Store<K> {
    fn read(&self) -> RwLockReadGuard<'_, Inner<K>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<K>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object, if it exists and can be parsed.
    pub fn get(&self, object: &ObjectRef<K>) -> Option<Arc<K>> {
        self.at(&Key::new(object.namespace.as_deref().unwrap_or_default(), &object.name))
    }

    /// The object with this key, if it exists and can be parsed.
    pub fn at(&self, key: &Key) -> Option<Arc<K>> {
        self.read().entries.get(key)?.object()
    }

    /// The object with this key, if it exists and cannot be parsed.
    pub fn unreadable(&self, key: &Key) -> Option<Arc<Unreadable>> {
        self.read().entries.get(key)?.unreadable()
    }

    /// Every object that can be parsed.
    pub fn state(&self) -> Vec<Arc<K>> {
        self.read().entries.values().filter_map(Entry::object).collect()
    }

    /// The keys of all objects, also of those that cannot be parsed.
    pub fn keys(&self) -> Vec<Key> {
        self.read().entries.keys().cloned().collect()
    }

    /// The objects of a `ModelDeployment` that can be parsed, by name.
    pub fn of_deployment(&self, namespace: &str, name: &str) -> Vec<Arc<K>> {
        self.read().entries_of(&Key::new(namespace, name)).filter_map(Entry::object).collect()
    }

    /// The objects of a `ModelDeployment` that cannot be parsed, by name.
    pub fn unreadable_of(&self, namespace: &str, name: &str) -> Vec<Arc<Unreadable>> {
        self.read().entries_of(&Key::new(namespace, name)).filter_map(Entry::unreadable).collect()
    }

    /// This process has written the object, and this is what the API server returned.
    pub fn wrote(&self, returned: &K) {
        let key = Entry::<K>::key_of(returned.meta());
        let mut inner = self.write();
        let Inner { entries, own_writes, .. } = &mut *inner;
        // An object that is gone needs no pass.
        if let Some(entry) = entries.get(&key) {
            own_writes.add(key, returned.meta(), &entry.meta());
        }
    }

    /// Whether the object is older than what this process has written. The event of the write triggers a pass.
    pub fn is_behind(&self, key: &Key) -> bool {
        self.read().own_writes.is_behind(key)
    }

    /// Whether a list was complete at least once.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Waits until a list is complete.
    pub async fn synced(&self) {
        // The store holds the sender, so waiting cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// A list begins. An unfinished one is forgotten.
    pub fn begin_list(&self) {
        self.write().listed = HashMap::new();
    }

    /// An object of the list.
    pub fn list(&self, object: Received<K>) {
        let entry = Entry::new(object);
        let (key, entry) = (entry.key(), entry.packed());
        self.write().listed.insert(key, entry);
    }

    /// The list is complete: it replaces the content. Returns every object of the list, and every object that no longer
    /// exists.
    pub fn complete_list(&self) -> Vec<Change> {
        let mut inner = self.write();
        let listed = mem::take(&mut inner.listed);
        let before = mem::take(&mut inner.entries);
        inner.of_deployment = HashMap::new();
        let mut changes = vec![];
        // What is gone.
        changes
            .extend(before.iter().filter(|(key, _)| !listed.contains_key(key)).map(|(_, was)| was.change()));
        for (key, entry) in listed {
            let now = entry.change();
            // Where it was, if it belonged to another deployment.
            changes.extend(before.get(&key).map(Entry::change).filter(|was| *was != now));
            // Readers may hold the old one: one copy in memory is enough.
            let entry = match before.get(&key) {
                Some(same) if same.is_same_as(&entry) => same.clone(),
                _ => entry,
            };
            inner.insert(&now, entry);
            changes.push(now);
        }
        let Inner { entries, own_writes, .. } = &mut *inner;
        own_writes.retain(|key| entries.contains_key(key));
        drop(inner);
        self.synced.send_replace(true);
        changes
    }

    /// An object was created or changed. Returns it, and where it was before if that differs.
    pub fn apply(&self, object: Received<K>) -> Vec<Change> {
        let entry = Entry::new(object);
        let (now, entry) = (entry.change(), entry.packed());
        let mut inner = self.write();
        let was = inner.remove(&now.key).filter(|was| *was != now);
        inner.insert(&now, entry);
        was.into_iter().chain([now]).collect()
    }

    /// An object was deleted. Returns it as it was known.
    pub fn delete(&self, object: Received<K>) -> Change {
        let gone = Entry::new(object).change();
        let mut inner = self.write();
        inner.own_writes.forget(&gone.key);
        inner.remove(&gone.key).unwrap_or(gone)
    }
}

impl<K: Placed> Inner<K> {
    fn entries_of<'a>(&'a self, deployment: &Key) -> impl Iterator<Item = &'a Entry<K>> + use<'a, K> {
        let keys = self.of_deployment.get(deployment);
        keys.into_iter().flatten().filter_map(|key| self.entries.get(key))
    }

    /// `change` is that of the entry.
    fn insert(&mut self, change: &Change, entry: Entry<K>) {
        let key = &change.key;
        if let Some(deployment) = &change.deployment {
            self.of_deployment.entry(Key::new(&key.namespace, deployment)).or_default().insert(key.clone());
        }
        if self.own_writes.awaits(key) {
            self.own_writes.seen(key, &entry.meta());
        }
        self.entries.insert(key.clone(), entry);
    }

    /// Returns the change of the entry that was there.
    fn remove(&mut self, key: &Key) -> Option<Change> {
        let was = self.entries.remove(key)?.change();
        if let Some(deployment) = &was.deployment {
            let deployment = Key::new(&key.namespace, deployment);
            if let Some(keys) = self.of_deployment.get_mut(&deployment) {
                keys.remove(key);
                if keys.is_empty() {
                    self.of_deployment.remove(&deployment);
                }
            }
        }
        Some(was)
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
