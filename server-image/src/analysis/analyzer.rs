//! The thread that looks at calls: comparison, late truth, drift and records. It has no part in any answer.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use tokio::{sync::watch, time::Instant};
use understudy_contract::routing::RecordingRules;
use understudy_stats::Identity;

use super::{
    counts::Counts,
    drift,
    handle::{self, Handle, QueuedCall},
    state::{AnalysisState, lock},
};
use crate::{
    queue::lazy::LazyReader,
    records::{self, Recorder, RecordingSettings},
    routing::ActiveRouting,
    signature::Port,
};

/// Calls that are looked at in one go.
const BATCH: usize = 256;
/// How soon routing, the age of files and the window of drift are looked at while no call comes.
const TICK: Duration = Duration::from_millis(200);

/// Where records go, and how they are counted.
pub struct Records {
    /// What the recorder needs to know.
    pub options: records::RecorderOptions,
    /// The books.
    pub counts: Arc<records::Counts>,
    /// The newest rows.
    pub ring: Arc<records::Ring>,
}

/// What the recorder needs to know of the rules.
fn recording_settings(rules: &RecordingRules) -> RecordingSettings {
    RecordingSettings {
        redact: rules.redact.clone(),
        rotate_after: Duration::from_secs(rules.rotate_seconds),
        retention: rules.retention_seconds.map(Duration::from_secs),
    }
}

/// The other end of the door.
pub struct Analyzer {
    queue: LazyReader<QueuedCall>,
    state: Arc<Mutex<AnalysisState>>,
    routing: Arc<ArcSwap<ActiveRouting>>,
    main: Arc<Identity>,
    outputs: Vec<Port>,
    records: Records,
}

/// A door, what is seen, and the analyzer behind it.
pub fn open(
    main: Arc<Identity>,
    drift: Option<drift::Tracker>,
    records: Records,
    routing: Arc<ArcSwap<ActiveRouting>>,
    counts: Arc<Counts>,
) -> (Handle, Arc<Mutex<AnalysisState>>, Analyzer) {
    let outputs = records.options.signature.outputs.clone();
    let (handle, queue) = handle::queue(counts, Arc::clone(&records.counts));
    let state = Arc::new(Mutex::new(AnalysisState::new(Arc::clone(&main), drift)));
    let queue = LazyReader::new(queue);
    let analyzer = Analyzer { queue, state: Arc::clone(&state), routing, main, outputs, records };
    (handle, state, analyzer)
}

impl Analyzer {
    /// Looks at calls until `stop` names the moment by which all must have ended.
    pub async fn run(self, mut stop: watch::Receiver<Option<Instant>>) {
        let Self { mut queue, state, routing, main, outputs, records: Records { options, counts, ring } } =
            self;
        let mut look =
            Look { state, routing, main, outputs, recorder: Recorder::start(options, &counts, &ring) };
        let mut batch = Vec::with_capacity(BATCH);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let deadline = loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => look.at(&mut batch),
                told = stop.wait_for(Option::is_some) => break told.ok().and_then(|at| *at),
                () = queue.read(&mut batch, BATCH) => look.at(&mut batch),
            }
        };
        queue.close();
        loop {
            queue.read(&mut batch, BATCH).await;
            if batch.is_empty() {
                break;
            }
            look.at(&mut batch);
        }
        look.recorder.finish(deadline.unwrap_or_else(Instant::now)).await;
    }
}

/// What the thread works with.
struct Look {
    state: Arc<Mutex<AnalysisState>>,
    routing: Arc<ArcSwap<ActiveRouting>>,
    main: Arc<Identity>,
    outputs: Vec<Port>,
    recorder: Recorder,
}

impl Look {
    fn at(&mut self, batch: &mut Vec<QueuedCall>) {
        let routing = self.routing.load();
        let recording = routing.recording.as_ref().map(recording_settings);
        self.recorder.set(recording.as_ref());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        {
            let mut state = lock(&self.state);
            state.follow(&routing, &self.outputs, now);
            for waiting in &*batch {
                state.look(&waiting.call, recording.is_some());
            }
        }
        for QueuedCall { call, reservation } in batch.drain(..) {
            self.recorder.record(*call, &self.main);
            drop(reservation);
        }
        self.recorder.tick(Instant::now());
    }
}
