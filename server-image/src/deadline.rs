//! Stops runs of the model that last too long: a value of a request may make a model run for hours.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use ort::session::RunOptions;

/// How often runs are looked at.
const TICK: Duration = Duration::from_millis(20);

/// The deadlines of all sessions.
#[derive(Default)]
pub struct Deadlines(Mutex<Vec<Weak<Deadline>>>);

impl Deadlines {
    /// The deadline of one more session. Fails if ONNX Runtime has no memory for it.
    pub fn add(&self) -> Result<Arc<Deadline>, ort::Error> {
        let deadline = Arc::new(Deadline { options: RunOptions::new()?, run: Mutex::default() });
        lock(&self.0).push(Arc::downgrade(&deadline));
        Ok(deadline)
    }

    /// Stops each run whose deadline is over. Returns when it is dropped.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            let now = ticks.tick().await.into_std();
            for deadline in lock(&self.0).iter().filter_map(Weak::upgrade) {
                deadline.check(now);
            }
        }
    }
}

/// The deadline of the runs of one session, which has one run at a time.
pub struct Deadline {
    /// The options of each run.
    pub options: RunOptions,
    run: Mutex<Run>,
}

#[derive(Default)]
struct Run {
    until: Option<Instant>,
    stopped: bool,
}

impl Deadline {
    /// A run begins.
    pub fn begin(&self, until: Instant) {
        *lock(&self.run) = Run { until: Some(until), stopped: false };
    }

    /// The run has ended. Returns whether it was stopped.
    pub fn end(&self) -> bool {
        let Run { stopped, .. } = std::mem::take(&mut *lock(&self.run));
        // It fails only without memory. Then all further runs fail as well, and the log says so.
        if stopped && let Err(error) = self.options.unterminate() {
            tracing::error!(error = %error, "failed to make a session ready for the next run");
        }
        stopped
    }

    fn check(&self, now: Instant) {
        let mut run = lock(&self.run);
        if !run.stopped && run.until.is_some_and(|until| now > until) {
            match self.options.terminate() {
                Ok(()) => run.stopped = true,
                Err(error) => tracing::error!(error = %error, "failed to stop a run"),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
