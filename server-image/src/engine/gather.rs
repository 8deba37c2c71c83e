//! Joins requests that run on the threads that read them.
//!
//! While such a thread runs the model, several requests arrive, and it reads them one after the other. Each comes here, and
//! the first also starts a task that runs them all. The runtime runs tasks in order, so this one comes after all requests
//! that have arrived already. A request waits for these and for nothing else: alone, it runs at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use super::{
    joined::{Ready, run_alone, run_together},
    steps::Shared,
    threads::{Job, enqueue},
};
use crate::{batch::Batching, shard::Sharded};

/// The requests that each thread has read.
pub(super) struct Gather {
    shared: Arc<Shared>,
    /// For requests that find no free session.
    queue: Sender<Job>,
    gathered: Sharded<Mutex<Vec<Ready>>>,
}

impl Gather {
    pub(super) fn new(shared: &Arc<Shared>, queue: &Sender<Job>) -> Self {
        let gathered = Sharded::of((0..shared.sessions.count()).map(|_| Mutex::default()));
        Self { shared: Arc::clone(shared), queue: queue.clone(), gathered }
    }

    /// Runs a request on this thread, together with those that this thread reads before it has nothing else to do.
    pub(super) fn add(self: &Arc<Self>, batching: &Batching, ready: Ready) {
        let count = {
            let mut gathered = self.mine();
            gathered.push(ready);
            gathered.len()
        };
        if count >= batching.rows {
            self.run(batching);
        } else if count == 1 {
            let this = Arc::clone(self);
            tokio::spawn(async move {
                if let Some(batching) = &this.shared.model.batching {
                    this.run(batching);
                }
            });
        }
    }

    fn mine(&self) -> MutexGuard<'_, Vec<Ready>> {
        self.gathered.mine().lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the requests of this thread in as few runs as possible, while a session is free. Others wait in the queue.
    fn run(&self, batching: &Batching) {
        let shared = &*self.shared;
        let mut left = std::mem::take(&mut *self.mine());
        left.retain_mut(|Ready { task, completed, .. }| {
            task.timing.queue = task.laps.lap();
            let waits = !completed.is_closed();
            if !waits {
                shared.metrics.canceled();
            }
            waits
        });
        while !left.is_empty() {
            let mut batch = first_batch(batching, &mut left);
            let mut session = shared.free_session();
            if batch.len() > 1
                && let Some(session) = session.take()
                && run_together(shared, batching, session, &mut batch).is_some()
            {
                continue;
            }
            for ready in batch {
                match session.take().or_else(|| shared.free_session()) {
                    Some(session) => drop(run_alone(shared, session, ready)),
                    None => enqueue(shared, &self.queue, ready.into()),
                }
            }
        }
    }
}

/// Takes the first request, and those that fit into its run.
fn first_batch(batching: &Batching, left: &mut Vec<Ready>) -> Vec<Ready> {
    let mut batch = vec![left.remove(0)];
    let Some(mut rows) = batching.rows_of(batch[0].decoded.inputs()) else { return batch };
    let fits = |ready: &mut Ready| {
        let inputs = ready.decoded.inputs();
        let more = batching.rows_of(inputs).filter(|more| rows + more <= batching.rows);
        let more = more.filter(|_| batching.fits(batch[0].decoded.inputs(), inputs));
        rows += more.unwrap_or_default();
        more.is_some()
    };
    let others: Vec<_> = left.extract_if(.., fits).collect();
    batch.extend(others);
    batch
}
