//! Observes calls to main after their responses: copies to the challenger, comparison, outcomes, drift and records.
//! Nothing here can fail a response, or make it wait.
//!
//! ```text
//! response on the main port -> Observer::offer -> mirror (thread) -> analyzer (thread): comparison, outcomes,
//!                                              \------------------>                     drift, records
//! ```
//!
//! Each arrow is a queue that is bounded in calls and in bytes. Calls that do not fit are counted. Both threads have a
//! lower priority than the threads with requests, so a busy pod sends responses first.

use std::{io, path::PathBuf, sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use http::HeaderValue;
use tokio::{sync::watch, time::Instant};
use understudy_stats::{Baseline, Summary};

use crate::{
    analysis::{
        self, Gauges, Peers, Questions, analyzer, drift,
        outcomes::{self, Joined, NotJoined},
        truth::OutcomeOutput,
    },
    call::{Answered, Call, Dropped, Shadow},
    columns::Columns,
    engine::Completion,
    error::Refusal,
    ids,
    metrics::Family,
    mirror::{self, Admission, Challenger, RawRequest},
    model::Model,
    queue::{sampling::Sampler, thread::LowPriorityThread},
    records::{self, Ring, Sink},
    routing::ActiveRouting,
};

/// The refusal of requests that need records.
const NOT_RECORDED: &str = "calls are not recorded: set spec.recording of the ModelDeployment";

/// Observes calls to main.
pub struct Observer {
    routing: Arc<ArcSwap<ActiveRouting>>,
    mirror: mirror::Handle,
    analysis: analysis::Handle,
    questions: Questions,
    ring: Arc<Ring>,
    counts: Arc<analysis::Counts>,
    copies: Arc<mirror::Counts>,
    gauges: Gauges,
    peers: Option<Peers>,
    judged: Option<OutcomeOutput>,
    has_baseline: bool,
    copied: Sampler,
    recorded: Sampler,
    threads: Threads,
}

/// The two threads, in the order in which they end.
struct Threads {
    mirror: LowPriorityThread,
    analysis: LowPriorityThread,
}

impl Threads {
    /// Ends the mirror first, so that its calls still reach the analysis.
    async fn stop(&self, deadline: Instant) {
        let now = Instant::now();
        self.mirror.stop(now + deadline.saturating_duration_since(now) / 2).await;
        self.analysis.stop(deadline).await;
    }
}

/// What an observer needs apart from the model.
#[derive(Default)]
pub struct ObserverOptions {
    /// The other pods of the deployment.
    pub peers: Option<Peers>,
    /// The distribution of the training data.
    pub baseline: Option<Baseline>,
    /// The destination of records.
    pub records: RecordingOptions,
}

/// The destination of records.
#[derive(Default)]
pub struct RecordingOptions {
    /// The sink. Without it, the pod keeps the newest rows in memory.
    pub sink: Option<Sink>,
    /// Directory of files that wait for the sink.
    pub spool_dir: PathBuf,
    /// Largest size of these files together, in bytes.
    pub spool_bytes: u64,
    /// Name of the pod.
    pub pod: String,
}

/// What the headers of a request say about it.
#[derive(Default)]
pub struct Given {
    /// The id of the call.
    pub id: Option<String>,
    /// The trace that the call belongs to.
    pub traceparent: Option<HeaderValue>,
}

/// What the observers need of a call that just arrived.
pub struct Interest {
    at: SystemTime,
    copy: Option<(Arc<Challenger>, Result<Admission, Dropped>)>,
    recording: bool,
    record: bool,
    /// Whether drift, records or outcomes need the call, also without a copy.
    analyzed: bool,
}

impl Interest {
    /// Whether the engine must keep the tensors.
    #[must_use]
    pub fn wants_tensors(&self) -> bool {
        self.analyzed || self.wants_request()
    }

    /// Whether the request must be kept for a copy.
    #[must_use]
    pub fn wants_request(&self) -> bool {
        matches!(self.copy, Some((_, Ok(_))))
    }

    /// Whether the response carries the id of the call.
    #[must_use]
    pub fn returns_id(&self) -> bool {
        self.recording
    }
}

impl Observer {
    /// Starts the two threads. Fails if the system cannot start one.
    pub fn start(
        model: &Model,
        routing: Arc<ArcSwap<ActiveRouting>>,
        ObserverOptions { peers, baseline, records }: ObserverOptions,
        family: &Family,
    ) -> io::Result<Self> {
        let counts = Arc::new(analysis::Counts::new(family));
        let columns = Columns::of(&model.signature, model.features.as_deref());
        let has_baseline = baseline.is_some();
        let drift = baseline.map(|baseline| drift::Tracker::new(baseline, &columns));
        let RecordingOptions { sink, spool_dir, spool_bytes, pod } = records;
        let rows = records::Counts::new(family, sink.is_some());
        let ring = Arc::new(Ring::default());
        let options = records::RecorderOptions {
            deployment: model.deployment.clone(),
            signature: Arc::clone(&model.signature),
            columns,
            sink,
            spool_dir,
            spool_bytes,
            pod,
        };
        let records = analyzer::Records { options, counts: rows, ring: Arc::clone(&ring) };
        let main = Arc::clone(&model.identity);
        let copies = Arc::new(mirror::Counts::new(family));
        let (analysis, questions, analyzer) = analyzer::open(
            main,
            drift,
            records,
            Arc::clone(&routing),
            Arc::clone(&counts),
            Arc::clone(&copies),
        );
        let outputs = model.signature.outputs.clone();
        let next = analysis.clone();
        let (mirror, worker) =
            mirror::open(outputs, Arc::clone(&copies), Box::new(move |call| next.send(call)));
        let (stop_mirror, mirror_stops) = watch::channel(None);
        let (stop_analysis, analysis_stops) = watch::channel(None);
        let threads = Threads {
            mirror: LowPriorityThread::start("mirror", stop_mirror, worker.run(mirror_stops))?,
            analysis: LowPriorityThread::start("analysis", stop_analysis, analyzer.run(analysis_stops))?,
        };
        Ok(Self {
            routing,
            mirror,
            analysis,
            questions,
            ring,
            counts,
            copies,
            gauges: Gauges::new(family, has_baseline),
            peers,
            judged: OutcomeOutput::of(&model.signature),
            has_baseline,
            copied: Sampler::default(),
            recorded: Sampler::default(),
            threads,
        })
    }

    /// What the observers need of a call to main that just arrived. `None` if no observer needs it.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        let routing = self.routing.load();
        if !self.has_baseline && routing.challenger.is_none() && routing.recording.is_none() {
            return None;
        }
        let copy = routing.challenger.as_ref().map(|challenger| {
            let admission = if self.copied.picks(challenger.sample_percent) {
                match challenger.admit() {
                    Admission::Reject => Err(Dropped::CircuitOpen),
                    admission => Ok(admission),
                }
            } else {
                Err(Dropped::NotSampled)
            };
            (Arc::clone(challenger), admission)
        });
        let recording = routing.recording.as_ref();
        let record = recording.is_some_and(|recording| self.recorded.picks(recording.sample_percent));
        let analyzed = self.has_baseline || recording.is_some();
        Some(Interest { at: SystemTime::now(), copy, recording: recording.is_some(), record, analyzed })
    }

    /// Takes over a completed call, with the trace in `completion`. Returns the id of the call: the one in the body, the
    /// one in the header, or a generated one. Without records the id is empty.
    pub fn offer(
        &self,
        interest: Interest,
        completion: &mut Completion,
        given: Given,
        request: Option<RawRequest>,
    ) -> String {
        if let (Some((_, Err(dropped))), false) = (&interest.copy, interest.analyzed) {
            self.mirror.skip(*dropped);
            return String::new();
        }
        let trace = *completion.trace.take().unwrap_or_default();
        let refusal = completion.response.as_ref().err();
        let id = if interest.recording { ids::of_call(trace.id.or(given.id)) } else { String::new() };
        let call = Box::new(Call {
            id: id.clone(),
            at: interest.at,
            traceparent: given.traceparent.and_then(|value| value.to_str().ok().map(str::to_owned)),
            record: interest.record,
            main: Answered {
                status: refusal.map_or(200, |refusal| refusal.status().as_u16()),
                error: refusal.map(Refusal::to_string),
                outputs: trace.outputs,
                latency: Some(completion.latency),
            },
            inputs: trace.inputs,
            rows: trace.rows,
            challenger: Shadow::None,
        });
        match (interest.copy, request) {
            (Some((to, Ok(admission))), Some(request)) => self.mirror.send(call, request, to, admission),
            (Some((_, Err(dropped))), _) => self.mirror.pass(call, dropped),
            _ => self.analysis.send(call),
        }
        id
    }

    /// The summary that the operator reads.
    pub async fn summary(&self) -> Arc<Summary> {
        self.questions.summary().await
    }

    /// Sets the gauges to the current state.
    pub async fn update_gauges(&self) {
        let summary = self.summary().await;
        let routing = self.routing.load();
        self.gauges.update(&summary, routing.drift.as_ref());
        let open = routing.challenger.as_ref().is_some_and(|challenger| challenger.is_circuit_open());
        self.copies.circuit_open.set(open.into());
    }

    /// The newest records as JSON lines, at most `limit`. Not found if calls are not recorded.
    pub fn records(&self, limit: usize) -> Result<Vec<u8>, Refusal> {
        match self.routing.load().recording {
            Some(_) => Ok(self.ring.newest(limit)),
            None => Err(Refusal::NotFound(NOT_RECORDED.to_owned())),
        }
    }

    /// Joins the outcomes in `body` to their calls. With `everywhere`, the other pods join those that this pod does not know.
    ///
    /// Rejects outcomes if calls are not recorded, if the model has neither labels nor numbers, or if one of them has a label
    /// that the model cannot answer. Then it joins none.
    pub async fn join_outcomes(&self, body: &[u8], everywhere: bool) -> Result<Joined, Refusal> {
        if self.routing.load().recording.is_none() {
            return Err(Refusal::bad(NOT_RECORDED));
        }
        let Some(output) = &self.judged else {
            return Err(Refusal::bad(
                "the model has no output for outcomes: neither a label (a string, a whole number or a boolean) nor one number in each row",
            ));
        };
        let outcomes = outcomes::read(body, output)?;
        let all = outcomes.len() as u64;
        let NotJoined { mut unknown, mut mismatched } = self.questions.join(outcomes).await?;
        if let Some(peers) = self.peers.as_ref().filter(|_| everywhere && !unknown.is_empty()) {
            let left = peers.join(unknown).await;
            unknown = left.unknown;
            mismatched.extend(left.mismatched);
        }
        let joined = all.saturating_sub((unknown.len() + mismatched.len()) as u64);
        if everywhere {
            self.counts.joined.inc_by(joined);
            self.counts.unknown.inc_by(unknown.len() as u64);
            self.counts.mismatched.inc_by(mismatched.len() as u64);
        }
        let unknown = unknown.into_iter().map(|outcome| outcome.id).collect();
        Ok(Joined { joined, unknown, mismatched })
    }

    /// Ends both threads until `deadline`. Then it logs the counters of copies, as Prometheus may not read them again.
    pub async fn stop(&self, deadline: Instant) {
        self.threads.stop(deadline).await;
        let (calls, mirrored, dropped) = self.copies.totals();
        if calls > 0 {
            tracing::info!(calls, mirrored, dropped, "the mirror ended");
        }
    }
}
