//! When the stable Service switched to which version.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Service;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::{sync::watch, task::JoinHandle};
use understudy_crds::names::VERSION_LABEL;

use crate::{MODEL, Story};

/// Much longer than a roll-out takes, also if the operator dies.
const DEADLINE: Duration = Duration::from_mins(2);

/// Every change of the stable Service's selector, with the time at which its watch event came.
pub struct Switches {
    seen: watch::Receiver<Vec<(Instant, String)>>,
    task: JoinHandle<()>,
}

impl Switches {
    /// Starts to watch.
    #[must_use]
    pub fn watch(story: &Story) -> Self {
        let only = watcher::Config::default().fields(&format!("metadata.name={MODEL}"));
        let services = watcher::watcher(story.api::<Service>(), only).default_backoff().applied_objects();
        let (sender, seen) = watch::channel(vec![]);
        let task = tokio::spawn(async move {
            let mut services = pin!(services);
            while let Some(service) = services.next().await {
                // After an error the watch starts again.
                let Ok(service) = service else { continue };
                let version = service.spec.and_then(|s| s.selector).and_then(|mut s| s.remove(VERSION_LABEL));
                let (now, version) = (Instant::now(), version.unwrap_or_default());
                sender.send_if_modified(|seen: &mut Vec<_>| {
                    let new = seen.last().is_none_or(|(_, last)| *last != version);
                    if new {
                        seen.push((now, version));
                    }
                    new
                });
            }
        });
        Self { seen, task }
    }

    /// Waits until the newest switch is to this version. Returns its time.
    pub async fn await_switch(&mut self, version: &str) -> Result<Instant> {
        let switched = |seen: &Vec<(Instant, String)>| seen.last().is_some_and(|(_, v)| v == version);
        let found = tokio::time::timeout(DEADLINE, self.seen.wait_for(switched)).await;
        let seen =
            found.with_context(|| format!("timed out: the Service does not switch to {version}"))??;
        seen.last().map(|(at, _)| *at).context("the predicate asks for one")
    }

    /// The versions of all switches so far.
    #[must_use]
    pub fn versions(&self) -> Vec<String> {
        self.seen.borrow().iter().map(|(_, version)| version.clone()).collect()
    }
}

impl Drop for Switches {
    fn drop(&mut self) {
        self.task.abort();
    }
}
