//! What must hold after every step, whatever fails: at most one version in Production (I1), none without an approval of its
//! digest (I2), histories only grow (I6), nobody approves their own request (I7), and nothing happens twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Result, ensure};
use futures::{StreamExt, stream};
use kube::{
    Resource, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{Config, watcher},
    },
};
use tokio::task::JoinHandle;
use understudy_crds::{Decision, HistoryEntry, MainRecord, ModelDeployment, ModelVersion, Stage};
use understudy_e2e::bare::World;

/// Watches the models of a namespace, and judges each state of each object.
pub struct Invariants {
    broken: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Invariants {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Invariants {
    /// Begins to watch.
    pub fn of(world: &World) -> Self {
        let broken = Arc::<Mutex<Vec<String>>>::default();
        let found = Arc::clone(&broken);
        let versions = watcher(world.api::<ModelVersion>(), Config::default())
            .default_backoff()
            .applied_objects()
            .filter_map(async |object| object.ok().map(Box::new).map(Seen::Version));
        let deployments = watcher(world.api::<ModelDeployment>(), Config::default())
            .default_backoff()
            .applied_objects()
            .filter_map(async |object| object.ok().map(Box::new).map(Seen::Deployment));
        let task = tokio::spawn(async move {
            let mut judge = Judge::default();
            let mut seen = std::pin::pin!(stream::select(versions.boxed(), deployments.boxed()));
            while let Some(object) = seen.next().await {
                let problems = judge.judge(object);
                found.lock().unwrap_or_else(PoisonError::into_inner).extend(problems);
            }
        });
        Self { broken, task }
    }

    /// Fails if an object was once in a state in which it must never be.
    pub fn ensure_held(&self) -> Result<()> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(broken.is_empty(), "{}", broken.join("\n"));
        Ok(())
    }
}

enum Seen {
    Version(Box<ModelVersion>),
    Deployment(Box<ModelDeployment>),
}

/// The newest state of each object: stages by name, since one object at a time has a name, records by uid.
#[derive(Default)]
struct Judge {
    stages: BTreeMap<String, (String, Stage)>,
    histories: BTreeMap<String, Vec<HistoryEntry>>,
    mains: BTreeMap<String, Vec<MainRecord>>,
}

impl Judge {
    fn judge(&mut self, seen: Seen) -> Vec<String> {
        match seen {
            Seen::Version(version) => self.version(&version),
            Seen::Deployment(deployment) => self.deployment(&deployment),
        }
    }

    fn version(&mut self, version: &ModelVersion) -> Vec<String> {
        let (name, history) = (version.name_any(), version.history());
        let mut broken = vec![];
        self.stages.insert(name.clone(), (version.spec.deployment.clone(), version.stage()));
        let in_production: Vec<_> = self
            .stages
            .iter()
            .filter(|(_, state)| **state == (version.spec.deployment.clone(), Stage::Production))
            .map(|(name, _)| name.as_str())
            .collect();
        if in_production.len() > 1 {
            broken.push(format!("I1: {} are in Production at the same time", in_production.join(" and ")));
        }
        let digest = version.spec.artifact.digest();
        let approvals =
            history.iter().filter(|h| h.decision == Decision::Approved && h.to == Stage::Production);
        if version.stage() == Stage::Production && !approvals.clone().any(|h| h.digest == digest) {
            broken.push(format!("I2: {name} is in Production without an approval of its digest"));
        }
        if let Some(own) = approvals.clone().find(|h| h.decided_by == h.requested_by) {
            broken.push(format!("I7: {} has approved the own request for {name}", own.decided_by));
        }
        let before = self.histories.insert(uid(version), history.to_vec()).unwrap_or_default();
        if !history.starts_with(&before) {
            broken.push(format!("I6: the history of {name} was {before:?} and is {history:?}"));
        }
        let mut ids: Vec<_> = history.iter().map(|h| h.id.as_str()).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        if ids.len() < all {
            broken.push(format!("{name} has a decision twice: {history:?}"));
        }
        broken
    }

    fn deployment(&mut self, deployment: &ModelDeployment) -> Vec<String> {
        let name = deployment.name_any();
        let history = deployment.status.as_ref().map(|s| s.history.clone()).unwrap_or_default();
        let mut broken = vec![];
        let open = history.iter().filter(|record| record.to.is_none()).count();
        if open > 1 {
            broken.push(format!("I1: {name} has {open} mains by its history: {history:?}"));
        }
        let before = self.mains.insert(uid(deployment), history.clone()).unwrap_or_default();
        let same = |old: &MainRecord, new: &MainRecord| {
            old.transition == new.transition && old.from == new.from && (old.to.is_none() || old.to == new.to)
        };
        if history.len() < before.len() || !before.iter().zip(&history).all(|(old, new)| same(old, new)) {
            broken.push(format!("I6: the history of {name} was {before:?} and is {history:?}"));
        }
        let mut transitions: Vec<_> = history.iter().map(|record| record.transition.as_str()).collect();
        transitions.sort_unstable();
        transitions.dedup();
        if transitions.len() < history.len() {
            broken.push(format!("{name} has a change of main twice: {history:?}"));
        }
        broken
    }
}

fn uid<K: Resource>(object: &K) -> String {
    object.uid().unwrap_or_default()
}
