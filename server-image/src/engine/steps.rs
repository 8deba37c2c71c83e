//! The three steps of a request: decode, run, encode. A session is taken only for the second one.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    error::Refusal,
    exchange::{self, Api, Decoded, EncodedResponse, Message},
    laps::{Laps, Timing},
    metrics::Metrics,
    model::Model,
    output::Output,
    overload::Overload,
    placement::Placement,
    session::{RunError, Session},
    shard::Sharded,
    tensor::Tensor,
};

/// A request, and what it holds until its response is ready.
#[derive(Debug)]
pub struct Work {
    /// The request.
    pub message: Message,
    /// The memory of its body. It is released with the request.
    pub reservation: Option<OwnedSemaphorePermit>,
    /// Whether to keep the tensors for observers, see [`CallTrace`].
    pub traced: bool,
}

impl Work {
    /// The operator's probe.
    #[must_use]
    pub fn probe() -> Self {
        Self { message: Message::probe(), reservation: None, traced: false }
    }
}

/// What the engine kept of a call for observers.
#[derive(Debug, Default)]
pub struct CallTrace {
    /// The id in the request's body.
    pub id: Option<String>,
    /// One tensor for each input. Empty if the request could not be decoded.
    pub inputs: Vec<Tensor>,
    /// One tensor for each output. Empty if the model did not run.
    pub outputs: Vec<Tensor>,
    /// Rows of the request.
    pub rows: u64,
}

/// The result of one inference.
#[derive(Debug)]
pub struct Completion {
    /// The response.
    pub response: Result<EncodedResponse, Refusal>,
    /// The tensors of a traced request.
    pub trace: Option<Box<CallTrace>>,
    /// From the end of the body to the end of the inference, before the response is encoded: main encodes JSON for its
    /// callers, the challenger binary tensors for main, and their latencies are compared. Without an inference, to the
    /// refusal.
    pub latency: Duration,
}

/// A request on its way through the three steps.
pub(super) struct Task {
    pub(super) work: Work,
    pub(super) laps: Laps,
    pub(super) timing: Timing,
    /// Requests in its run.
    pub(super) together: u32,
    trace: Option<Box<CallTrace>>,
}

impl Task {
    pub(super) fn new(work: Work) -> Self {
        let trace = work.traced.then(Box::default);
        Self { work, laps: Laps::start(), timing: Timing::default(), together: 1, trace }
    }
}

/// Bounds of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Requests in the queue.
    pub queue: usize,
    /// Time of a request in the queue.
    pub queue_wait: Duration,
    /// Time in the queue beyond which requests are refused while there is an overload.
    pub queue_target: Duration,
    /// Time of a run.
    pub run: Duration,
    /// Size of a body after decompression, in bytes.
    pub max_body: usize,
}

/// How long a run may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// From its begin.
    pub(super) run: Duration,
    /// For the message: as the caller or the command line says it.
    pub(super) all: Duration,
}

/// What all threads of an engine share.
pub(super) struct Shared {
    pub(super) model: Model,
    pub(super) sessions: Sharded<Mutex<Box<dyn Session>>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) bounds: Bounds,
    pub(super) placement: Placement,
    pub(super) overload: Overload,
}

impl Shared {
    /// A session that is free, the one of this thread first.
    pub(super) fn free_session(&self) -> Option<MutexGuard<'_, Box<dyn Session>>> {
        self.sessions.mine_first().find_map(|session| match session.try_lock() {
            Ok(session) => Some(session),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    /// The session of this thread, once it is free.
    pub(super) fn own_session(&self) -> MutexGuard<'_, Box<dyn Session>> {
        self.sessions.mine().lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first step.
    pub(super) fn decode(&self, task: &mut Task) -> Result<Decoded, Refusal> {
        let Task { work, laps, timing, trace, .. } = task;
        let decoded = work.message.decode(&self.model, self.bounds.max_body);
        timing.input = laps.lap();
        match (&decoded, trace) {
            (Ok(decoded), trace) => {
                timing.batch = self.model.batch(decoded.inputs());
                if let Some(trace) = trace {
                    trace.rows = timing.batch;
                    trace.id = decoded.id().map(str::to_owned);
                }
            }
            (Err(_), Some(trace)) => trace.id = work.message.id(self.bounds.max_body),
            (Err(_), None) => {}
        }
        decoded
    }

    /// How long the run of a request may take, and how long its caller waits in all. Refuses a request whose time is over.
    pub(super) fn limit(&self, task: &Task, decoded: &Decoded) -> Result<Limit, Refusal> {
        let message = &task.work.message;
        // Nobody waits for the answer to a copy.
        let Some(timeout) = decoded.timeout().or(message.timeout).filter(|_| !message.is_copy) else {
            return Ok(Limit { run: self.bounds.run, all: self.bounds.run });
        };
        let left = timeout.checked_sub(task.laps.now()).ok_or(Refusal::Timeout(timeout.as_micros()))?;
        Ok(Limit { run: left.min(self.bounds.run), all: timeout.min(self.bounds.run) })
    }

    /// The second and the third step. The session is free after the second one.
    pub(super) fn infer(
        &self,
        mut session: MutexGuard<'_, Box<dyn Session>>,
        task: &mut Task,
        decoded: &mut Decoded,
    ) -> Result<EncodedResponse, Refusal> {
        let limit = self.limit(task, decoded)?;
        let outputs = session.run(decoded.inputs(), task.laps.end() + limit.run);
        drop(session);
        task.timing.infer = task.laps.inference();
        task.timing.executions = 1;
        self.answer(task, decoded, outputs, limit)
    }

    /// The third step, after a run whose time is known.
    pub(super) fn answer(
        &self,
        task: &mut Task,
        decoded: &mut Decoded,
        outputs: Result<Vec<Output>, RunError>,
        limit: Limit,
    ) -> Result<EncodedResponse, Refusal> {
        let Task { work, laps, timing, trace, .. } = task;
        let is_probe = work.message.api == Api::Probe;
        if let Ok(outputs) = &outputs
            && !is_probe
        {
            self.model.proof.learn(decoded.inputs(), outputs);
        }
        if let Some(trace) = trace.as_deref_mut() {
            // The encoder does not read the inputs.
            trace.inputs = decoded.take_inputs();
        }
        let outputs = match outputs {
            // It failed in the warm-up, too. That the session answers at all is what the probe shows.
            Err(RunError::Rejected(_) | RunError::Failed(_))
                if is_probe && self.model.proof.was_missing() =>
            {
                Ok(Vec::new())
            }
            outputs => outputs,
        };
        let outputs = outputs.map_err(|error| match error {
            RunError::Rejected(_) => Refusal::BadRequest(error.to_string()),
            RunError::Stopped => Refusal::Stopped(limit.all),
            RunError::Failed(what) | RunError::Broken(what) => Refusal::Backend(what),
            RunError::Unavailable(why) => Refusal::NotReady(why),
            RunError::Busy(why) => Refusal::Busy(why),
        })?;
        if let Some(trace) = trace {
            trace.outputs = exchange::tensors(&outputs);
        }
        let response = work.message.encode(decoded, &self.model, &outputs, timing.infer);
        timing.output = laps.lap();
        response
    }

    /// Counts a request, whose steps are over.
    pub(super) fn finish(&self, task: Task, response: Result<EncodedResponse, Refusal>) -> Completion {
        let Task { work, mut laps, timing, together, trace } = task;
        match &response {
            Ok(_) => self.metrics.succeeded(&timing, laps.total(), laps.end()),
            Err(refusal) => {
                laps.lap();
                self.metrics.failed(refusal, laps.total());
            }
        }
        let taken = match together {
            1 => laps.total().saturating_sub(timing.queue),
            // Its share of the run.
            others => timing.input + timing.infer / others,
        };
        self.placement.learn(work.message.body.len(), taken);
        Completion { response, trace, latency: laps.latency() }
    }
}
