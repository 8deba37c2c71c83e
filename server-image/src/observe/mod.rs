//! What becomes of a call after main's answer: the copy to the challenger, the comparison, the record and the look for
//! drift. Nothing here can fail, slow or block an answer.
//!
//! ```text
//! an answer on the main port -> Observer::offer -> mirror (thread) -> watcher (thread): comparison, late truth,
//!                                              \----------------->          drift, records
//! ```
//!
//! Each arrow is a queue bounded in calls and in bytes; what does not fit is counted. Both threads have a lower priority
//! than those that answer, so that a busy pod answers first.

mod answer;
mod breaker;
pub mod call;
mod compare;
mod counts;
pub mod drift;
mod gauges;
mod ids;
mod lazy;
pub mod line;
mod mirror;
pub mod outcomes;
mod peers;
mod room;
mod sample;
mod threads;
mod watcher;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use understudy_stats::{Baseline, Summary};

use self::breaker::Admission;
use self::call::{Answered, Call, Dropped, Identity, Shadow};
use self::counts::Counts;
use self::gauges::Gauges;
use self::ids::Ids;
pub use self::mirror::Form;
use self::outcomes::Joined;
pub use self::peers::Peers;
use self::sample::Sample;
use self::watcher::Seen;
use crate::columns::Columns;
use crate::engine::Outcome;
use crate::error::Refusal;
use crate::metrics::Family;
use crate::model::Model;
use crate::records::{self, Ring, Sink};
use crate::routing::{Challenger, Settings};

/// Looks at calls to main.
pub struct Observer {
    settings: Arc<ArcSwap<Settings>>,
    mirror: mirror::Door,
    watchers: watcher::Door,
    seen: Arc<Mutex<Seen>>,
    ring: Arc<Ring>,
    counts: Arc<Counts>,
    gauges: Gauges,
    peers: Option<Peers>,
    has_labels: bool,
    watches_drift: bool,
    ids: Ids,
    copied: Sample,
    recorded: Sample,
    threads: threads::Threads,
}

/// What an observer needs beside the model.
#[derive(Default)]
pub struct Equipment {
    /// Other pods of the deployment.
    pub peers: Option<Peers>,
    /// How the training data were distributed.
    pub baseline: Option<Baseline>,
    /// Where records go.
    pub records: RecordsPlan,
}

/// Where records go.
#[derive(Default)]
pub struct RecordsPlan {
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
        settings: Arc<ArcSwap<Settings>>,
        Equipment { peers, baseline, records }: Equipment,
        family: &Family,
    ) -> std::io::Result<Self> {
        let counts = Arc::new(Counts::new(family));
        let main = Identity { version: model.version.clone(), digest: model.digest.prefixed() };
        let outputs = model.signature.outputs.clone();
        let columns = Columns::of(&model.signature, model.features.as_deref());
        let watches_drift = baseline.is_some();
        let drift = baseline.map(|baseline| drift::Watch::new(baseline, &columns));
        let RecordsPlan { sink, spool_dir, spool_bytes, pod } = records;
        let rows = records::Counts::new(family, sink.is_some());
        let ring = Arc::new(Ring::default());
        let plan = records::RecorderOptions {
            deployment: model.deployment.clone(),
            signature: model.signature.clone(),
            columns,
            sink,
            spool_dir,
            spool_bytes,
            pod,
        };
        let records = watcher::Records { plan, counts: rows, ring: Arc::clone(&ring) };
        let (watchers, seen, watcher) =
            watcher::open(main, drift, records, Arc::clone(&settings), Arc::clone(&counts));
        let (mirror, mirrored) = mirror::open(outputs, Arc::clone(&counts), watchers.clone());
        let (stop_mirror, mirror_stops) = watch::channel(None);
        let (stop_watcher, watcher_stops) = watch::channel(None);
        let threads = threads::Threads {
            mirror: threads::Running::start("mirror", stop_mirror, mirrored.run(mirror_stops))?,
            watcher: threads::Running::start("watcher", stop_watcher, watcher.run(watcher_stops))?,
        };
        Ok(Self {
            settings,
            mirror,
            watchers,
            seen,
            ring,
            counts,
            gauges: Gauges::new(family, watches_drift),
            peers,
            watches_drift,
            has_labels: model.signature.outputs.iter().any(|port| compare::is_label(port.datatype)),
            ids: Ids::default(),
            copied: Sample::default(),
            recorded: Sample::default(),
            threads,
        })
    }

    /// What is wanted of a call to main that has just come in. Nothing, where nobody looks.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        let settings = self.settings.load();
        if !self.watches_drift && settings.challenger.is_none() && settings.recording.is_none() {
            return None;
        }
        let copy = settings.challenger.as_ref().map(|challenger| {
            let admission = if self.copied.takes(challenger.percent) {
                match mirror::admit(challenger) {
                    Admission::Stay => Err(Dropped::CircuitOpen),
                    admission => Ok(admission),
                }
            } else {
                Err(Dropped::NotSampled)
            };
            (Arc::clone(challenger), admission)
        });
        let recording = settings.recording.as_ref();
        let record = recording.is_some_and(|recording| self.recorded.takes(recording.sample_percent));
        let looked_at = self.watches_drift || recording.is_some();
        Some(Interest { at: SystemTime::now(), copy, recording: recording.is_some(), record, looked_at })
    }

    /// Takes an answered call over, with what was seen of it. Gives its id; `given` is the one in the request's header.
    pub fn offer(
        &self,
        interest: Interest,
        outcome: &mut Outcome,
        given: Option<String>,
        form: Option<Form>,
    ) -> String {
        if let (Some((_, Err(dropped))), false) = (&interest.copy, interest.looked_at) {
            self.mirror.skip(*dropped);
            return String::new();
        }
        let seen = *outcome.seen.take().unwrap_or_default();
        let refusal = outcome.reply.as_ref().err();
        // Without records nobody asks for the call by its name.
        let id = if interest.recording { self.ids.of(seen.id.or(given)) } else { String::new() };
        let call = Box::new(Call {
            id: id.clone(),
            at: interest.at,
            record: interest.record,
            main: Answered {
                status: refusal.map_or(200, |refusal| refusal.status().as_u16()),
                error: refusal.map(Refusal::to_string),
                outputs: seen.outputs,
                latency: Some(outcome.latency),
            },
            inputs: seen.inputs,
            rows: seen.rows,
            challenger: Shadow::None,
        });
        match (interest.copy, form) {
            (Some((to, Ok(admission))), Some(form)) => self.mirror.send(call, form, to, admission),
            (Some((_, Err(dropped))), _) => self.mirror.pass(call, dropped),
            _ => self.watchers.send(call),
        }
        id
    }

    /// What was seen so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        watcher::lock(&self.seen).summary()
    }

    /// Sets the gauges to what was seen.
    pub fn show(&self) {
        let settings = self.settings.load();
        self.gauges.show(&self.summary(), settings.drift.as_ref());
        let open = settings.challenger.as_ref().is_some_and(|challenger| challenger.line.is_open());
        self.counts.circuit_open.set(open.into());
    }

    /// The newest records as JSON lines, at most `limit`; none where nothing is recorded.
    #[must_use]
    pub fn records(&self, limit: usize) -> Option<Vec<u8>> {
        self.settings.load().recording.as_ref().map(|_| self.ring.newest(limit))
    }

    /// Joins what somebody tells to the calls that it is about. With `far`, calls of other pods count as well.
    pub async fn join(&self, told: Vec<outcomes::Outcome>, far: bool) -> Result<Joined, Refusal> {
        if self.settings.load().recording.is_none() {
            return Err(Refusal::bad("nothing is recorded here: set spec.recording of the ModelDeployment"));
        }
        if !self.has_labels {
            return Err(Refusal::bad(
                "the model has no output that is a label: a string, a whole number or a boolean",
            ));
        }
        let all = told.len() as u64;
        let mut unknown = watcher::lock(&self.seen).join(told);
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
    pub async fn stop(&self, deadline: tokio::time::Instant) {
        self.threads.stop(deadline).await;
        let (calls, mirrored, dropped) = self.counts.copies();
        if calls > 0 {
            // Nobody may come to read the metrics any more.
            tracing::info!(calls, mirrored, dropped, "observed");
        }
    }
}
