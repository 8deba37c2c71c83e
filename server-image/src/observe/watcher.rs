//! The thread that looks at calls: comparison, late truth, drift and records. It has no part in any answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};
use understudy_stats::{Comparison, Identity, Summary};

use super::call::{Call, Shadow};
use super::compare;
use super::counts::Counts;
use super::drift;
use super::outcomes::{Index, Outcome};
use super::room::{Room, Share};
use crate::routing::Settings;
use crate::signature::Port;

/// Calls that may wait to be looked at, and the memory that they may take.
const QUEUE: usize = 4096;
const ROOM: usize = 8 << 20;
/// Calls that are looked at in one go.
const BATCH: usize = 256;

struct Waiting {
    call: Box<Call>,
    _share: Share,
}

/// The way in, for threads that must not wait.
#[derive(Clone)]
pub struct Door {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Room>,
    counts: Arc<Counts>,
}

impl Door {
    /// Hands a call over, or counts that nobody will look at it.
    pub fn send(&self, call: Box<Call>) {
        let waiting = self.room.take(call.bytes()).map(|share| Waiting { call, _share: share });
        let sent = waiting.is_some_and(|waiting| self.queue.try_send(waiting).is_ok());
        if !sent {
            self.counts.unseen.inc();
        }
    }
}

/// What was seen so far. The thread changes it, whoever asks reads it; no answer to a caller waits for it.
pub struct Seen {
    main: Identity,
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
            main: self.main.clone(),
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

/// The other end of the door.
pub struct Watcher {
    queue: mpsc::Receiver<Waiting>,
    seen: Arc<Mutex<Seen>>,
    settings: Arc<ArcSwap<Settings>>,
    outputs: Vec<Port>,
}

/// A door, what is seen, and the watcher behind it.
pub fn open(
    main: Identity,
    outputs: Vec<Port>,
    drift: Option<drift::Watch>,
    settings: Arc<ArcSwap<Settings>>,
    counts: Arc<Counts>,
) -> (Door, Arc<Mutex<Seen>>, Watcher) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let seen = Arc::new(Mutex::new(Seen { main, comparison: None, drift, index: Index::default() }));
    let door = Door { queue: sender, room: Room::new(ROOM), counts };
    let watcher = Watcher { queue, seen: Arc::clone(&seen), settings, outputs };
    (door, seen, watcher)
}

impl Watcher {
    /// Looks at calls until `stop` names the moment by which all must have ended.
    pub async fn run(mut self, mut stop: watch::Receiver<Option<tokio::time::Instant>>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => self.look(&[]),
                _ = self.queue.recv_many(&mut batch, BATCH) => {
                    self.look(&batch);
                    batch.clear();
                }
                _ = stop.wait_for(Option::is_some) => break,
            }
        }
        self.queue.close();
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            self.look(&batch);
            batch.clear();
        }
    }

    fn look(&self, batch: &[Waiting]) {
        let settings = self.settings.load();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut seen = lock(&self.seen);
        seen.follow(&settings, &self.outputs, now);
        for waiting in batch {
            seen.look(&waiting.call, settings.recording.is_some());
        }
    }
}
