//! Probes outside of passes. A pass gets the newest result, and is triggered when a result changes.
//!
//! A target that drops packets costs no pass more than a short wait, once. Each target has at most one probe in flight,
//! and a pause of its own after failures. The state is lost with the process: a new leader probes again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::{Instant, timeout},
};
use understudy_contract::{
    ports,
    probe::{Proof, Signature},
};

use super::{client::pod_url, probe::Prober};
use crate::{
    cluster::{key::Key, pods::Address, triggers::Triggers},
    error_chain::chain,
};

/// Concurrent probes of pods, and of Services. Neither waits for the other.
const CONCURRENCY: usize = 64;
/// Concurrent probes of targets that failed before, so that they do not hold up the others.
const FAILING: usize = 16;
/// First pause after a failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Time without a request after which a result is forgotten.
const FORGOTTEN: Duration = Duration::from_mins(10);
/// Pause between two looks for results to forget.
const CLEANING: Duration = Duration::from_mins(1);

/// Who gets a pass when a result changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A `ModelDeployment`.
    Deployment(Key),
    /// A `ModelVersion`.
    Version(Key),
}

/// What answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The version that the server says it is.
    pub version: String,
    /// The digest of its artifact.
    pub digest: String,
    /// The image that runs it. `None` for the built-in engine.
    pub runtime_image: Option<String>,
    /// The signature of its model. Kept only for a version.
    pub model: Option<Signature>,
    /// What is known about whether its model answers.
    pub proof: Proof,
}

/// The result of a probe: what answered, or the error.
pub type Answered = Result<Answer, String>;

/// What is probed. The facts are part of it: a result does not count for other facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Target {
    subject: Subject,
    url: String,
    /// What was known when the probe was requested, and what its result must be about: the pod, and since when it is
    /// ready.
    facts: String,
}

/// How old a result may be, and how patient a pass is.
#[derive(Clone, Copy)]
struct Patience {
    /// Oldest result of a target that answers.
    max_age: Duration,
    /// Longest pause after failures.
    longest_pause: Duration,
    /// Longest wait of a pass for a result.
    grace: Duration,
}

/// A decision about main depends on it. The pods are ready, so they answer within milliseconds.
const OF_POD: Patience = Patience {
    max_age: Duration::from_secs(5),
    longest_pause: Duration::from_secs(5),
    grace: Duration::from_millis(250),
};
/// Only a condition depends on it.
const OF_SERVICE: Patience = Patience {
    max_age: Duration::from_secs(1),
    longest_pause: Duration::from_secs(30),
    grace: Duration::from_millis(25),
};

/// Probes of pods and Services, and their newest results. The probes in flight end with it.
pub struct Probes {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
    /// Another grace than that of the target.
    #[cfg(test)]
    grace: Option<Duration>,
}

struct Shared {
    prober: Prober,
    triggers: Triggers,
    results: Mutex<Results>,
    pods: Semaphore,
    services: Semaphore,
    failing: Semaphore,
}

struct Results {
    entries: HashMap<Target, Entry>,
    cleaned: Instant,
}

#[derive(Default)]
struct Entry {
    last: Option<Finished>,
    /// Consecutive failures.
    failures: u32,
    in_flight: bool,
    /// Passes that wait for the probe in flight.
    waiting: usize,
    asked: Option<Instant>,
    done: Arc<Notify>,
}

struct Finished {
    started: Instant,
    ended: Instant,
    answered: Arc<Answered>,
}

impl Entry {
    /// Time until a failing target may be probed again. Zero if it is due.
    fn pause(&self, now: Instant, longest: Duration) -> Duration {
        let Some(last) = self.last.as_ref().filter(|_| self.failures > 0) else { return Duration::ZERO };
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(16)).min(longest);
        pause.saturating_sub(now - last.ended)
    }

    /// The result, if it is not too old. A failure counts until the next attempt.
    fn newest(&self, now: Instant, max_age: Duration) -> Option<Arc<Answered>> {
        let last = self.last.as_ref()?;
        let counts = last.answered.is_err() || now - last.started <= max_age;
        counts.then(|| Arc::clone(&last.answered))
    }
}

impl Probes {
    /// No result yet.
    pub fn new(prober: Prober, triggers: Triggers) -> Self {
        let results = Results { entries: HashMap::new(), cleaned: Instant::now() };
        Self {
            shared: Arc::new(Shared {
                prober,
                triggers,
                results: Mutex::new(results),
                pods: Semaphore::new(CONCURRENCY),
                services: Semaphore::new(CONCURRENCY),
                failing: Semaphore::new(FAILING),
            }),
            tasks: Mutex::default(),
            #[cfg(test)]
            grace: None,
        }
    }

    /// The same, with passes that wait for a result for this long.
    #[cfg(test)]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace: Some(grace), ..self }
    }

    /// The newest result of a real inference on this pod. `None` if there is none yet: then the subject gets a pass
    /// once there is.
    pub async fn pod(&self, subject: &Subject, pod: &Address) -> Option<Arc<Answered>> {
        let target = Target {
            subject: subject.clone(),
            url: pod_url(&pod.ip, ports::DIRECT),
            facts: pod.identity.clone(),
        };
        self.newest(target, OF_POD, Pool::Pods).await
    }

    /// The newest result of a real inference through the Service at this base URL, for example `http://fraud.risk.svc`,
    /// while these facts about its pods hold. `None` as for a pod.
    pub async fn service(&self, subject: &Subject, url: &str, facts: &str) -> Option<Arc<Answered>> {
        let target = Target { subject: subject.clone(), url: url.to_owned(), facts: facts.to_owned() };
        self.newest(target, OF_SERVICE, Pool::Services).await
    }

    /// Time until a Service that does not answer may be probed again.
    pub fn pause_of_service(&self, subject: &Subject, url: &str, facts: &str) -> Duration {
        let target = Target { subject: subject.clone(), url: url.to_owned(), facts: facts.to_owned() };
        let results = self.shared.results();
        let entry = results.entries.get(&target);
        entry.map_or(Duration::ZERO, |entry| entry.pause(Instant::now(), OF_SERVICE.longest_pause))
    }

    async fn newest(&self, target: Target, patience: Patience, pool: Pool) -> Option<Arc<Answered>> {
        let now = Instant::now();
        let (done, waiting) = {
            let mut results = self.shared.results();
            results.forget(now);
            let entry = results.entries.entry(target.clone()).or_default();
            entry.asked = Some(now);
            let known = entry.newest(now, patience.max_age);
            if let Some(Ok(_)) = known.as_deref() {
                return known;
            }
            if !entry.in_flight && entry.pause(now, patience.longest_pause).is_zero() {
                entry.in_flight = true;
                self.start(target.clone(), if entry.failures > 0 { Pool::Failing } else { pool });
            }
            if known.is_some() {
                // It failed before. Nobody waits for it.
                return known;
            }
            entry.waiting += 1;
            let done = Arc::clone(&entry.done).notified_owned();
            (done, Waiting { shared: &self.shared, target: &target })
        };
        // Without a result in time the pass continues, and another one follows with the result.
        let _ = timeout(self.grace(patience), done).await;
        drop(waiting);
        let results = self.shared.results();
        results.entries.get(&target)?.newest(Instant::now(), patience.max_age)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests have another grace")]
    const fn grace(&self, patience: Patience) -> Duration {
        patience.grace
    }

    #[cfg(test)]
    fn grace(&self, patience: Patience) -> Duration {
        self.grace.unwrap_or(patience.grace)
    }

    fn start(&self, target: Target, pool: Pool) {
        let shared = Arc::clone(&self.shared);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let (started, answered) = {
                let _permit = shared.pool(pool).acquire().await.expect("nobody closes this semaphore");
                (Instant::now(), shared.probe(&target).await)
            };
            shared.finish(&target, started, answered);
        });
    }
}

/// A pass that waits for a probe. A pass may end at any time.
struct Waiting<'a> {
    shared: &'a Shared,
    target: &'a Target,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.shared.results().entries.get_mut(self.target) {
            entry.waiting -= 1;
        }
    }
}

/// Which probes wait for each other.
#[derive(Clone, Copy)]
enum Pool {
    Pods,
    Services,
    Failing,
}

impl Shared {
    const fn pool(&self, pool: Pool) -> &Semaphore {
        match pool {
            Pool::Pods => &self.pods,
            Pool::Services => &self.services,
            Pool::Failing => &self.failing,
        }
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn probe(&self, target: &Target) -> Answered {
        let answer = self.prober.url(&target.url).await.map_err(|error| chain(&error))?;
        let keeps_model = matches!(target.subject, Subject::Version(_));
        Ok(Answer {
            version: answer.version,
            digest: answer.digest,
            runtime_image: answer.runtime_image,
            model: keeps_model.then_some(answer.model),
            proof: answer.proof,
        })
    }

    fn finish(&self, target: &Target, started: Instant, answered: Answered) {
        let mut results = self.results();
        let Some(entry) = results.entries.get_mut(target) else { return };
        entry.in_flight = false;
        entry.failures = if answered.is_ok() { 0 } else { entry.failures.saturating_add(1) };
        let changed = entry.last.as_ref().is_none_or(|last| *last.answered != answered);
        entry.last = Some(Finished { started, ended: Instant::now(), answered: Arc::new(answered) });
        entry.done.notify_waiters();
        let is_taken = entry.waiting > 0;
        drop(results);
        if changed && !is_taken {
            match &target.subject {
                Subject::Deployment(key) => self.triggers.deployments.add(key.clone()),
                Subject::Version(key) => self.triggers.versions.add(key.clone()),
            }
        }
    }
}

impl Results {
    /// Forgets results that nobody has requested for long: of pods and objects that are gone.
    fn forget(&mut self, now: Instant) {
        if now - self.cleaned < CLEANING {
            return;
        }
        self.cleaned = now;
        self.entries
            .retain(|_, entry| entry.in_flight || entry.asked.is_some_and(|asked| now - asked < FORGOTTEN));
    }
}

#[cfg(test)]
#[path = "probes_tests.rs"]
mod tests;
