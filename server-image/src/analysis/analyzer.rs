//! The analyzer: a thread that takes calls from its queue, counts them, and passes them to the recorder. No response
//! waits for it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};
use understudy_contract::routing::RecordingRules;
use understudy_stats::Identity;

use super::{
    counts::Counts,
    drift,
    handle::{self, Handle, QueuedCall},
    questions::{self, Asked, Question, Questions},
    state::AnalysisState,
    truth::OutcomeOutput,
};
use crate::{
    mirror,
    queue::lazy::LazyReader,
    records::{self, Recorder, RecordingSettings},
    routing::ActiveRouting,
};

/// Calls that are analyzed together.
const BATCH: usize = 256;
/// While no call comes, the analyzer checks routing, age of files and drift window in this interval.
const INTERVAL: Duration = Duration::from_millis(200);

/// What the recorder needs.
pub struct Records {
    /// Its options.
    pub options: records::RecorderOptions,
    /// Its counters.
    pub counts: Arc<records::Counts>,
    /// The newest rows.
    pub ring: Arc<records::Ring>,
}

fn recording_settings(rules: &RecordingRules) -> RecordingSettings {
    RecordingSettings {
        redact: rules.redact.clone(),
        max_elements: usize::try_from(rules.max_elements).unwrap_or(usize::MAX),
        rotate_after: Duration::from_secs(rules.rotate_seconds),
        retention: rules.retention_seconds.map(Duration::from_secs),
    }
}

/// The work of the analyzer's thread.
pub struct Analyzer {
    queue: LazyReader<QueuedCall>,
    asked: Asked,
    state: AnalysisState,
    routing: Arc<ArcSwap<ActiveRouting>>,
    main: Arc<Identity>,
    records: Records,
    counts: Arc<Counts>,
    copies: Arc<mirror::Counts>,
}

/// A handle, the questions that everyone may ask, and the analyzer behind them. `drift` is absent without a baseline. `copies`
/// has the calls that were not copied.
pub fn open(
    main: Arc<Identity>,
    drift: Option<drift::Tracker>,
    records: Records,
    routing: Arc<ArcSwap<ActiveRouting>>,
    counts: Arc<Counts>,
    copies: Arc<mirror::Counts>,
) -> (Handle, Questions, Analyzer) {
    let labels = OutcomeOutput::of(&records.options.signature);
    let (handle, queue) = handle::queue(Arc::clone(&counts), Arc::clone(&records.counts));
    let state = AnalysisState::new(Arc::clone(&main), &records.options.columns, labels, drift);
    let (questions, asked) = questions::open(state.summary());
    let queue = LazyReader::new(queue);
    let analyzer = Analyzer { queue, asked, state, routing, main, records, counts, copies };
    (handle, questions, analyzer)
}

impl Analyzer {
    /// Analyzes calls until `stop` names a deadline. Then it analyzes the rest of the queue, and the recorder uploads
    /// until the deadline.
    pub async fn run(self, mut stop: watch::Receiver<Option<Instant>>) {
        let Self { mut queue, mut asked, state, routing, main, records, counts, copies } = self;
        let recorder = Recorder::start(records.options, &records.counts, &records.ring);
        let mut batches = Batches { state, routing, main, counts, copies, recorder };
        let mut batch = Vec::with_capacity(BATCH);
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => batches.analyze(&mut batch),
                at = stop.wait_for(Option::is_some) => break at.ok().and_then(|at| *at),
                question = asked.next() => {
                    // Those that have their responses count.
                    queue.take(&mut batch);
                    batches.analyze(&mut batch);
                    batches.answer(question, &asked);
                }
                () = queue.read(&mut batch, BATCH) => batches.analyze(&mut batch),
            }
        };
        queue.close();
        loop {
            queue.read(&mut batch, BATCH).await;
            if batch.is_empty() {
                break;
            }
            batches.analyze(&mut batch);
        }
        batches.recorder.finish(deadline.unwrap_or_else(Instant::now)).await;
    }
}

/// Analyzes batches of calls.
struct Batches {
    state: AnalysisState,
    routing: Arc<ArcSwap<ActiveRouting>>,
    main: Arc<Identity>,
    counts: Arc<Counts>,
    copies: Arc<mirror::Counts>,
    recorder: Recorder,
}

impl Batches {
    /// Follows the routing, then counts and records the calls in `batch`. Leaves it empty.
    fn analyze(&mut self, batch: &mut Vec<QueuedCall>) {
        let routing = self.routing.load();
        let recording = routing.recording.as_ref().map(recording_settings);
        self.recorder.set(recording.as_ref());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.state.follow(&routing, now);
        for queued in &*batch {
            let left_out = self.state.count(&queued.call, recording.is_some());
            self.counts.rows_left_out.inc_by(left_out);
        }
        self.state.met_open_circuit(self.copies.met_open_circuit());
        for QueuedCall { call, reservation } in batch.drain(..) {
            self.recorder.record(*call, &self.main);
            drop(reservation);
        }
        self.recorder.tick(Instant::now());
    }

    /// Answers a question. An answer that nobody waits for any more is lost.
    fn answer(&mut self, question: Question, asked: &Asked) {
        match question {
            Question::Publish(answer) => {
                asked.publish(self.state.summary());
                let _ = answer.send(());
            }
            Question::Join(outcomes, answer) => {
                let _ = answer.send(self.state.join(outcomes));
            }
        }
    }
}
