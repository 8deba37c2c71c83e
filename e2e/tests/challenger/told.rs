//! What the condition `ChallengerReady` says, and what pods have heard.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use understudy_crds::{
    ModelDeployment,
    condition::{self, CHALLENGER_READY},
};
use understudy_e2e::{MODEL, Metrics, Story, rows};

/// Waits until the operator says of the spec as it is after `change` that its challenger gets no calls, why, and what to
/// do.
pub async fn refused(story: &Story, change: &ModelDeployment, reason: &str, words: &[&str]) -> Result<()> {
    let generation = change.metadata.generation;
    let says = |md: &ModelDeployment| {
        let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
        condition::find(conditions, CHALLENGER_READY).is_some_and(|c| {
            c.observed_generation >= generation
                && (c.status.as_str(), c.reason.as_str()) == ("False", reason)
                && words.iter().all(|words| c.message.contains(words))
        })
    };
    let what = format!("condition {CHALLENGER_READY} is False with reason {reason} and the words {words:?}");
    let md = story.await_deployment(&what, says).await?;
    ensure!(md.status.is_some_and(|s| s.challenger.is_none()), "the status names no challenger");
    let description = story.describe("mdep", MODEL).await?;
    for text in [&[reason], words].concat() {
        ensure!(description.contains(text), "kubectl describe does not say {text:?}:\n{description}");
    }
    Ok(())
}

/// Waits until the operator says that this version gets copies, and every pod of `main` has heard of it.
pub async fn accepted(story: &Story, main: &str, challenger: &str) -> Result<()> {
    let gets = |md: &ModelDeployment| {
        let Some(status) = &md.status else { return false };
        status.challenger.as_ref().is_some_and(|c| c.version == challenger)
            && condition::is_true(&status.conditions, CHALLENGER_READY)
    };
    story.await_deployment(&format!("{challenger} gets copies"), gets).await?;
    story.await_heard(main, Some(challenger)).await
}

/// How long the nodes' network may take to learn the way to a challenger.
const LEARNT: Duration = Duration::from_mins(1);

/// The same, and calls main until each of its pods has had an answer of the challenger: a node learns of a new Service
/// some time after the pods have heard of it. Says how many calls that took; their ids are `first-N`.
pub async fn answering(story: &Story, main: &str, challenger: &str) -> Result<u64> {
    accepted(story, main, challenger).await?;
    let (road, rows) = (story.road(MODEL).await?, rows()?);
    let calling = async {
        for number in 0_u64.. {
            road.call(&format!("first-{number}"), &rows[0]).await?;
            let metrics = story.metrics(main).await?;
            if Copies::of(&metrics).balance() && metrics.each().all(|pod| Copies::of(&pod).mirrored > 0) {
                return Ok(number + 1);
            }
        }
        bail!("there is an end to numbers")
    };
    let answers = tokio::time::timeout(LEARNT, calling).await;
    answers.with_context(|| format!("{challenger} answers no copies"))?
}

/// The books of copies: each call is mirrored, dropped, or on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    pub calls: u64,
    pub mirrored: u64,
    pub dropped: u64,
    pub pending: u64,
}

impl Copies {
    pub fn of(metrics: &Metrics) -> Self {
        let count = |name| metrics.count(name, &[]);
        Self {
            calls: count("understudy_mirror_calls_total"),
            mirrored: count("understudy_mirror_mirrored_total"),
            dropped: count("understudy_mirror_dropped_total"),
            pending: count("understudy_mirror_pending"),
        }
    }

    /// Nothing was ever copied.
    pub const NONE: Self = Self { calls: 0, mirrored: 0, dropped: 0, pending: 0 };

    /// These, and so many more calls, all of them mirrored.
    #[must_use]
    pub const fn and_mirrored(&self, calls: u64) -> Self {
        Self { calls: self.calls + calls, mirrored: self.mirrored + calls, ..*self }
    }

    /// Whether none is under way, and none was lost.
    pub const fn balance(&self) -> bool {
        self.pending == 0 && self.calls == self.mirrored + self.dropped
    }
}
