//! Somebody who calls all the while, as the services in a cluster do, and notes every answer.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{MODEL, Story, predict::Road, rows};

/// Between two calls: often enough to meet a gap, and next to nothing for the node.
const PACE: Duration = Duration::from_millis(25);
/// Nodes follow a switch within seconds.
const DEADLINE: Duration = Duration::from_mins(1);

/// A caller of the stable Service, until it is asked for what it got.
pub struct Caller {
    seen: watch::Receiver<Answers>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Answers>,
}

/// What a caller got.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Answers, by the version that gave them.
    pub by_version: BTreeMap<String, usize>,
    /// Versions in the order of their first answers.
    pub order: Vec<String>,
    /// Calls without an answer, and why.
    pub failures: Vec<String>,
}

impl Answers {
    fn note(&mut self, answer: Result<crate::Prediction>) {
        match answer {
            Ok(prediction) => {
                if self.order.last() != Some(&prediction.version) {
                    self.order.push(prediction.version.clone());
                }
                *self.by_version.entry(prediction.version).or_default() += 1;
            }
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }

    /// Fails unless every call was answered, and by these versions in this order.
    pub fn ensure_all_from(&self, versions: &[&str]) -> Result<()> {
        ensure!(self.failures.is_empty(), "callers got no answer: {self:?}");
        ensure!(self.order == versions, "callers must be answered by {versions:?}: {self:?}");
        Ok(())
    }
}

impl Answers {
    /// Fails unless every call was answered, by these versions in this order, and by the last one in the end. One that
    /// was main for a moment only may be missing: nodes may not have followed before it was replaced.
    pub fn ensure_followed(&self, versions: &[&str]) -> Result<()> {
        ensure!(self.failures.is_empty(), "callers got no answer: {self:?}");
        let mut rest = versions.iter();
        let in_order = self.order.iter().all(|seen| rest.any(|version| version == seen));
        ensure!(
            in_order && self.order.last().map(String::as_str) == versions.last().copied(),
            "callers must be answered by {versions:?}: {self:?}"
        );
        Ok(())
    }
}

impl Story {
    /// Begins to call the stable Service, each time on a new connection.
    pub async fn caller(&self) -> Result<Caller> {
        let road = self.road(MODEL).await?;
        let rows = rows()?[..1].to_vec();
        let (stop, stopped) = watch::channel(false);
        let (note, seen) = watch::channel(Answers::default());
        let task = tokio::spawn(async move { call(&road, &rows, &stopped, &note).await });
        Ok(Caller { seen, stop, task })
    }
}

async fn call(
    road: &Road,
    rows: &[crate::Row],
    stopped: &watch::Receiver<bool>,
    note: &watch::Sender<Answers>,
) -> Answers {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stopped.borrow() {
        pace.tick().await;
        let answer = road.predict(rows).await;
        note.send_modify(|answers| answers.note(answer));
    }
    note.borrow().clone()
}

impl Caller {
    /// Waits for `count` more answers, so that what happened meanwhile has been lived through.
    pub async fn await_answers(&mut self, count: usize) -> Result<()> {
        let total = |answers: &Answers| answers.by_version.values().sum::<usize>() + answers.failures.len();
        let until = total(&self.seen.borrow()) + count;
        self.seen.wait_for(|answers| total(answers) >= until).await?;
        Ok(())
    }

    /// Waits until this version is the one that answers.
    pub async fn await_version(&mut self, version: &str) -> Result<()> {
        self.await_that(&format!("an answer by {version}"), |a| a.order.last().is_some_and(|v| v == version))
            .await
    }

    /// Waits until a call meets nobody.
    pub async fn await_nobody(&mut self) -> Result<()> {
        self.await_that("a call that nobody answers", |answers| !answers.failures.is_empty()).await
    }

    async fn await_that(&mut self, what: &str, predicate: impl Fn(&Answers) -> bool) -> Result<()> {
        let came = tokio::time::timeout(DEADLINE, self.seen.wait_for(|answers| predicate(answers))).await;
        came.map(|seen| seen.map(|_| ())).with_context(|| format!("waited in vain for {what}"))??;
        Ok(())
    }

    /// Ends, and tells what it got.
    pub async fn finish(self) -> Result<Answers> {
        let _ = self.stop.send(true);
        Ok(self.task.await?)
    }
}
