//! What main's pods have seen of their calls: asked of each ready pod now and then, and added up.
//!
//! Estimates are made here, of the sums, since neither a share nor a PSI of one pod says what all of them together say.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use kube::ResourceExt;
use tokio::sync::Semaphore;
use tracing::warn;
use understudy_contract::{paths, ports};
use understudy_crds::ModelVersion;
use understudy_stats::{Identity, Summary};

use super::{challenger::Challenger, observe::Observed, verify::Verdict};
use crate::{
    context::Context,
    error_chain::chain,
    model_server::client::{self, HttpClient, pod_url},
};

/// Between two rounds of questions to the pods of one deployment, however many passes there are.
const EVERY: Duration = Duration::from_secs(30);
/// How long one pod may take: it answers from memory.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a round may take. Whoever has not answered by then is not counted: a pass has other things to do.
const ROUND: Duration = Duration::from_secs(4);
/// More than the summary of the largest baseline that a server takes: its counts twice, in training and in calls.
const MAX_BYTES: usize = 8 << 20;
/// Answers that are read at once, over all deployments: with [`MAX_BYTES`] a bound for memory.
const AT_ONCE: usize = 8;
/// What no round has touched for so long belongs to a deployment that is gone, or has nothing to ask for any more.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// No usable answer.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Fetch(#[from] client::Error),
    #[error("{url} is answered by {} {}, which is not main", .main.version, .main.digest)]
    OtherMain { url: String, main: Identity },
}

/// Asks, and knows when it did so last.
pub struct Summaries {
    http: HttpClient,
    turn: Semaphore,
    rounds: Mutex<HashMap<String, Instant>>,
}

/// What a round of questions has given.
#[derive(Debug)]
pub struct Seen {
    /// All that was seen, unless no pod has told.
    pub summary: Option<Summary>,
    /// Pods that were asked.
    pub asked: usize,
    /// Pods that have told.
    pub told: usize,
}

impl Summaries {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self {
            http: HttpClient::new(PATIENCE).taking_up_to(MAX_BYTES),
            turn: Semaphore::new(AT_ONCE),
            rounds: Mutex::default(),
        }
    }

    /// Whether the pods of the deployment with this uid should be asked now. If so, that is noted: the next pass will
    /// not ask, whatever wakes it.
    fn begins_round(&self, uid: &str, now: Instant) -> bool {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        if rounds.get(uid).is_some_and(|last| now.duration_since(*last) < EVERY) {
            return false;
        }
        rounds.retain(|_, last| now.duration_since(*last) < FORGOTTEN);
        rounds.insert(uid.to_owned(), now);
        true
    }

    /// When the next round for the deployment with this uid is due. `None` where one could begin now: it waits for a
    /// ready pod, whose event will tell.
    pub fn due_in(&self, uid: &str, now: Instant) -> Option<Duration> {
        let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        EVERY.checked_sub(now.duration_since(*rounds.get(uid)?)).filter(|wait| !wait.is_zero())
    }

    /// What the pod at `base` has seen as `main`.
    async fn ask(&self, base: &str, main: &Identity) -> Result<Summary, Error> {
        let url = format!("{base}{}", paths::SUMMARY);
        let _turn = self.turn.acquire().await.expect("nobody closes this semaphore");
        let summary: Summary = self.http.json(&url).await?;
        if summary.main != *main {
            return Err(Error::OtherMain { url, main: summary.main });
        }
        Ok(summary)
    }
}

/// Whether anything that pods could tell is of use.
pub fn are_wanted(main: &ModelVersion, challenger: &Challenger) -> bool {
    challenger.accepted().is_some() || main.spec.baseline.is_some()
}

/// Asks main's pods if it is time to. `None` where they were not asked.
pub async fn look(
    ctx: &Context,
    observed: &Observed,
    main: Option<&ModelVersion>,
    challenger: &Challenger,
    verdict: &Verdict,
) -> Option<Seen> {
    let main = main.filter(|main| are_wanted(main, challenger) && !verdict.changes_main())?;
    let addresses = observed.pods_of(&main.spec.version).ready_addresses.clone();
    if addresses.is_empty() || !ctx.summaries.begins_round(&observed.md.uid()?, Instant::now()) {
        return None;
    }
    let asked = addresses.len();
    let identity = identity(main);
    let answers = stream::iter(addresses)
        .map(|ip| {
            let identity = &identity;
            async move { ctx.summaries.ask(&pod_url(&ip, ports::METRICS), identity).await }
        })
        .buffer_unordered(AT_ONCE)
        .take_until(tokio::time::sleep(ROUND));
    let mut answers = std::pin::pin!(answers);
    let mut sum = Sum::new(identity.clone(), challenger.accepted().map(|v| self::identity(v)));
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(summary) => sum.add(summary),
            Err(error) => warn!(error = chain(&error), "failed to hear what a pod has seen"),
        }
    }
    let told = sum.told;
    if told < asked {
        let (namespace, deployment) = (observed.namespace(), observed.md.name_any());
        warn!(namespace, deployment, asked, told, "not all pods of main have told what they saw");
    }
    Some(Seen { summary: sum.into_summary(), asked, told })
}

/// How pods name a version.
pub fn identity(version: &ModelVersion) -> Identity {
    Identity { version: version.spec.version.clone(), digest: version.spec.artifact.digest() }
}

/// Adds up what pods have told.
struct Sum {
    main: Identity,
    challenger: Option<Identity>,
    summary: Option<Summary>,
    told: usize,
}

impl Sum {
    fn new(main: Identity, challenger: Option<Identity>) -> Self {
        Self { main, challenger, summary: None, told: 0 }
    }

    /// Adds what one pod of main has told. What it says of another challenger than the present one is left out: it has
    /// not heard of the change yet.
    fn add(&mut self, mut told: Summary) {
        let (main, challenger) = (&self.main, self.challenger.as_ref());
        let is_ours = |c: &understudy_stats::Comparison| challenger.is_some_and(|them| c.is_of(main, them));
        if !told.comparison.as_ref().is_some_and(is_ours) {
            told.comparison = None;
            told.outcomes.iter_mut().for_each(understudy_stats::Outcomes::forget_challenger);
        }
        self.told += 1;
        match &mut self.summary {
            Some(sum) => {
                sum.merge(&told);
            }
            None => self.summary = Some(told),
        }
    }

    fn into_summary(self) -> Option<Summary> {
        self.summary
    }
}

#[cfg(test)]
#[path = "summaries_tests.rs"]
mod tests;
