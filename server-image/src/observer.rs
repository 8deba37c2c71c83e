//! What becomes of a call after main's answer: the copy to the challenger, the comparison, the record and the look for
//! drift. Nothing here can fail, slow or block an answer.
//!
//! ```text
//! an answer on the main port -> Observer::offer -> mirror (thread) -> analyzer (thread): comparison, late truth,
//!                                              \----------------->          drift, records
//! ```
//!
//! Each arrow is a queue bounded in calls and in bytes; what does not fit is counted. Both threads have a lower priority
//! than those that answer, so that a busy pod answers first.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use tokio::{sync::watch, time::Instant};
use understudy_stats::{Baseline, Summary};

use crate::{
    analysis::{
        self, Gauges, Peers, analyzer,
        comparison::is_label,
        drift,
        outcomes::{self, Joined},
        state::{AnalysisState, lock},
    },
    call::{Answered, Call, Dropped, Shadow},
    columns::Columns,
    engine::Completion,
    error::Refusal,
    ids::Ids,
    metrics::Family,
    mirror::{self, Admission, Challenger, RawRequest},
    model::Model,
    queue::{sampling::Sampler, thread},
    records::{self, Ring, Sink},
    routing::ActiveRouting,
};

/// Looks at calls to main.
pub struct Observer {
    routing: Arc<ArcSwap<ActiveRouting>>,
    mirror: mirror::Handle,
    analysis: analysis::Handle,
    state: Arc<Mutex<AnalysisState>>,
    ring: Arc<Ring>,
    counts: Arc<analysis::Counts>,
    copies: Arc<mirror::Counts>,
    gauges: Gauges,
    peers: Option<Peers>,
    has_labels: bool,
    watches_drift: bool,
    ids: Ids,
    copied: Sampler,
    recorded: Sampler,
    threads: Threads,
}

/// The threads, in the order in which they end.
struct Threads {
    /// Copies calls to the challenger.
    mirror: thread::LowPriorityThread,
    /// Looks at calls.
    analysis: thread::LowPriorityThread,
}

impl Threads {
    /// Ends them one after the other, so that what the first lets go the second still sees.
    async fn stop(&self, deadline: Instant) {
        let now = Instant::now();
        self.mirror.stop(now + deadline.saturating_duration_since(now) / 2).await;
        self.analysis.stop(deadline).await;
    }
}

/// What an observer needs beside the model.
#[derive(Default)]
pub struct ObserverOptions {
    /// Other pods of the deployment.
    pub peers: Option<Peers>,
    /// How the training data were distributed.
    pub baseline: Option<Baseline>,
    /// Where records go.
    pub records: RecordingOptions,
}

/// Where records go.
#[derive(Default)]
pub struct RecordingOptions {
    /// Without it, only the newest rows are kept, on the pod.
    pub sink: Option<Sink>,
    /// Where files wait for the sink.
    pub spool_dir: PathBuf,
    /// What they may take, in bytes.
    pub spool_bytes: u64,
    /// The pod's name.
    pub pod: String,
}

/// What is wanted of a call that has just come in.
pub struct Interest {
    at: SystemTime,
    copy: Option<(Arc<Challenger>, Result<Admission, Dropped>)>,
    recording: bool,
    record: bool,
    /// Whether drift, records or late truth want it, whatever becomes of the copy.
    looked_at: bool,
}

impl Interest {
    /// Whether anybody wants to know what went in and came out.
    #[must_use]
    pub fn wants_tensors(&self) -> bool {
        self.looked_at || self.wants_request()
    }

    /// Whether the request is needed after its answer.
    #[must_use]
    pub fn wants_request(&self) -> bool {
        matches!(self.copy, Some((_, Ok(_))))
    }

    /// Whether callers are told the id under which the call is recorded.
    #[must_use]
    pub fn tells_id(&self) -> bool {
        self.recording
    }
}

impl Observer {
    /// Starts the two threads.
    pub fn start(
        model: &Model,
        routing: Arc<ArcSwap<ActiveRouting>>,
        ObserverOptions { peers, baseline, records }: ObserverOptions,
        family: &Family,
    ) -> std::io::Result<Self> {
        let counts = Arc::new(analysis::Counts::new(family));
        let main = Arc::clone(&model.identity);
        let outputs = model.signature.outputs.clone();
        let columns = Columns::of(&model.signature, model.features.as_deref());
        let watches_drift = baseline.is_some();
        let drift = baseline.map(|baseline| drift::Tracker::new(baseline, &columns));
        let RecordingOptions { sink, spool_dir, spool_bytes, pod } = records;
        let rows = records::Counts::new(family, sink.is_some());
        let ring = Arc::new(Ring::default());
        let options = records::RecorderOptions {
            deployment: model.deployment.clone(),
            signature: model.signature.clone(),
            columns,
            sink,
            spool_dir,
            spool_bytes,
            pod,
        };
        let records = analyzer::Records { options, counts: rows, ring: Arc::clone(&ring) };
        let (analysis, state, analyzer) =
            analyzer::open(main, drift, records, Arc::clone(&routing), Arc::clone(&counts));
        let copies = Arc::new(mirror::Counts::new(family));
        let next = analysis.clone();
        let (mirror, mirrored) =
            mirror::open(outputs, Arc::clone(&copies), Box::new(move |call| next.send(call)));
        let (stop_mirror, mirror_stops) = watch::channel(None);
        let (stop_analysis, analysis_stops) = watch::channel(None);
        let threads = Threads {
            mirror: thread::LowPriorityThread::start("mirror", stop_mirror, mirrored.run(mirror_stops))?,
            analysis: thread::LowPriorityThread::start(
                "analysis",
                stop_analysis,
                analyzer.run(analysis_stops),
            )?,
        };
        Ok(Self {
            routing,
            mirror,
            analysis,
            state,
            ring,
            counts,
            copies,
            gauges: Gauges::new(family, watches_drift),
            peers,
            watches_drift,
            has_labels: model.signature.outputs.iter().any(|port| is_label(port.datatype)),
            ids: Ids::default(),
            copied: Sampler::default(),
            recorded: Sampler::default(),
            threads,
        })
    }

    /// What is wanted of a call to main that has just come in. Nothing, where nobody looks.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        let routing = self.routing.load();
        if !self.watches_drift && routing.challenger.is_none() && routing.recording.is_none() {
            return None;
        }
        let copy = routing.challenger.as_ref().map(|challenger| {
            let admission = if self.copied.picks(challenger.percent) {
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
        let looked_at = self.watches_drift || recording.is_some();
        Some(Interest { at: SystemTime::now(), copy, recording: recording.is_some(), record, looked_at })
    }

    /// Takes an answered call over, with what was seen of it. Gives its id; `given` is the one in the request's header.
    pub fn offer(
        &self,
        interest: Interest,
        completion: &mut Completion,
        given: Option<String>,
        request: Option<RawRequest>,
    ) -> String {
        if let (Some((_, Err(dropped))), false) = (&interest.copy, interest.looked_at) {
            self.mirror.skip(*dropped);
            return String::new();
        }
        let trace = *completion.trace.take().unwrap_or_default();
        let refusal = completion.response.as_ref().err();
        // Without records nobody asks for the call by its name.
        let id = if interest.recording { self.ids.of(trace.id.or(given)) } else { String::new() };
        let call = Box::new(Call {
            id: id.clone(),
            at: interest.at,
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

    /// What was seen so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        lock(&self.state).summary()
    }

    /// Sets the gauges to what was seen.
    pub fn show(&self) {
        let routing = self.routing.load();
        self.gauges.show(&self.summary(), routing.drift.as_ref());
        let open = routing.challenger.as_ref().is_some_and(|challenger| challenger.is_open());
        self.copies.circuit_open.set(open.into());
    }

    /// The newest records as JSON lines, at most `limit`; none where nothing is recorded.
    #[must_use]
    pub fn records(&self, limit: usize) -> Option<Vec<u8>> {
        self.routing.load().recording.as_ref().map(|_| self.ring.newest(limit))
    }

    /// Joins what somebody tells to the calls that it is about. With `far`, calls of other pods count as well.
    pub async fn join(&self, told: Vec<outcomes::Outcome>, far: bool) -> Result<Joined, Refusal> {
        if self.routing.load().recording.is_none() {
            return Err(Refusal::bad("nothing is recorded here: set spec.recording of the ModelDeployment"));
        }
        if !self.has_labels {
            return Err(Refusal::bad(
                "the model has no output that is a label: a string, a whole number or a boolean",
            ));
        }
        let all = told.len() as u64;
        let mut unknown = lock(&self.state).join(told);
        let mut joined = all - unknown.len() as u64;
        if let Some(peers) = self.peers.as_ref().filter(|_| far && !unknown.is_empty()) {
            let elsewhere;
            (elsewhere, unknown) = peers.tell(unknown).await;
            joined += elsewhere;
        }
        if far {
            self.counts.joined.inc_by(joined);
            self.counts.unknown.inc_by(unknown.len() as u64);
        }
        Ok(Joined { joined, unknown: unknown.into_iter().map(|outcome| outcome.id).collect() })
    }

    /// Ends both threads, the one that copies first; by `deadline` at the latest.
    pub async fn stop(&self, deadline: Instant) {
        self.threads.stop(deadline).await;
        let (calls, mirrored, dropped) = self.copies.copies();
        if calls > 0 {
            // Nobody may come to read the metrics any more.
            tracing::info!(calls, mirrored, dropped, "observed");
        }
    }
}
