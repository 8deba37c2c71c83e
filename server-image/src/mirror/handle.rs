//! The sending end of the mirror's queue, for threads that must not wait. The queue is bounded in calls and in bytes.
//! Each copy is counted once, however it ends, and its call goes on to the analysis.

use std::{sync::Arc, time::Instant};

use http::HeaderValue;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{breaker::Admission, challenger::Challenger, counts::Counts};
use crate::{
    call::{Call, Dropped, Shadow},
    exchange::Message,
    queue::budget::{Budget, Reservation},
};

/// Copies in the queue.
const MAX_QUEUED: usize = 1024;
/// Memory of all copies in bytes, in the queue and in flight, with their responses.
const MAX_BYTES: usize = 8 << 20;

/// A request as it arrived, before decoding.
#[derive(Debug)]
pub struct RawRequest {
    /// The request.
    pub message: Message,
    /// The trace that it belongs to.
    pub traceparent: Option<HeaderValue>,
}

/// Where a call goes after its copy ended.
pub type Next = Box<dyn Fn(Box<Call>) + Send + Sync>;

/// A call and its copy to the challenger. If it is dropped, the call is counted as dropped and goes on.
pub(super) struct CallCopy {
    call: Option<Box<Call>>,
    /// The request to copy.
    pub(super) request: RawRequest,
    /// The challenger.
    pub(super) to: Arc<Challenger>,
    /// The end of the call on main.
    pub(super) since: Instant,
    /// The memory of call and request. It grows with the response.
    pub(super) reservation: Reservation,
    /// How the circuit breaker allowed it.
    pub(super) admission: Admission,
    exit: Arc<Exit>,
}

/// The end of all copies.
struct Exit {
    counts: Arc<Counts>,
    next: Next,
}

impl Exit {
    fn leave(&self, mut call: Box<Call>, shadow: Shadow) {
        self.counts.ended(&shadow);
        call.challenger = shadow;
        (self.next)(call);
    }
}

impl CallCopy {
    /// Ends the copy.
    pub(super) fn end(mut self, shadow: Shadow) {
        if let Some(call) = self.call.take() {
            self.exit.leave(call, shadow);
        }
    }
}

impl Drop for CallCopy {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.exit.leave(call, Shadow::Dropped(Dropped::Stopping));
        }
    }
}

/// The sending end of the queue.
pub struct Handle {
    queue: mpsc::Sender<CallCopy>,
    budget: Arc<Budget>,
    exit: Arc<Exit>,
}

/// A handle and the receiving end of its queue. Each call goes to `next` when its copy ends.
pub(super) fn queue(counts: Arc<Counts>, next: Next) -> (Handle, mpsc::Receiver<CallCopy>) {
    let (sender, queue) = mpsc::channel(MAX_QUEUED);
    (Handle { queue: sender, budget: Budget::new(MAX_BYTES), exit: Arc::new(Exit { counts, next }) }, queue)
}

impl Handle {
    /// Counts a call that is not copied and that no observer needs.
    pub fn skip(&self, dropped: Dropped) {
        self.exit.counts.begun();
        self.exit.counts.ended(&Shadow::Dropped(dropped));
    }

    /// Counts a call that is not copied, and hands it on.
    pub fn pass(&self, call: Box<Call>, dropped: Dropped) {
        self.exit.counts.begun();
        self.exit.leave(call, Shadow::Dropped(dropped));
    }

    /// Puts a copy of the call into the queue. If the queue is full, hands the call on without a copy.
    pub fn send(&self, call: Box<Call>, request: RawRequest, to: Arc<Challenger>, admission: Admission) {
        let Some(reservation) = self.budget.reserve(call.bytes() + request.message.body.len()) else {
            return self.pass(call, Dropped::QueueFull);
        };
        self.exit.counts.begun();
        let copy = CallCopy {
            call: Some(call),
            request,
            to,
            since: Instant::now(),
            reservation,
            admission,
            exit: Arc::clone(&self.exit),
        };
        match self.queue.try_send(copy) {
            Ok(()) => {}
            // If this copy was the breaker's trial, the breaker allows another one after the timeout.
            Err(TrySendError::Full(copy)) => copy.end(Shadow::Dropped(Dropped::QueueFull)),
            Err(TrySendError::Closed(copy)) => copy.end(Shadow::Dropped(Dropped::Stopping)),
        }
    }
}
