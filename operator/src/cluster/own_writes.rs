//! What this process has written, until a watch delivers it.
//!
//! A pass over an object from before the last own write would repeat what is done, or send callers back to the version
//! before.

use std::{collections::HashMap, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::time::Instant;

use super::key::Key;

/// How long the event of a write is awaited. After etcd was restored from a backup, it may never come.
const AWAITED: Duration = Duration::from_secs(30);

/// Writes whose events have not arrived, and when they are not awaited any more.
#[derive(Default)]
pub struct OwnWrites(HashMap<Key, (Version, Instant)>);

/// One version of an object.
struct Version {
    uid: String,
    /// The resourceVersion as a number: API servers count up (KEP-5504).
    order: u64,
}

impl Version {
    /// `None` if the API server does not count. Then no write is awaited.
    fn of(metadata: &ObjectMeta) -> Option<Self> {
        let order = metadata.resource_version.as_ref()?.parse().ok()?;
        Some(Self { uid: metadata.uid.clone()?, order })
    }

    /// Whether `seen` is the same object, and older.
    fn is_after(&self, seen: &ObjectMeta) -> bool {
        Self::of(seen).is_some_and(|seen| seen.uid == self.uid && seen.order < self.order)
    }
}

impl OwnWrites {
    /// This process has written the object with this key: `returned` is what the API server answered, `seen` what the
    /// watch has delivered.
    pub fn add(&mut self, key: Key, returned: &ObjectMeta, seen: &ObjectMeta) {
        if let Some(version) = Version::of(returned).filter(|version| version.is_after(seen)) {
            self.0.insert(key, (version, Instant::now() + AWAITED));
        }
    }

    /// Whether the watch has not delivered the last write of this object.
    pub fn is_behind(&self, key: &Key) -> bool {
        self.0.get(key).is_some_and(|(_, until)| Instant::now() < *until)
    }

    /// Whether an event of this object may be one that is awaited.
    pub fn awaits(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// The watch has delivered this object.
    pub fn seen(&mut self, key: &Key, seen: &ObjectMeta) {
        if self.0.get(key).is_some_and(|(version, _)| !version.is_after(seen)) {
            self.0.remove(key);
        }
    }

    /// The object was deleted.
    pub fn forget(&mut self, key: &Key) {
        self.0.remove(key);
    }

    /// Forgets the objects for which `exists` is false.
    pub fn retain(&mut self, exists: impl Fn(&Key) -> bool) {
        self.0.retain(|key, _| exists(key));
    }
}

#[cfg(test)]
#[path = "own_writes_tests.rs"]
mod tests;
