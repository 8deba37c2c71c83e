//! Runs the passes of one controller: objects come from its queue, results go back to it.

use std::{error::Error as StdError, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tracing::{error, warn};

use crate::{
    approval,
    cluster::{
        key::Key,
        placed::Placed,
        queue::{Pass, Queue},
        store::Store,
    },
    error_chain::chain,
    metrics::Metrics,
    reasons, rollout,
};

/// Concurrent passes of each controller: enough to use an API server well, without starving its other clients.
const CONCURRENCY: usize = 16;
/// Longest time of a pass. Each request of a pass has a shorter deadline of its own. A pass that is interrupted is
/// continued by the next one.
const DEADLINE: Duration = Duration::from_mins(1);
/// Pause between two passes of an object without any event. It repairs what an event did not announce.
const RESYNC: Duration = Duration::from_mins(10);

/// Pause before the next look at an object that does not show this process's own write yet. Its event ends the pause.
const OWN_WRITE: Duration = Duration::from_secs(1);

/// When the next pass of an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action(Option<Duration>);

impl Action {
    /// After this time, or at the next event.
    pub const fn requeue(after: Duration) -> Self {
        Self(Some(after))
    }

    /// At the next event, or at the resync.
    pub const fn await_change() -> Self {
        Self(None)
    }
}

/// The error of a pass.
pub trait PassError: StdError + Send + Sync + 'static {
    /// The reason in metrics and logs.
    fn reason(&self) -> &'static str;
    /// Whether the pass wrote nothing because its input was out of date. It is logged at level debug: another pass
    /// follows.
    fn had_no_effect(&self) -> bool;
}

impl PassError for approval::Error {
    fn reason(&self) -> &'static str {
        Self::reason(self).as_str()
    }

    fn had_no_effect(&self) -> bool {
        Self::had_no_effect(self)
    }
}

impl PassError for rollout::Error {
    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn had_no_effect(&self) -> bool {
        Self::had_no_effect(self)
    }
}

/// One controller: where its objects come from and what a pass over one of them is.
pub struct Controller<K, P> {
    /// Its name in metrics and logs.
    pub name: &'static str,
    /// The objects that need a pass.
    pub queue: Arc<Queue>,
    /// The objects.
    pub store: Store<K>,
    /// The passes that have ended are counted here.
    pub metrics: Arc<Metrics>,
    /// A pass over one object.
    pub pass: P,
}

impl<K, E, P> Controller<K, P>
where
    K: Placed + Send + Sync + 'static,
    E: PassError,
    P: Fn(Arc<K>) -> BoxFuture<'static, Result<Action, E>> + Sync,
{
    /// Runs passes until `stopped`, and ends the passes that are in progress then.
    pub async fn run(&self, stopped: watch::Receiver<bool>) {
        let workers = (0..CONCURRENCY).map(|_| self.work(stopped.clone()));
        futures::future::join_all(workers).await;
    }

    async fn work(&self, mut stopped: watch::Receiver<bool>) {
        loop {
            let next = tokio::select! {
                biased;
                // An error means that the sender was dropped: everything else has ended, too.
                _ = stopped.wait_for(|stop| *stop) => return,
                next = self.queue.next() => next,
            };
            self.look_at(next).await;
        }
    }

    async fn look_at(&self, queued: Pass<'_>) {
        // This look comes first: an object that is read after it is not older than the last own write.
        if self.store.is_behind(queued.key()) {
            return queued.postponed(OWN_WRITE);
        }
        let Some(object) = self.store.at(queued.key()) else {
            // Deleted, or not readable: the cache has counted it.
            return queued.gone();
        };
        let started = Instant::now();
        // A defect that one object reaches must not end the passes of all others.
        let pass = AssertUnwindSafe((self.pass)(object)).catch_unwind();
        let result = timeout(DEADLINE, pass).await;
        let took = started.elapsed();
        let key = queued.key().clone();
        let failure = match result {
            Ok(Ok(Ok(Action(next)))) => {
                self.metrics.reconciled(self.name, took, None);
                let jitter = rand::random_range(1.0..1.2);
                return queued.succeeded(Some(next.unwrap_or_else(|| RESYNC.mul_f64(jitter))));
            }
            Ok(Ok(Err(error))) => {
                self.log(&key, &error);
                error.reason()
            }
            Ok(Err(_panic)) => {
                // The panic hook has written where.
                error!(controller = self.name, object = %key, "a pass panicked, trying again later: please report this");
                reasons::Pass::Panicked.as_str()
            }
            Err(_elapsed) => {
                warn!(controller = self.name, object = %key, seconds = DEADLINE.as_secs(), "a pass did not end in time, trying again");
                reasons::Pass::DeadlineExceeded.as_str()
            }
        };
        self.metrics.reconciled(self.name, took, Some(failure));
        queued.failed();
    }

    fn log(&self, object: &Key, error: &E) {
        let (controller, reason) = (self.name, error.reason());
        if error.had_no_effect() {
            tracing::debug!(controller, %object, reason, "pass had no effect, trying again");
        } else {
            warn!(controller, %object, reason, error = chain(error), "pass failed, trying again");
        }
    }
}

#[cfg(test)]
#[path = "controller_tests.rs"]
mod tests;
