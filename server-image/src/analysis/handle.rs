//! The way into the analysis, for threads that must not wait: a queue bounded in calls and in bytes.

use std::sync::Arc;

use tokio::sync::mpsc::{self, error::TrySendError};

use super::counts::Counts;
use crate::{
    call::Call,
    queue::budget::{Budget, Reservation},
    records::{self, Loss},
};

/// Calls that may wait to be looked at, and the memory that they may take.
const QUEUE: usize = 4096;
const MEMORY: usize = 8 << 20;

/// A call that waits.
pub(super) struct QueuedCall {
    pub(super) call: Box<Call>,
    /// Given back when the call was looked at.
    pub(super) reservation: Reservation,
}

/// The way in, for threads that must not wait.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<QueuedCall>,
    budget: Arc<Budget>,
    counts: Arc<Counts>,
    rows: Arc<records::Counts>,
}

/// A handle, and the queue behind it.
pub(super) fn queue(counts: Arc<Counts>, rows: Arc<records::Counts>) -> (Handle, mpsc::Receiver<QueuedCall>) {
    let (sender, queue) = mpsc::channel(QUEUE);
    (Handle { queue: sender, budget: Budget::new(MEMORY), counts, rows }, queue)
}

impl Handle {
    /// Hands a call over, or counts that nobody will look at it.
    pub fn send(&self, call: Box<Call>) {
        let record = call.record;
        if record {
            self.rows.due(1);
        }
        let waiting = self.budget.reserve(call.bytes()).map(|reservation| QueuedCall { call, reservation });
        let loss = match waiting.map(|waiting| self.queue.try_send(waiting)) {
            Some(Ok(())) => return,
            None | Some(Err(TrySendError::Full(_))) => Loss::QueueFull,
            Some(Err(TrySendError::Closed(_))) => Loss::Stopping,
        };
        self.counts.dropped.inc();
        if record {
            self.rows.dropped(loss, 1);
        }
    }
}
