//! Waiting for what must come, by watching.

use std::{fmt::Debug, pin::pin, time::Duration};

use anyhow::{Context, Result, anyhow};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Event;
use kube::{
    Api, Resource, ResourceExt,
    core::NamespaceResourceScope,
    runtime::{WatchStreamExt, wait, watcher},
};
use serde::de::DeserializeOwned;
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{MODEL, Person, Story};

/// Far more than anything takes: pods start in seconds, also on a loaded machine.
const DEADLINE: Duration = Duration::from_mins(2);

impl Story {
    /// Waits until the object of this name is as `predicate` says (`None`: it is not there), and returns it.
    ///
    /// Where that does not come, the error says what was seen last and everything that the namespace tells.
    pub async fn await_condition<K>(
        &self,
        what: &str,
        api: Api<K>,
        name: &str,
        predicate: impl Fn(Option<&K>) -> bool,
    ) -> Result<Option<K>>
    where
        K: Clone + Debug + Send + DeserializeOwned + Resource<DynamicType = ()> + 'static,
    {
        let waiting = wait::await_condition(api, name, predicate);
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(found) => Ok(found?),
            Err(_) => Err(self.late(&format!("{} {name}: {what}", K::kind(&()))).await),
        }
    }

    async fn late(&self, what: &str) -> anyhow::Error {
        let seconds = DEADLINE.as_secs();
        anyhow!("waited {seconds} s in vain for {what}\n{}", self.evidence().await)
    }

    /// Waits until the object is there and as `predicate` says.
    pub async fn await_object<K>(&self, what: &str, name: &str, predicate: impl Fn(&K) -> bool) -> Result<K>
    where
        K: Clone
            + Debug
            + Send
            + DeserializeOwned
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + 'static,
    {
        let found = self.await_condition(what, self.api(), name, |o| o.is_some_and(&predicate)).await?;
        found.context("the predicate asks for an object")
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

    /// Waits until the object is gone.
    pub async fn await_gone<K>(&self, name: &str) -> Result<()>
    where
        K: Clone
            + Debug
            + Send
            + DeserializeOwned
            + Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + 'static,
    {
        self.await_condition::<K>("gone", self.api(), name, |o| o.is_none()).await.map(|_| ())
    }

    /// Waits for an event with this reason about the object of this kind and name.
    pub async fn await_event(&self, kind: &str, name: &str, reason: &str) -> Result<Event> {
        let about = format!("involvedObject.kind={kind},involvedObject.name={name},reason={reason}");
        let events: Api<Event> = Api::namespaced(self.client(Person::Admin).clone(), self.namespace());
        let stream = watcher::watcher(events, watcher::Config::default().fields(&about)).applied_objects();
        let mut stream = pin!(stream);
        match tokio::time::timeout(DEADLINE, stream.try_next()).await {
            Ok(event) => event?.context("a watch does not end by itself"),
            Err(_) => Err(self.late(&format!("an event {reason} on {kind} {name}")).await),
        }
    }

    /// Reasons of the events on this object so far, oldest first.
    pub async fn event_reasons(&self, kind: &str, name: &str) -> Result<Vec<String>> {
        let mut events = self.events(kind, name).await?;
        events.sort_by_key(ResourceExt::creation_timestamp);
        Ok(events.into_iter().filter_map(|e| e.reason).collect())
    }
}
