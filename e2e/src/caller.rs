//! One caller that calls main the whole time, as a service in a cluster does, and keeps every response.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{MODEL, Story, predict::Endpoint, rows};

/// Pause between two calls: short enough to notice a gap, and little load for the node.
const PACE: Duration = Duration::from_millis(25);
/// Nodes follow a switch of the Service within seconds.
const DEADLINE: Duration = Duration::from_mins(1);

/// A caller of the stable Service, until [`Caller::finish`].
pub struct Caller {
    seen: watch::Receiver<Responses>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Responses>,
}

/// The responses that a caller got.
#[derive(Clone, Debug, Default)]
pub struct Responses {
    /// Number of responses by version.
    pub by_version: BTreeMap<String, usize>,
    /// Versions in the order in which they took over.
    pub order: Vec<String>,
    /// Errors of the calls that failed.
    pub failures: Vec<String>,
}

impl Responses {
    fn add(&mut self, response: Result<crate::Prediction>) {
        match response {
            Ok(prediction) => {
                if self.order.last() != Some(&prediction.version) {
                    self.order.push(prediction.version.clone());
                }
                *self.by_version.entry(prediction.version).or_default() += 1;
            }
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }

    /// Fails unless every call succeeded, by these versions in this order.
    pub fn ensure_all_from(&self, versions: &[&str]) -> Result<()> {
        ensure!(self.failures.is_empty(), "calls failed: {self:?}");
        ensure!(self.order == versions, "responses must come from {versions:?} in this order: {self:?}");
        Ok(())
    }
}

impl Responses {
    /// Fails unless every call succeeded, by these versions in this order, and by the last one at the end. A version that
    /// was main for a moment only may be missing: it may have been replaced before the nodes followed.
    pub fn ensure_followed(&self, versions: &[&str]) -> Result<()> {
        ensure!(self.failures.is_empty(), "calls failed: {self:?}");
        let mut rest = versions.iter();
        let in_order = self.order.iter().all(|seen| rest.any(|version| version == seen));
        ensure!(
            in_order && self.order.last().map(String::as_str) == versions.last().copied(),
            "responses must come from {versions:?} in this order: {self:?}"
        );
        Ok(())
    }
}

impl Story {
    /// Starts to call the stable Service, each time on a new connection.
    pub async fn caller(&self) -> Result<Caller> {
        let endpoint = self.endpoint(MODEL).await?;
        let rows = rows()?[..1].to_vec();
        let (stop, stopped) = watch::channel(false);
        let (sender, seen) = watch::channel(Responses::default());
        let task = tokio::spawn(async move { call(&endpoint, &rows, &stopped, &sender).await });
        Ok(Caller { seen, stop, task })
    }
}

async fn call(
    endpoint: &Endpoint,
    rows: &[crate::Row],
    stopped: &watch::Receiver<bool>,
    sender: &watch::Sender<Responses>,
) -> Responses {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stopped.borrow() {
        pace.tick().await;
        let response = endpoint.predict(rows).await;
        sender.send_modify(|responses| responses.add(response));
    }
    sender.borrow().clone()
}

impl Caller {
    /// Waits for `count` more responses or failures.
    pub async fn await_responses(&mut self, count: usize) -> Result<()> {
        let total = |seen: &Responses| seen.by_version.values().sum::<usize>() + seen.failures.len();
        let until = total(&self.seen.borrow()) + count;
        self.seen.wait_for(|seen| total(seen) >= until).await?;
        Ok(())
    }

    /// Waits until the newest response is of this version.
    pub async fn await_version(&mut self, version: &str) -> Result<()> {
        self.await_that(&format!("a response of {version}"), |seen| {
            seen.order.last().is_some_and(|v| v == version)
        })
        .await
    }

    /// Waits until a call fails.
    pub async fn await_failure(&mut self) -> Result<()> {
        self.await_that("a call that fails", |seen| !seen.failures.is_empty()).await
    }

    async fn await_that(&mut self, what: &str, predicate: impl Fn(&Responses) -> bool) -> Result<()> {
        let came = tokio::time::timeout(DEADLINE, self.seen.wait_for(|seen| predicate(seen))).await;
        came.map(|seen| seen.map(|_| ()))
            .with_context(|| format!("timed out after {} s: {what}", DEADLINE.as_secs()))??;
        Ok(())
    }

    /// Stops calling, and returns all responses.
    pub async fn finish(self) -> Result<Responses> {
        let _ = self.stop.send(true);
        Ok(self.task.await?)
    }
}
