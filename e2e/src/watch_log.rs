//! All states that the objects of a kind went through, so that a story can assert "never".

use std::{collections::BTreeMap, fmt::Debug, pin::pin};

use anyhow::{Result, bail};
use futures::StreamExt;
use kube::{
    Resource, ResourceExt,
    core::NamespaceResourceScope,
    runtime::watcher::{self, Event},
};
use serde::de::DeserializeOwned;
use tokio::{sync::watch, task::JoinHandle};

use crate::Story;

/// All objects of a kind at one moment, by name.
pub type Snapshot<K> = BTreeMap<String, K>;

/// A log of one kind in the story's namespace. A watch delivers the changes of a kind in the order of their writes, so
/// each snapshot is a state that existed.
pub struct WatchLog<K> {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<Vec<Snapshot<K>>>>,
}

impl Story {
    /// Starts to record.
    #[must_use]
    pub fn watch_log<K>(&self) -> WatchLog<K>
    where
        K: Clone + Debug + Send + Sync + DeserializeOwned + 'static,
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let (stop, mut stopped) = watch::channel(false);
        let events = watcher::watcher(self.api::<K>(), watcher::Config::default());
        let task = tokio::spawn(async move {
            let mut events = pin!(events);
            let (mut now, mut seen) = (Snapshot::new(), vec![]);
            loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    _ = stopped.wait_for(|stop| *stop) => return Ok(seen),
                };
                match event {
                    Some(Ok(Event::InitApply(object))) => {
                        now.insert(object.name_any(), object);
                        continue;
                    }
                    Some(Ok(Event::Init)) if !seen.is_empty() => {
                        bail!("the watch started again and may have missed states")
                    }
                    Some(Ok(Event::Init)) => continue,
                    Some(Ok(Event::InitDone)) => {}
                    Some(Ok(Event::Apply(object))) => {
                        now.insert(object.name_any(), object);
                    }
                    Some(Ok(Event::Delete(object))) => {
                        now.remove(&object.name_any());
                    }
                    Some(Err(error)) => return Err(error.into()),
                    None => bail!("the watch ended"),
                }
                seen.push(now.clone());
            }
        });
        WatchLog { stop, task }
    }
}

impl<K> WatchLog<K> {
    /// Stops, and returns all states in their order.
    pub async fn finish(self) -> Result<Vec<Snapshot<K>>> {
        let _ = self.stop.send(true);
        self.task.await?
    }
}
