//! Runs requests in three [`steps`]. They happen on the thread that read the request, if that is fast enough for a request of
//! this size ([`Placement`]) and a session is free. Otherwise the request waits in a bounded queue for one of the
//! [`threads`] that own a session. Both [`gather`] requests into one run ([`joined`]), if that pays.

mod gather;
mod joined;
mod steps;
mod threads;

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use crossbeam_channel::Sender;
use tokio::sync::oneshot;

pub use steps::{Bounds, CallTrace, Completion, Work};

use crate::{
    exchange::Message,
    metrics::Metrics,
    model::Model,
    overload::Overload,
    placement::Placement,
    session::Session,
    shard::{self, Sharded},
};
use gather::Gather;
use joined::Ready;
use steps::{Shared, Task};
use threads::{Job, SessionThread, enqueue};

/// The sessions and the queue in front of them.
pub struct Engine {
    shared: Arc<Shared>,
    queue: Sender<Job>,
    gather: Arc<Gather>,
}

impl Engine {
    /// Starts a thread for each session. Fails if the system cannot start one.
    pub fn start(
        model: Model,
        sessions: Vec<Box<dyn Session>>,
        metrics: Arc<Metrics>,
        bounds: Bounds,
    ) -> std::io::Result<Self> {
        let placement = Placement::new(model.latency, model.unpredictable);
        let sessions = Sharded::of(sessions.into_iter().map(Mutex::new));
        let overload = Overload::new(bounds.queue_target, Instant::now());
        let shared = Arc::new(Shared { model, sessions, metrics, bounds, placement, overload });
        let (queue, jobs) = crossbeam_channel::bounded(bounds.queue);
        for index in 0..shared.sessions.count() {
            let (shared, jobs) = (Arc::clone(&shared), jobs.clone());
            std::thread::Builder::new().name(format!("session-{index}")).spawn(move || {
                shard::set(index);
                SessionThread::new(&shared, &jobs).serve();
            })?;
        }
        let gather = Arc::new(Gather::new(&shared, &queue));
        Ok(Self { shared, queue, gather })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.shared.model
    }

    /// Runs a request.
    pub async fn run(&self, work: Work) -> Completion {
        let Self { shared, queue, gather } = self;
        let mut task = Task::new(work);
        let mut decoded = None;
        let Message { coding, body, .. } = &task.work.message;
        if coding.is_none() && shared.placement.is_light(body.len()) {
            let mut request = match shared.decode(&mut task) {
                Ok(request) => request,
                Err(refusal) => return shared.finish(task, Err(refusal)),
            };
            if let Some(batching) = &shared.model.batching {
                let (completed, completion) = oneshot::channel();
                gather.add(batching, Ready { task, decoded: request, completed });
                return completion.await.expect("what one thread gathers, it runs");
            }
            if let Some(session) = shared.free_session() {
                let response = shared.infer(session, &mut task, &mut request);
                return shared.finish(task, response);
            }
            decoded = Some(request);
        }
        let (completed, completion) = oneshot::channel();
        enqueue(shared, queue, Job { task, decoded, completed });
        completion.await.expect("a session's thread completes every job whose caller waits")
    }
}

#[cfg(test)]
mod tests;
