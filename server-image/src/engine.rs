//! Decides where a request runs: right here if the model takes microseconds and a session is free, else on one of
//! the threads that own the sessions, behind a bounded queue.
//!
//! The hop to another thread and back costs about 25 us, as much as a whole small request; a heavy request on one of
//! the runtime's threads would stop every connection on it. So the model's measured time decides, and goes on
//! deciding: each request is timed, and a model that is found heavy is moved to the threads.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use ort::session::Session;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    codec::{
        InferRequest,
        compression::Coding,
        predict,
        response::{self, InferResponse},
    },
    error::Refusal,
    metrics::{Metrics, Timing},
    model::{Model, run},
    tensor::Tensor,
};

/// Four times what the hop costs: beyond it, the hop no longer matters.
const LIGHT: Duration = Duration::from_micros(100);
/// Bodies that are decoded on the runtime's threads. Larger ones take longer than [`LIGHT`].
const SMALL: usize = 32 << 10;
/// A run of this length is no whim of the scheduler.
const HEAVY: Duration = Duration::from_millis(20);
/// Slow runs, less the fast ones, after which a model counts as heavy. A few slow ones are the scheduler's doing.
const STRAINED: u32 = 16;

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// The protocol's inference.
    Infer,
    /// Records of named columns.
    Predict,
    /// Synthetic input, for the operator.
    Probe,
}

/// A request whose body has arrived.
#[derive(Debug)]
pub struct Work {
    /// What it is.
    pub kind: ApiKind,
    /// The body.
    pub body: Bytes,
    /// `Inference-Header-Content-Length`.
    pub json_length: Option<usize>,
    /// How the body is compressed.
    pub coding: Option<Coding>,
    /// How the answer may be compressed.
    pub accepts: Option<Coding>,
    /// The room that the body takes; given back with the work.
    pub reservation: Option<OwnedSemaphorePermit>,
    /// Whether somebody looks at what went in and came out, see [`CallTrace`].
    pub traced: bool,
    /// Whether this is the copy of a call to main: all outputs are answered as binary tensors, whatever was asked for.
    pub is_copy: bool,
}

impl Work {
    /// The operator's probe.
    #[must_use]
    pub fn probe() -> Self {
        Self {
            kind: ApiKind::Probe,
            body: Bytes::new(),
            json_length: None,
            coding: None,
            accepts: None,
            reservation: None,
            traced: false,
            is_copy: false,
        }
    }
}

/// An answer, ready to be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EncodedResponse {
    /// The body.
    pub body: Vec<u8>,
    /// The length of its JSON (before compression), if binary tensors follow.
    pub json_length: Option<usize>,
    /// How it is compressed.
    pub coding: Option<Coding>,
}

/// What went in and came out, for whoever watches.
#[derive(Debug, Default)]
pub struct CallTrace {
    /// The request's own id.
    pub id: Option<String>,
    /// One for each input; none where the request could not be read.
    pub inputs: Vec<Tensor>,
    /// One for each output; none where the model did not run.
    pub outputs: Vec<Tensor>,
    /// Rows of the request.
    pub rows: u64,
}

/// An answer, and what a traced request saw.
#[derive(Debug)]
pub struct Completion {
    /// The answer.
    pub response: Result<EncodedResponse, Refusal>,
    /// What went in and came out, where the work is traced.
    pub trace: Option<Box<CallTrace>>,
    /// From the end of the body to the end of the inference, before the response is encoded: main encodes JSON for its
    /// callers, the challenger binary tensors for main, and their latencies are compared. Without an inference, to the
    /// refusal.
    pub latency: Duration,
}

/// A clock that is looked at once a step: on a small request each look is worth counting.
#[derive(Debug, Clone, Copy)]
struct Laps {
    begin: Instant,
    last: Instant,
    inferred: Option<Instant>,
}

impl Laps {
    fn start() -> Self {
        let now = Instant::now();
        Self { begin: now, last: now, inferred: None }
    }

    /// The time since the last lap.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }

    /// The time since the last lap, which was the inference.
    fn inference(&mut self) -> Duration {
        let took = self.lap();
        self.inferred = Some(self.last);
        took
    }

    /// From the start to the end of the inference, or to the last lap if there was none.
    fn latency(&self) -> Duration {
        self.inferred.unwrap_or(self.last) - self.begin
    }

    /// From the start to the last lap.
    fn total(&self) -> Duration {
        self.last - self.begin
    }
}

struct Job {
    work: Work,
    laps: Laps,
    completed: oneshot::Sender<Completion>,
}

/// Bounds of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Requests that may wait.
    pub queue: usize,
    /// How long they may.
    pub queue_wait: Duration,
    /// Largest body after decompression.
    pub max_body: usize,
}

/// The sessions and the way to them.
pub struct Engine {
    shared: Arc<Shared>,
    queue: Sender<Job>,
}

struct Shared {
    model: Model,
    sessions: Vec<Mutex<Session>>,
    metrics: Arc<Metrics>,
    bounds: Bounds,
    strain: AtomicU32,
}

impl Engine {
    /// Starts a thread for each session.
    pub fn start(
        model: Model,
        sessions: Vec<Session>,
        metrics: Arc<Metrics>,
        bounds: Bounds,
    ) -> std::io::Result<Self> {
        let strain = AtomicU32::new(if model.latency <= LIGHT { 0 } else { 2 * STRAINED });
        let sessions = sessions.into_iter().map(Mutex::new).collect();
        let shared = Arc::new(Shared { model, sessions, metrics, bounds, strain });
        let (queue, jobs) = crossbeam_channel::bounded(bounds.queue);
        for index in 0..shared.sessions.len() {
            let (shared, jobs) = (Arc::clone(&shared), jobs.clone());
            let name = format!("session-{index}");
            std::thread::Builder::new().name(name).spawn(move || shared.serve(index, &jobs))?;
        }
        Ok(Self { shared, queue })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.shared.model
    }

    /// Answers a request.
    pub async fn answer(&self, work: Work) -> Completion {
        let mut laps = Laps::start();
        let small = work.body.len() <= SMALL && work.coding.is_none();
        if small
            && self.shared.strain.load(Relaxed) < STRAINED
            && let Some(mut session) = self.shared.free_session()
        {
            return self.shared.answer(&mut session, &work, Duration::ZERO, laps);
        }
        let traced = work.traced;
        let (completed, completion) = oneshot::channel();
        match self.queue.try_send(Job { work, laps, completed }) {
            Ok(()) => self.shared.metrics.waiting(1),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                let busy = Refusal::Busy("the queue is full");
                let latency = laps.lap();
                self.shared.metrics.failed(&busy, latency);
                return Completion { response: Err(busy), trace: traced.then(Box::default), latency };
            }
        }
        completion.await.expect("a session's thread answers every job that is waited for")
    }
}

impl Shared {
    fn free_session(&self) -> Option<MutexGuard<'_, Session>> {
        self.sessions.iter().find_map(|session| match session.try_lock() {
            Ok(session) => Some(session),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    /// The life of one of the threads.
    fn serve(&self, index: usize, jobs: &Receiver<Job>) {
        for Job { work, mut laps, completed } in jobs {
            self.metrics.waiting(-1);
            if completed.is_closed() {
                self.metrics.canceled();
                continue;
            }
            let queue = laps.lap();
            let completion = if queue > self.bounds.queue_wait {
                let late = Refusal::Deadline(self.bounds.queue_wait.as_secs());
                self.metrics.failed(&late, queue);
                Completion { response: Err(late), trace: work.traced.then(Box::default), latency: queue }
            } else {
                let mut session = self.sessions[index].lock().unwrap_or_else(PoisonError::into_inner);
                self.answer(&mut session, &work, queue, laps)
            };
            // Whoever hung up meanwhile misses nothing.
            let _ = completed.send(completion);
        }
    }

    /// Decode, run, encode, and account for it.
    fn answer(&self, session: &mut Session, work: &Work, queue: Duration, mut laps: Laps) -> Completion {
        let mut timing = Timing { queue, ..Timing::default() };
        let mut trace = work.traced.then(Box::<CallTrace>::default);
        let response = self.work(session, work, &mut laps, &mut timing, trace.as_deref_mut());
        match &response {
            Ok(_) => self.metrics.succeeded(&timing, laps.total(), laps.last),
            Err(refusal) => {
                laps.lap();
                self.metrics.failed(refusal, laps.total());
            }
        }
        self.strained(laps.total().saturating_sub(queue));
        Completion { response, trace, latency: laps.latency() }
    }

    fn work(
        &self,
        session: &mut Session,
        work: &Work,
        laps: &mut Laps,
        timing: &mut Timing,
        mut trace: Option<&mut CallTrace>,
    ) -> Result<EncodedResponse, Refusal> {
        let Model { signature, features, templates, .. } = &self.model;
        let plain = match work.coding {
            Some(coding) => &coding.decompress(&work.body, self.bounds.max_body)?,
            None => work.body.as_ref(),
        };
        let mut rows = 0;
        let mut decoded = match work.kind {
            ApiKind::Infer => {
                Some(InferRequest::read(plain, work.json_length, signature).inspect_err(|_| {
                    if let Some(trace) = &mut trace {
                        trace.id = InferRequest::id_of(plain, work.json_length);
                    }
                })?)
            }
            ApiKind::Predict => {
                let (request, records) = predict::read(plain, signature, features.as_deref())?;
                rows = records;
                Some(request)
            }
            ApiKind::Probe => None,
        };
        let inputs = decoded.as_ref().map_or(&self.model.synthetic, |request| &request.inputs);
        timing.batch = self.model.batch(inputs);
        timing.input = laps.lap();
        let ran = run(session, inputs).map_err(|error| refusal(&error));
        timing.infer = laps.inference();
        if let (Some(trace), Some(request)) = (trace.as_deref_mut(), &mut decoded) {
            trace.rows = timing.batch;
            trace.id.clone_from(&request.id);
            // Neither the run nor the answer needs them any more.
            trace.inputs = std::mem::take(&mut request.inputs);
        }
        let outputs = ran?;
        if let Some(trace) = trace {
            // An output that cannot be read, and that nobody may have asked for, is no reason to refuse the caller.
            trace.outputs = response::tensors(signature, &outputs).unwrap_or_else(|refusal| {
                tracing::debug!("an answer cannot be looked at: {refusal}");
                Vec::new()
            });
        }
        let InferResponse { body, json_length } = match (work.kind, &decoded) {
            (ApiKind::Infer | ApiKind::Predict, Some(_)) if work.is_copy => {
                templates.response(&InferRequest::for_all(signature), signature, &outputs)?
            }
            (ApiKind::Infer, Some(request)) => templates.response(request, signature, &outputs)?,
            (ApiKind::Predict, _) => {
                InferResponse { body: predict::response(rows, signature, &outputs)?, json_length: None }
            }
            _ => InferResponse { body: self.model.probed(timing.infer), json_length: None },
        };
        let compressed = work.accepts.and_then(|coding| Some((coding.compress(&body)?, coding)));
        timing.output = laps.lap();
        Ok(match compressed {
            Some((body, coding)) => EncodedResponse { body, json_length, coding: Some(coding) },
            None => EncodedResponse { body, json_length, coding: None },
        })
    }

    /// Moves the model between light and heavy, step by step.
    fn strained(&self, taken: Duration) {
        let strain = self.strain.load(Relaxed);
        if taken > HEAVY {
            self.strain.store(2 * STRAINED, Relaxed);
        } else if taken > LIGHT {
            self.strain.store((strain + 1).min(2 * STRAINED), Relaxed);
        } else if strain > 0 {
            self.strain.store(strain - 1, Relaxed);
        }
    }
}

/// ONNX Runtime says which inputs a model cannot take only when it runs.
fn refusal(error: &ort::Error) -> Refusal {
    match error.code() {
        ort::ErrorCode::InvalidArgument => {
            Refusal::BadRequest(format!("the model refused the input: {error}"))
        }
        _ => Refusal::Backend(error.to_string()),
    }
}
