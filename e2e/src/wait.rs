//! Waits for a state, by watching objects.

use std::{future, pin::pin, time::Duration};

use anyhow::{Context, Result, anyhow};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Api,
    runtime::{WatchStreamExt, watcher},
};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    MODEL, Story,
    awaited::{Awaited, Namespaced, condition},
    pods::version_selector,
};

/// Much longer than any step takes: pods start within seconds, also on a busy machine.
const DEADLINE: Duration = Duration::from_mins(2);

impl Story {
    /// Waits until the object with this name is as `predicate` says (`None`: it does not exist), and returns it.
    ///
    /// After a timeout, the error has the state of the whole namespace.
    pub async fn await_condition<K: Awaited>(
        &self,
        what: &str,
        api: Api<K>,
        name: &str,
        predicate: impl Fn(Option<&K>) -> bool,
    ) -> Result<Option<K>> {
        condition(DEADLINE, what, (api, name), predicate, async |what: &str| self.timed_out(what).await).await
    }

    pub(crate) async fn timed_out(&self, what: &str) -> anyhow::Error {
        let seconds = DEADLINE.as_secs();
        anyhow!("timed out after {seconds} s: {what}\n{}", self.diagnostics().await)
    }

    /// Waits until the object exists and is as `predicate` says.
    pub async fn await_object<K: Namespaced>(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(&K) -> bool,
    ) -> Result<K> {
        let found = self.await_condition(what, self.api(), name, |o| o.is_some_and(&predicate)).await?;
        found.context("the predicate requires an object")
    }

    /// Waits for the story's `ModelDeployment`.
    pub async fn await_deployment(
        &self,
        what: &str,
        predicate: impl Fn(&ModelDeployment) -> bool,
    ) -> Result<ModelDeployment> {
        self.await_object(what, MODEL, predicate).await
    }

    /// Waits for a `ModelVersion`.
    pub async fn await_version(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(&ModelVersion) -> bool,
    ) -> Result<ModelVersion> {
        self.await_object(what, name, predicate).await
    }

    /// Waits until the object does not exist.
    pub async fn await_gone<K: Namespaced>(&self, name: &str) -> Result<()> {
        self.await_condition::<K>("gone", self.api(), name, |o| o.is_none()).await.map(|_| ())
    }

    /// Waits until the pods of a version, without those being deleted, are as `predicate` says, and returns them.
    pub async fn await_pods(
        &self,
        what: &str,
        version: &str,
        predicate: impl Fn(&[Pod]) -> bool,
    ) -> Result<Vec<Pod>> {
        let of_version = watcher::Config::default().labels(&version_selector(MODEL, version));
        let changes = watcher::watcher(self.api::<Pod>(), of_version).default_backoff().touched_objects();
        let mut changes = pin!(changes);
        let waiting = async {
            loop {
                let pods = self.pods_of(version).await?;
                if predicate(&pods) {
                    return Ok(pods);
                }
                // The watch begins with the pods that exist, so no change between the list and the watch is missed.
                changes.try_next().await?.context("a watch does not end")?;
            }
        };
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(found) => found,
            Err(_) => Err(self.timed_out(&format!("the pods of {version}: {what}")).await),
        }
    }

    /// Waits for an event on this object with this reason and these words in its message.
    pub async fn await_event(&self, kind: &str, name: &str, reason: &str, words: &str) -> Result<Event> {
        let about = format!("involvedObject.kind={kind},involvedObject.name={name},reason={reason}");
        let stream =
            watcher::watcher(self.api(), watcher::Config::default().fields(&about)).applied_objects();
        let says = |event: &Event| event.message.as_ref().is_some_and(|message| message.contains(words));
        let mut stream = pin!(stream.try_filter(|event| future::ready(says(event))));
        match tokio::time::timeout(DEADLINE, stream.try_next()).await {
            Ok(event) => event?.context("a watch does not end"),
            Err(_) => Err(self.timed_out(&format!("an event {reason} on {kind} {name}: {words:?}")).await),
        }
    }
}
