//! One watch for each kind. It fills the store of that kind, and its events trigger passes.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::{FutureExt, Stream, StreamExt, future::join_all};
use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Client, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        utils::{Backoff, ResetTimerBackoff},
        watcher::{self, Event, watcher},
    },
};
use rand::RngExt as _;
use serde::de::DeserializeOwned;
use tracing::{debug, warn};
use understudy_crds::names;

use super::{
    cache::Cache,
    client::Heard,
    placed::Placed,
    received::Received,
    scope::Scope,
    store::{Change, Store},
    triggers::Triggers,
    workload::Workload,
};
use crate::{error_chain::chain, metrics::Metrics};

/// Objects in one page of the first list. It limits the peak of memory at the start.
const PAGE_SIZE: u32 = 50;
/// Shortest and longest pause before a failed watch is tried again. The longest is the delay with which an outage of the
/// API server is noticed to have ended.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));
/// Time without a failure after which the pauses begin anew.
const RECOVERED: Duration = Duration::from_mins(1);

/// What an event of one kind triggers.
type Trigger = fn(&Triggers, &Cache, &Change);

/// Starts the watches of all kinds. They end with the returned task, which never ends by itself.
pub fn watch_all(
    client: &Client,
    scope: &Scope,
    cache: &Cache,
    triggers: &Triggers,
    metrics: &Arc<Metrics>,
    heard: &Heard,
) -> impl Future<Output = ()> + Send + use<> {
    let all = watcher::Config::default().page_size(PAGE_SIZE);
    let (key, value) = names::MANAGED_BY;
    let ours = all.clone().labels(&format!("{key}={value}"));
    let watch = Watch { client, scope, cache, triggers, metrics, heard };
    let tasks = [
        watch.kind(all.clone(), &cache.deployments, Triggers::deployment_changed).boxed(),
        watch.kind(all, &cache.versions, Triggers::version_changed).boxed(),
        watch.kind::<Workload>(ours.clone(), &cache.workloads, Triggers::workload_changed).boxed(),
        watch.kind::<Service>(ours.clone(), &cache.services, Triggers::owned_changed).boxed(),
        watch.kind::<ConfigMap>(ours.clone(), &cache.config_maps, Triggers::owned_changed).boxed(),
        watch.kind::<PodDisruptionBudget>(ours.clone(), &cache.budgets, Triggers::owned_changed).boxed(),
        watch.kind::<Pod>(ours, &cache.pods, Triggers::workload_changed).boxed(),
    ];
    async move {
        join_all(tasks).await;
    }
}

/// What all watches need.
struct Watch<'a> {
    client: &'a Client,
    scope: &'a Scope,
    cache: &'a Cache,
    triggers: &'a Triggers,
    metrics: &'a Arc<Metrics>,
    heard: &'a Heard,
}

impl Watch<'_> {
    fn kind<K>(
        &self,
        config: watcher::Config,
        store: &Store<K>,
        trigger: Trigger,
    ) -> impl Future<Output = ()> + Send + use<K>
    where
        K: Placed
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + Sync
            + 'static,
    {
        self.heard.watch::<K>(self.scope);
        let events = watcher(self.scope.api::<Received<K>>(self.client), config).backoff(pauses());
        let (cache, triggers) = (self.cache.clone(), self.triggers.clone());
        let on = move |change: &Change| trigger(&triggers, &cache, change);
        fill(events, store.clone(), on, Arc::clone(self.metrics))
    }
}

/// Applies the events of a watch to the store, and reports each change after the store has it.
///
/// A list replaces the content of the store, and then every object that it has or that is gone is reported: events of the
/// time before a list may be lost.
pub async fn fill<K: Placed>(
    events: impl Stream<Item = watcher::Result<Event<Received<K>>>>,
    store: Store<K>,
    on: impl Fn(&Change),
    metrics: Arc<Metrics>,
) {
    let kind = K::kind(&());
    metrics.watches(&kind);
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => store.begin_list(),
            Ok(Event::InitApply(object)) => {
                report_unreadable(&object, &metrics);
                store.list(object);
            }
            Ok(Event::InitDone) => store.complete_list().iter().for_each(&on),
            Ok(Event::Apply(object)) => {
                report_unreadable(&object, &metrics);
                store.apply(object).iter().for_each(&on);
            }
            Ok(Event::Delete(object)) => on(&store.delete(object)),
            Err(error) => {
                metrics.watch_failed(&kind);
                // A watch that was too old lists again. That is part of its life.
                if is_expired(&error) {
                    debug!(%kind, "the watch is too old, listing again");
                } else {
                    warn!(%kind, error = chain(&error), "failed to watch, trying again");
                }
            }
        }
    }
}

fn is_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchError(status) if status.code == 410)
}

fn report_unreadable<K: Placed>(object: &Received<K>, metrics: &Metrics) {
    let Received::Unreadable(unreadable) = object else { return };
    let kind = K::kind(&());
    metrics.invalid_object(&kind);
    let (namespace, name) = (&unreadable.metadata.namespace, &unreadable.metadata.name);
    warn!(%kind, namespace, name, error = unreadable.error, "failed to parse an object: it and what belongs to it stay as they are");
}

/// The pauses between attempts of one watch.
fn pauses() -> impl Backoff {
    ResetTimerBackoff::new(Pauses { next: PAUSES.0 }, RECOVERED)
}

/// Exponential backoff between [`PAUSES`], with jitter.
struct Pauses {
    next: Duration,
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(PAUSES.1);
        Some(pause.mul_f64(rand::rng().random_range(0.5..1.0)))
    }
}

impl Backoff for Pauses {
    fn reset(&mut self) {
        self.next = PAUSES.0;
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
