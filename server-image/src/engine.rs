//! Decides where a request runs: on the thread that read it, if the model is light and a session is free. Otherwise it
//! waits in a bounded queue for one of the threads that own a session.
//!
//! The hop to another thread and back costs about 25 us, as much as a whole small request. A heavy request on one of the
//! runtime's threads would stop all connections of that thread. The measured time of the model decides between the two.
//! Each request is timed, so a model that turns out to be heavy moves to the threads of the sessions.

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

/// Four times the cost of the hop: for a slower model, the hop does not matter.
const LIGHT: Duration = Duration::from_micros(100);
/// Largest body in bytes that is decoded on the runtime's threads. Decoding a larger one takes longer than [`LIGHT`].
const SMALL: usize = 32 << 10;
/// A run of this length makes the model heavy immediately. The scheduler alone does not cause it.
const HEAVY: Duration = Duration::from_millis(20);
/// Slow requests minus fast ones that make the model heavy. The scheduler alone causes a few slow ones.
const MAX_SLOW: u32 = 16;

/// The API that a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// Inference of the Open Inference Protocol.
    Infer,
    /// `/predict`: records of named columns.
    Predict,
    /// The operator's probe, with synthetic input.
    Probe,
}

/// A request whose body has arrived.
#[derive(Debug)]
pub struct Work {
    /// The API.
    pub kind: ApiKind,
    /// The body.
    pub body: Bytes,
    /// `Inference-Header-Content-Length`, in bytes.
    pub json_length: Option<usize>,
    /// Compression of the body.
    pub coding: Option<Coding>,
    /// Compression that the caller accepts.
    pub accepts: Option<Coding>,
    /// The memory of the body. It is released with the request.
    pub reservation: Option<OwnedSemaphorePermit>,
    /// Whether to keep the tensors for observers, see [`CallTrace`].
    pub traced: bool,
    /// Whether this is a copy of a call to main. Then all outputs are encoded as binary tensors.
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

/// A response, encoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EncodedResponse {
    /// The body.
    pub body: Vec<u8>,
    /// Length of its JSON in bytes, before compression, if binary tensors follow.
    pub json_length: Option<usize>,
    /// Compression of the body.
    pub coding: Option<Coding>,
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

/// Times the steps of a request. It reads the clock once a step: on a small request each reading counts.
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

    /// Ends a step. Returns its time.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }

    /// Ends the step of the inference. Returns its time.
    fn inference(&mut self) -> Duration {
        let took = self.lap();
        self.inferred = Some(self.last);
        took
    }

    /// From the start to the end of the inference, or to the last step if there was no inference.
    fn latency(&self) -> Duration {
        self.inferred.unwrap_or(self.last) - self.begin
    }

    /// From the start to the end of the last step.
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
    /// Requests in the queue.
    pub queue: usize,
    /// Time of a request in the queue.
    pub queue_wait: Duration,
    /// Size of a body after decompression, in bytes.
    pub max_body: usize,
}

/// The sessions and the queue in front of them.
pub struct Engine {
    shared: Arc<Shared>,
    queue: Sender<Job>,
}

struct Shared {
    model: Model,
    sessions: Vec<Mutex<Session>>,
    metrics: Arc<Metrics>,
    bounds: Bounds,
    /// Slow requests minus fast ones, from 0 to twice [`MAX_SLOW`].
    slow: AtomicU32,
}

impl Engine {
    /// Starts a thread for each session. Fails if the system cannot start one.
    pub fn start(
        model: Model,
        sessions: Vec<Session>,
        metrics: Arc<Metrics>,
        bounds: Bounds,
    ) -> std::io::Result<Self> {
        let slow = AtomicU32::new(if model.latency <= LIGHT { 0 } else { 2 * MAX_SLOW });
        let sessions = sessions.into_iter().map(Mutex::new).collect();
        let shared = Arc::new(Shared { model, sessions, metrics, bounds, slow });
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

    /// Runs a request.
    pub async fn run(&self, work: Work) -> Completion {
        let mut laps = Laps::start();
        let small = work.body.len() <= SMALL && work.coding.is_none();
        if small
            && self.shared.slow.load(Relaxed) < MAX_SLOW
            && let Some(mut session) = self.shared.free_session()
        {
            return self.shared.complete(&mut session, &work, Duration::ZERO, laps);
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
        completion.await.expect("a session's thread completes every job whose caller waits")
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

    /// The loop of a session's thread.
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
                self.complete(&mut session, &work, queue, laps)
            };
            // An error means that the caller closed the connection in the meantime.
            let _ = completed.send(completion);
        }
    }

    /// Runs a request that waited in the queue for `queue`, and counts it.
    fn complete(&self, session: &mut Session, work: &Work, queue: Duration, mut laps: Laps) -> Completion {
        let mut timing = Timing { queue, ..Timing::default() };
        let mut trace = work.traced.then(Box::<CallTrace>::default);
        let response = self.infer(session, work, &mut laps, &mut timing, trace.as_deref_mut());
        match &response {
            Ok(_) => self.metrics.succeeded(&timing, laps.total(), laps.last),
            Err(refusal) => {
                laps.lap();
                self.metrics.failed(refusal, laps.total());
            }
        }
        self.track(laps.total().saturating_sub(queue));
        Completion { response, trace, latency: laps.latency() }
    }

    /// Decodes the request, runs the model, and encodes the response.
    fn infer(
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
            // The rest of this function does not read the inputs.
            trace.inputs = std::mem::take(&mut request.inputs);
        }
        let outputs = ran?;
        if let Some(trace) = trace {
            // The caller may not have requested the output that cannot be read. Its request succeeds all the same.
            trace.outputs = response::tensors(signature, &outputs).unwrap_or_else(|refusal| {
                tracing::debug!(error = %refusal, "failed to read the outputs for the observers");
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
            _ => InferResponse { body: self.model.probe_answer(timing.infer), json_length: None },
        };
        let compressed = work.accepts.and_then(|coding| Some((coding.compress(&body)?, coding)));
        timing.output = laps.lap();
        Ok(match compressed {
            Some((body, coding)) => EncodedResponse { body, json_length, coding: Some(coding) },
            None => EncodedResponse { body, json_length, coding: None },
        })
    }

    /// Moves the model step by step between light and heavy, after a request that took `taken`.
    fn track(&self, taken: Duration) {
        let slow = self.slow.load(Relaxed);
        if taken > HEAVY {
            self.slow.store(2 * MAX_SLOW, Relaxed);
        } else if taken > LIGHT {
            self.slow.store((slow + 1).min(2 * MAX_SLOW), Relaxed);
        } else if slow > 0 {
            self.slow.store(slow - 1, Relaxed);
        }
    }
}

/// ONNX Runtime rejects some inputs only when the model runs. These are the caller's mistakes.
fn refusal(error: &ort::Error) -> Refusal {
    match error.code() {
        ort::ErrorCode::InvalidArgument => {
            Refusal::BadRequest(format!("the model rejected the input: {error}"))
        }
        _ => Refusal::Backend(error.to_string()),
    }
}
