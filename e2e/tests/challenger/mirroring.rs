//! Waits for the condition `ChallengerReady`, for pods to follow it, and for copies to be counted.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use understudy_crds::{
    ModelDeployment,
    condition::{self, CHALLENGER_READY},
};
use understudy_e2e::{MODEL, Metrics, Story, rows};

/// Waits until the condition of the spec after `change` says that the challenger gets no copies, with this reason and these
/// words.
pub async fn await_refused(
    story: &Story,
    change: &ModelDeployment,
    reason: &str,
    words: &[&str],
) -> Result<()> {
    let generation = change.metadata.generation;
    let says = |md: &ModelDeployment| {
        let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
        condition::find(conditions, CHALLENGER_READY).is_some_and(|c| {
            c.observed_generation >= generation
                && (c.status.as_str(), c.reason.as_str()) == ("False", reason)
                && words.iter().all(|words| c.message.contains(words))
        })
    };
    let what = format!("condition {CHALLENGER_READY}: False, reason {reason}, words {words:?}");
    let md = story.await_deployment(&what, says).await?;
    ensure!(
        md.status.is_some_and(|s| s.challenger.is_none()),
        "a refused challenger must not be in the status"
    );
    let description = story.describe("modeldeployment", MODEL).await?;
    for text in [&[reason], words].concat() {
        ensure!(description.contains(text), "kubectl describe has no {text:?}:\n{description}");
    }
    Ok(())
}

/// Waits until the operator has accepted this version as challenger, and every pod of `main` follows.
pub async fn await_accepted(story: &Story, main: &str, challenger: &str) -> Result<()> {
    let is_accepted = |md: &ModelDeployment| {
        let Some(status) = &md.status else { return false };
        status.challenger.as_ref().is_some_and(|c| c.version == challenger)
            && condition::is_true(&status.conditions, CHALLENGER_READY)
    };
    story.await_deployment(&format!("{challenger} is the accepted challenger"), is_accepted).await?;
    story.await_routing(main, Some(challenger)).await
}

/// Time limit for the first copies. A node's network needs some time for a new Service.
const DEADLINE: Duration = Duration::from_mins(2);

/// The same, then calls main until each of its pods has had a response of the challenger. A node's network may follow a new
/// Service later than the pods do. Returns the number of these calls. Their ids are `first-N`.
pub async fn await_first_copies(story: &Story, main: &str, challenger: &str) -> Result<u64> {
    await_accepted(story, main, challenger).await?;
    let (endpoint, rows) = (story.endpoint(MODEL).await?, rows()?);
    let calling = async {
        for number in 0_u64.. {
            endpoint.call(&format!("first-{number}"), &rows[0]).await?;
            let metrics = story.metrics(main).await?;
            if Copies::of(&metrics).is_balanced() && metrics.by_pod().all(|pod| Copies::of(&pod).mirrored > 0)
            {
                return Ok(number + 1);
            }
        }
        bail!("there are no more numbers")
    };
    let calls = tokio::time::timeout(DEADLINE, calling).await;
    calls.with_context(|| format!("timed out: {challenger} answers no copies"))?
}

/// The counters of copies: each call is mirrored, dropped or pending.
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

    /// No call was ever copied.
    pub const NONE: Self = Self { calls: 0, mirrored: 0, dropped: 0, pending: 0 };

    /// These counts after `calls` more calls, all of them mirrored.
    #[must_use]
    pub const fn plus_mirrored(&self, calls: u64) -> Self {
        Self { calls: self.calls + calls, mirrored: self.mirrored + calls, ..*self }
    }

    /// Whether no copy is pending, and the counts add up.
    pub const fn is_balanced(&self) -> bool {
        self.pending == 0 && self.calls == self.mirrored + self.dropped
    }
}
