//! Which workloads may roll to a new template of the operator: a bounded number at the same time over all scopes, mains
//! last. Everything is derived from the caches, so that a new leader continues where the last one ended.
//!
//! A roll that does not finish keeps its place. So a server image that cannot be pulled reaches no more workloads than
//! the bound, and no main while others fail.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::ResourceExt;
use tokio::{sync::Notify, time::sleep};
use tracing::info;
use understudy_crds::{ModelDeployment, names};

use super::{build, roll};
use crate::{
    cluster::{cache::Cache, key::Key, labels::label, triggers::Triggers},
    config::Config,
    metrics::Metrics,
};

/// Pause between two looks at all workloads while some wait. Without any, nothing is looked at.
const PAUSE: Duration = Duration::from_secs(1);

/// Which workloads roll first. One kind begins after the one before has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Versions in Staging and the previous main, which is kept warm.
    Idle,
    /// The challenger.
    Challenger,
    /// Main.
    Main,
    /// Workloads without a ready pod.
    NotReady,
}

/// A workload that is not up to date, or whose roll is not finished.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unfinished {
    /// When it may roll.
    pub turn: Turn,
    /// The workload.
    pub key: Key,
    /// The `ModelDeployment` that it belongs to.
    pub deployment: Key,
    /// Whether its template is not the newest one.
    pub outdated: bool,
    /// Whether a wave has begun to roll it.
    pub rolling: bool,
}

/// The workloads that may roll now, if at most `bound` roll at the same time. Pure.
pub fn admitted(all: &[Unfinished], bound: usize) -> Vec<&Unfinished> {
    let rolling = all.iter().filter(|w| w.rolling).count();
    let turn = all.iter().map(|w| w.turn).min();
    let mut waiting: Vec<_> =
        all.iter().filter(|w| w.outdated && !w.rolling && Some(w.turn) == turn).collect();
    waiting.sort();
    waiting.truncate(bound.saturating_sub(rolling));
    // A roll in progress that has another aim now, for example an image that exists, keeps its place.
    all.iter().filter(|w| w.rolling && w.outdated).chain(waiting).collect()
}

/// The waves of all scopes.
pub struct Waves {
    bound: usize,
    /// Hash of what the operator adds to every template.
    pub operator: String,
    image: String,
    admitted: Mutex<BTreeSet<Key>>,
    wanted: Notify,
}

impl Waves {
    /// No workload may roll before the first look.
    pub fn new(config: &Config) -> Self {
        Self {
            bound: config.max_concurrent_rollouts.get(),
            operator: build::operator_hash(config),
            image: config.server_image.clone(),
            admitted: Mutex::default(),
            wanted: Notify::new(),
        }
    }

    /// Whether this workload may roll now. If not, its deployment gets a pass once it may.
    pub fn admits(&self, namespace: &str, name: &str) -> bool {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let admits = admitted.contains(&Key::new(namespace, name));
        drop(admitted);
        if !admits {
            self.wanted.notify_one();
        }
        admits
    }

    /// Admits workloads, one wave after the other, and triggers passes of their deployments. It never ends.
    pub async fn run(&self, scopes: &[(Cache, Triggers)], metrics: &Metrics) {
        for (cache, _) in scopes {
            cache.synced().await;
        }
        loop {
            if !self.look(scopes, metrics) {
                self.wanted.notified().await;
            }
            sleep(PAUSE).await;
        }
    }

    /// One look at all workloads. Returns whether another one is needed, because some are not finished.
    pub fn look(&self, scopes: &[(Cache, Triggers)], metrics: &Metrics) -> bool {
        let mut all = vec![];
        let mut triggers = HashMap::new();
        for (cache, of_scope) in scopes {
            for unfinished in self.unfinished(cache) {
                triggers.insert(unfinished.deployment.clone(), of_scope);
                all.push(unfinished);
            }
        }
        let rolling = all.iter().filter(|w| w.rolling).count();
        let outdated = all.iter().filter(|w| w.outdated).count();
        metrics.rolls(rolling, outdated);
        let next = admitted(&all, self.bound);
        let keys: BTreeSet<_> = next.iter().map(|w| w.key.clone()).collect();
        let mut known = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        for workload in next.iter().filter(|w| !known.contains(&w.key)) {
            info!(workload = %workload.key, rolling, outdated, "a workload rolls to the newest template");
            if let Some(of_scope) = triggers.get(&workload.deployment) {
                of_scope.deployments.add(workload.deployment.clone());
            }
        }
        *known = keys;
        !all.is_empty()
    }

    fn unfinished(&self, cache: &Cache) -> Vec<Unfinished> {
        let mut all = vec![];
        for workload in cache.workloads.state() {
            let outdated = roll::is_outdated(&workload, &self.operator, &self.image);
            let rolling = roll::is_rolling(&workload);
            if !outdated && !rolling || workload.metadata.deletion_timestamp.is_some() {
                continue;
            }
            let namespace = workload.namespace().unwrap_or_default();
            let (Some(deployment), Some(version)) = (
                label(workload.as_ref(), names::DEPLOYMENT_LABEL),
                label(workload.as_ref(), names::VERSION_LABEL),
            ) else {
                continue;
            };
            // No pass writes workloads of others, or of objects that are gone or cannot be read.
            let Some(md) = cache.deployment(&namespace, deployment) else { continue };
            let versions = cache.versions.of_deployment(&namespace, deployment);
            let is_ours =
                workload.owner_references().iter().any(|owner| Some(&owner.uid) == md.uid().as_ref());
            let is_known = versions.iter().any(|v| names::version_label(&v.spec.version) == version);
            if !is_ours || !is_known || md.is_collected() {
                continue;
            }
            let ready = rolling || roll::has_ready_pods(&workload);
            all.push(Unfinished {
                turn: if ready { turn(&md, version) } else { Turn::NotReady },
                key: Key::new(&namespace, &workload.name_any()),
                deployment: Key::new(&namespace, deployment),
                outdated,
                rolling,
            });
        }
        all
    }
}

fn turn(md: &ModelDeployment, version: &str) -> Turn {
    let is = |number: &str| names::version_label(number) == version;
    if md.main().is_some_and(|main| is(&main.version)) {
        Turn::Main
    } else if md.spec.challenger.as_ref().is_some_and(|challenger| is(&challenger.version)) {
        Turn::Challenger
    } else {
        Turn::Idle
    }
}

#[cfg(test)]
#[path = "waves_tests.rs"]
mod tests;
