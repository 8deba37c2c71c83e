//! The thread that looks at calls: comparison, late truth, drift and records. It has no part in any answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use understudy_contract::routing::RecordingRules;
use understudy_stats::{Comparison, Identity, Summary};

use super::compare;
use super::counts::Counts;
use super::drift;
use super::outcomes::{Index, Outcome};
use crate::call::{Call, Shadow};
use crate::queue::budget::{Room, Share};
use crate::queue::lazy::Lazy;
use crate::records::{self, Loss, Recorder, RecordingSettings};
use crate::routing::Settings;
use crate::signature::Port;

/// Calls that may wait to be looked at, and the memory that they may take.
const QUEUE: usize = 4096;
const ROOM: usize = 8 << 20;
/// Calls that are looked at in one go.
const BATCH: usize = 256;
/// How soon settings, the age of files and the window of drift are looked at while no call comes.
const TICK: Duration = Duration::from_millis(200);

struct Waiting {
    call: Box<Call>,
    /// Given back when the call was looked at.
    share: Share,
}

/// The way in, for threads that must not wait.
#[derive(Clone)]
pub struct Door {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Room>,
    counts: Arc<Counts>,
    rows: Arc<records::Counts>,
}

impl Door {
    /// Hands a call over, or counts that nobody will look at it.
    pub fn send(&self, call: Box<Call>) {
        let record = call.record;
        if record {
            self.rows.due(1);
        }
        let waiting = self.room.take(call.bytes()).map(|share| Waiting { call, share });
        let loss = match waiting.map(|waiting| self.queue.try_send(waiting)) {
            Some(Ok(())) => return,
            None | Some(Err(TrySendError::Full(_))) => Loss::QueueFull,
            Some(Err(TrySendError::Closed(_))) => Loss::Stopping,
        };
        self.counts.unseen.inc();
        if record {
            self.rows.dropped(loss, 1);
        }
    }
}

/// What was seen so far. The thread changes it, whoever asks reads it; no answer to a caller waits for it.
pub struct Seen {
    main: Arc<Identity>,
    comparison: Option<Comparison>,
    drift: Option<drift::Watch>,
    index: Index,
}

impl Seen {
    /// All of it, for the operator.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let outcomes = Some(self.index.outcomes).filter(|outcomes| outcomes.joined() > 0);
        Summary {
            main: (*self.main).clone(),
            comparison: self.comparison.clone(),
            drift: self.drift.as_ref().map(drift::Watch::drift),
            outcomes,
        }
    }

    /// Joins what somebody tells; gives back what is not known here.
    pub fn join(&mut self, told: Vec<Outcome>) -> Vec<Outcome> {
        self.index.join(told)
    }

    /// Begins a comparison anew where the challenger is another one, and ends it where there is none.
    fn follow(&mut self, settings: &Settings, outputs: &[Port], now: u64) {
        if let Some(drift) = &mut self.drift {
            drift.follow(settings.drift.as_ref(), now);
        }
        let challenger = settings.challenger.as_ref().map(|challenger| &*challenger.identity);
        if self.comparison.as_ref().map(Comparison::challenger) == challenger {
            return;
        }
        self.index.outcomes.forget_challenger();
        self.comparison = challenger.map(|challenger| compare::begin(&self.main, challenger, now, outputs));
    }

    fn look(&mut self, call: &Call, recording: bool) {
        if let Some(comparison) = &mut self.comparison {
            let same = match &call.challenger {
                Shadow::Answered { by, .. } => **by == *comparison.challenger(),
                Shadow::None | Shadow::Dropped(_) => true,
            };
            if same {
                compare::count(comparison, call);
            }
        }
        if let Some(drift) = &mut self.drift {
            drift.count(call);
        }
        if recording {
            self.index.remember(call);
        }
    }
}

/// Locks what was seen; a panic of another thread has left it whole, since counts have no halves.
pub fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where records go, and how they are counted.
pub struct Records {
    /// What the recorder needs to know.
    pub plan: records::RecorderOptions,
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
pub struct Watcher {
    queue: Lazy<Waiting>,
    seen: Arc<Mutex<Seen>>,
    settings: Arc<ArcSwap<Settings>>,
    main: Arc<Identity>,
    outputs: Vec<Port>,
    records: Records,
}

/// A door, what is seen, and the watcher behind it.
pub fn open(
    main: Arc<Identity>,
    drift: Option<drift::Watch>,
    records: Records,
    settings: Arc<ArcSwap<Settings>>,
    counts: Arc<Counts>,
) -> (Door, Arc<Mutex<Seen>>, Watcher) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let outputs = records.plan.signature.outputs.clone();
    let door = Door { queue: sender, room: Room::new(ROOM), counts, rows: Arc::clone(&records.counts) };
    let seen = Seen { main: Arc::clone(&main), comparison: None, drift, index: Index::default() };
    let seen = Arc::new(Mutex::new(seen));
    let queue = Lazy::new(queue);
    let watcher = Watcher { queue, seen: Arc::clone(&seen), settings, main, outputs, records };
    (door, seen, watcher)
}

impl Watcher {
    /// Looks at calls until `stop` names the moment by which all must have ended.
    pub async fn run(self, mut stop: watch::Receiver<Option<Instant>>) {
        let Self { mut queue, seen, settings, main, outputs, records: Records { plan, counts, ring } } = self;
        let mut look =
            Look { seen, settings, main, outputs, recorder: Recorder::start(plan, &counts, &ring) };
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
    seen: Arc<Mutex<Seen>>,
    settings: Arc<ArcSwap<Settings>>,
    main: Arc<Identity>,
    outputs: Vec<Port>,
    recorder: Recorder,
}

impl Look {
    fn at(&mut self, batch: &mut Vec<Waiting>) {
        let settings = self.settings.load();
        let recording = settings.recording.as_ref().map(recording_settings);
        self.recorder.set(recording.as_ref());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        {
            let mut seen = lock(&self.seen);
            seen.follow(&settings, &self.outputs, now);
            for waiting in &*batch {
                seen.look(&waiting.call, recording.is_some());
            }
        }
        for Waiting { call, share } in batch.drain(..) {
            self.recorder.record(*call, &self.main);
            drop(share);
        }
        self.recorder.tick(Instant::now());
    }
}
