//! The threads of the sessions. Each takes requests from the queue. Where that pays, it takes those that wait already into one
//! run; it never waits for more.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use super::{
    joined::{Ready, complete, run_alone, run_together},
    steps::{Completion, Shared, Task},
};
use crate::{batch::Batching, error::Refusal, exchange::Decoded};

/// A request in the queue.
pub(super) struct Job {
    pub(super) task: Task,
    /// Its tensors, if it has been decoded.
    pub(super) decoded: Option<Decoded>,
    pub(super) completed: oneshot::Sender<Completion>,
}

impl From<Ready> for Job {
    fn from(Ready { task, decoded, completed }: Ready) -> Self {
        Self { task, decoded: Some(decoded), completed }
    }
}

/// Puts a request into the queue. If that is full, the request is refused.
pub(super) fn enqueue(shared: &Shared, queue: &Sender<Job>, job: Job) {
    // Before it is in the queue: a thread may take it out at once, and a scrape between both would show less than none.
    shared.metrics.waiting(1);
    if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = queue.try_send(job) {
        shared.metrics.waiting(-1);
        complete(shared, job.task, job.completed, Err(Refusal::Busy("the queue is full")));
    }
}

/// One thread.
pub(super) struct SessionThread<'e> {
    shared: &'e Shared,
    jobs: &'e Receiver<Job>,
    /// A request that did not fit into the last run.
    left: Option<Ready>,
    /// Time of the last run.
    ran: Duration,
}

impl<'e> SessionThread<'e> {
    pub(super) fn new(shared: &'e Shared, jobs: &'e Receiver<Job>) -> Self {
        Self { shared, jobs, left: None, ran: shared.model.latency }
    }

    /// Runs requests until the engine is gone.
    pub(super) fn serve(mut self) {
        while let Some(first) = self.first() {
            let mut batch = vec![first];
            if let Some(batching) = &self.shared.model.batching {
                self.gather(batching, &mut batch);
                if batch.len() > 1
                    && let Some(ran) =
                        run_together(self.shared, batching, self.shared.own_session(), &mut batch)
                {
                    self.ran = ran;
                    continue;
                }
            }
            for ready in batch {
                self.ran = run_alone(self.shared, self.shared.own_session(), ready).unwrap_or(self.ran);
            }
        }
    }

    /// The next request that can run. Waits for it.
    fn first(&mut self) -> Option<Ready> {
        if let Some(left) = self.left.take() {
            return Some(left);
        }
        loop {
            let job = self.jobs.recv().ok()?;
            if let Some(ready) = self.ready(job) {
                return Some(ready);
            }
        }
    }

    /// Decodes a request that leaves the queue. `None` if it does not run.
    fn ready(&self, Job { mut task, decoded, completed }: Job) -> Option<Ready> {
        let Self { shared, ran, .. } = self;
        shared.metrics.waiting(-1);
        if completed.is_closed() {
            shared.metrics.canceled();
            return None;
        }
        let waited = task.laps.lap();
        task.timing.queue = waited;
        let decoded = if waited > shared.bounds.queue_wait {
            Err(Refusal::Deadline(shared.bounds.queue_wait.as_secs()))
        } else if shared.overload.refuses(waited, *ran, task.laps.end()) {
            Err(Refusal::Busy("more requests arrive than the model can answer"))
        } else {
            decoded.map_or_else(|| shared.decode(&mut task), Ok)
        };
        match decoded {
            Ok(decoded) => Some(Ready { task, decoded, completed }),
            Err(refusal) => {
                complete(shared, task, completed, Err(refusal));
                None
            }
        }
    }

    /// Adds requests that wait already and can be joined to the first one.
    fn gather(&mut self, batching: &Batching, batch: &mut Vec<Ready>) {
        let Some(mut rows) = batching.rows_of(batch[0].decoded.inputs()) else { return };
        while rows < batching.rows
            && let Ok(job) = self.jobs.try_recv()
        {
            let Some(ready) = self.ready(job) else { continue };
            let inputs = ready.decoded.inputs();
            match batching.rows_of(inputs).filter(|_| batching.fits(batch[0].decoded.inputs(), inputs)) {
                Some(more) if rows + more <= batching.rows => {
                    rows += more;
                    batch.push(ready);
                }
                _ => {
                    self.left = Some(ready);
                    return;
                }
            }
        }
    }
}
