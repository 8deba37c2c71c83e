//! Collects summaries outside of passes, since a pod that does not answer would hold one for seconds. A finished round
//! triggers a pass of its deployment, which takes the result.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::Instant,
};
use understudy_stats::Identity;

use super::summary::{Collected, SummaryClient};
use crate::cluster::{key::Key, triggers::Triggers};

/// Rounds whose result is in memory: those in progress, and those that no pass has taken yet.
const ROUNDS: usize = 16;
/// Time after which a result is dropped: its deployment was deleted, or has another main.
const TAKEN: Duration = Duration::from_secs(20);

/// Whose calls are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The version that answers.
    pub main: Identity,
    /// The version that gets copies.
    pub challenger: Option<Identity>,
}

/// Collects summaries. The rounds in progress end with it.
pub struct Collector {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    client: SummaryClient,
    triggers: Triggers,
    /// Results, by the uid of the deployment.
    results: Mutex<HashMap<String, Round>>,
    rounds: Arc<Semaphore>,
}

struct Round {
    of: Pair,
    collected: Collected,
    ended: Instant,
    _place: OwnedSemaphorePermit,
}

impl Collector {
    /// No round yet.
    pub fn new(client: SummaryClient, triggers: Triggers) -> Self {
        let rounds = Arc::new(Semaphore::new(ROUNDS));
        Self {
            shared: Arc::new(Shared { client, triggers, results: Mutex::default(), rounds }),
            tasks: Mutex::default(),
        }
    }

    /// Begins a round over the pods at these addresses. At its end the deployment with this key gets a pass.
    pub fn begin(&self, uid: String, deployment: Key, addresses: Vec<String>, of: Pair) {
        let shared = Arc::clone(&self.shared);
        shared.drop_old();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let place =
                Arc::clone(&shared.rounds).acquire_owned().await.expect("nobody closes this semaphore");
            let collected = shared.client.collect(addresses, &of.main, of.challenger.clone()).await;
            let round = Round { of, collected, ended: Instant::now(), _place: place };
            shared.results().insert(uid, round);
            shared.triggers.deployments.add(deployment);
        });
    }

    /// The result of a finished round, once. A result about other versions is dropped.
    pub fn take(&self, uid: &str, of: &Pair) -> Option<Collected> {
        let round = self.shared.results().remove(uid)?;
        (round.of == *of).then_some(round.collected)
    }
}

impl Shared {
    fn results(&self) -> MutexGuard<'_, HashMap<String, Round>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_old(&self) {
        self.results().retain(|_, round| round.ended.elapsed() < TAKEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(main: &str) -> Pair {
        Pair { main: Identity { version: main.to_owned(), digest: "sha256:00".to_owned() }, challenger: None }
    }

    /// A round over a pod that refuses connections has ended, and has triggered a pass.
    async fn round(main: &str) -> Collector {
        let triggers = Triggers::default();
        let collector = Collector::new(SummaryClient::new(), triggers.clone());
        let key = Key::new("risk", "fraud");
        collector.begin("uid".to_owned(), key.clone(), vec!["127.0.0.1".to_owned()], pair(main));
        let queued = triggers.deployments.next().await;
        assert_eq!(*queued.key(), key);
        queued.succeeded(None);
        collector
    }

    #[tokio::test]
    async fn the_result_of_a_round_triggers_a_pass_and_is_taken_once() {
        let collector = round("1.2.0").await;
        let collected = collector.take("uid", &pair("1.2.0")).expect("a result");
        assert_eq!((collected.requested, collected.answered), (1, 0));
        assert!(collector.take("uid", &pair("1.2.0")).is_none());
        assert_eq!(collector.shared.rounds.available_permits(), ROUNDS);
    }

    #[tokio::test]
    async fn the_result_of_an_earlier_main_does_not_count() {
        let collector = round("1.2.0").await;
        assert!(collector.take("uid", &pair("1.3.0")).is_none());
    }
}
