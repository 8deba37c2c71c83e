//! The threads of the sessions. Each takes requests from the queue. Where that pays, it takes those that wait already into one
//! run; it never waits for more.

use std::time::Duration;

use crossbeam_channel::Receiver;
use tokio::sync::oneshot;

use super::steps::{Completion, Shared, Task};
use crate::{
    batch::Batching,
    error::Refusal,
    exchange::{Decoded, EncodedResponse},
    tensor::Tensor,
};

/// A request in the queue.
pub(super) struct Job {
    pub(super) task: Task,
    /// Its tensors, if it has been decoded.
    pub(super) decoded: Option<Decoded>,
    pub(super) completed: oneshot::Sender<Completion>,
}

/// A request that can run.
struct Ready {
    task: Task,
    decoded: Decoded,
    completed: oneshot::Sender<Completion>,
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
                if batch.len() > 1 && self.run_together(batching, &mut batch) {
                    continue;
                }
            }
            for ready in batch {
                self.run(ready);
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
                self.complete(task, completed, Err(refusal));
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

    /// Runs all requests in one run. Returns `false`, and leaves them as they are, if that fails: each then runs alone, so that
    /// only the one that is wrong fails.
    fn run_together(&mut self, batching: &Batching, batch: &mut Vec<Ready>) -> bool {
        let shared = self.shared;
        let requests: Vec<&[Tensor]> = batch.iter().map(|ready| ready.decoded.inputs()).collect();
        let rows: Vec<usize> = requests.iter().filter_map(|inputs| batching.rows_of(inputs)).collect();
        let joined = batching.join(&requests);
        let limits: Result<Vec<_>, _> =
            batch.iter().map(|ready| shared.limit(&ready.task, &ready.decoded)).collect();
        let (Ok(limits), Some(last)) = (limits, batch.last()) else { return false };
        let longest = limits.iter().map(|limit| limit.run).max().unwrap_or_default();
        let until = last.task.laps.end() + longest;
        let outputs = shared.own_session().run(&joined, until);
        let Some(split) = outputs.ok().and_then(|outputs| batching.split(&outputs, &rows)) else {
            return false;
        };
        for (number, ((ready, outputs), limit)) in batch.drain(..).zip(split).zip(limits).enumerate() {
            let Ready { mut task, mut decoded, completed } = ready;
            // They share one run.
            task.timing.executions = u64::from(number == 0);
            let response = shared.answer(&mut task, &mut decoded, Ok(outputs), limit);
            self.ran = task.timing.infer;
            self.complete(task, completed, response);
        }
        true
    }

    fn run(&mut self, Ready { mut task, mut decoded, completed }: Ready) {
        let response = self.shared.infer(self.shared.own_session(), &mut task, &mut decoded);
        if response.is_ok() {
            self.ran = task.timing.infer;
        }
        self.complete(task, completed, response);
    }

    fn complete(
        &self,
        task: Task,
        completed: oneshot::Sender<Completion>,
        response: Result<EncodedResponse, Refusal>,
    ) {
        // An error means that the caller closed the connection in the meantime.
        let _ = completed.send(self.shared.finish(task, response));
    }
}
