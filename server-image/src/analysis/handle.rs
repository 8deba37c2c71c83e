//! The sending end of the analyzer's queue, for threads that must not wait. The queue is bounded in calls and in bytes.

use std::sync::Arc;

use tokio::sync::mpsc::{self, error::TrySendError};

use super::counts::Counts;
use crate::{
    call::Call,
    queue::budget::{Budget, Reservation},
    records::{self, Loss},
};

/// Calls in the queue.
const MAX_QUEUED: usize = 4096;
/// Memory of the calls in the queue, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// A call in the queue.
pub(super) struct QueuedCall {
    /// The call.
    pub(super) call: Box<Call>,
    /// The memory of the call. It is returned after the call was analyzed.
    pub(super) reservation: Reservation,
}

/// The sending end of the queue.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<QueuedCall>,
    budget: Arc<Budget>,
    counts: Arc<Counts>,
    rows: Arc<records::Counts>,
}

/// A handle and the receiving end of its queue.
pub(super) fn queue(counts: Arc<Counts>, rows: Arc<records::Counts>) -> (Handle, mpsc::Receiver<QueuedCall>) {
    let (sender, queue) = mpsc::channel(MAX_QUEUED);
    (Handle { queue: sender, budget: Budget::new(MAX_BYTES), counts, rows }, queue)
}

impl Handle {
    /// Puts a call into the queue. If the queue is full, counts the call as dropped.
    pub fn send(&self, call: Box<Call>) {
        let record = call.record;
        if record {
            self.rows.due(1);
        }
        let queued = self.budget.reserve(call.bytes()).map(|reservation| QueuedCall { call, reservation });
        let loss = match queued.map(|queued| self.queue.try_send(queued)) {
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
