//! The way into the mirror, for threads that must not wait: a queue bounded in calls and in bytes. Whatever ends a copy,
//! it is counted once, and the call goes on.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{breaker::Admission, challenger::Challenger, counts::Counts};
use crate::{
    call::{Call, Dropped, Shadow},
    codec::compression::Coding,
    engine::ApiKind,
    queue::budget::{Budget, Reservation},
};

/// Copies that may wait.
const QUEUE: usize = 1024;
/// Memory that copies may take together, waiting and under way, with their answers.
const MEMORY: usize = 8 << 20;

/// What a request looked like on its way in.
#[derive(Debug)]
pub struct RawRequest {
    /// What it is.
    pub kind: ApiKind,
    /// Its body.
    pub body: Bytes,
    /// `Inference-Header-Content-Length`.
    pub json_length: Option<usize>,
    /// How the body is compressed.
    pub coding: Option<Coding>,
}

/// Takes a call over once its copy has ended.
pub type Next = Box<dyn Fn(Box<Call>) + Send + Sync>;

/// A call on its way to the challenger. When it is dropped, however that comes, the call is counted and goes on.
pub(super) struct CallCopy {
    call: Option<Box<Call>>,
    pub(super) request: RawRequest,
    pub(super) to: Arc<Challenger>,
    pub(super) since: Instant,
    pub(super) reservation: Reservation,
    pub(super) admission: Admission,
    exit: Arc<Exit>,
}

/// Where every copy ends.
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

/// The way in, for threads that must not wait.
pub struct Handle {
    queue: mpsc::Sender<CallCopy>,
    budget: Arc<Budget>,
    exit: Arc<Exit>,
}

/// A handle, and the queue behind it. Each call goes to `next` in the end.
pub(super) fn queue(counts: Arc<Counts>, next: Next) -> (Handle, mpsc::Receiver<CallCopy>) {
    let (sender, queue) = mpsc::channel(QUEUE);
    (Handle { queue: sender, budget: Budget::new(MEMORY), exit: Arc::new(Exit { counts, next }) }, queue)
}

impl Handle {
    /// A call that is not copied, and that nobody else wants to look at.
    pub fn skip(&self, dropped: Dropped) {
        self.exit.counts.begun();
        self.exit.counts.ended(&Shadow::Dropped(dropped));
    }

    /// A call that is not copied.
    pub fn pass(&self, call: Box<Call>, dropped: Dropped) {
        self.exit.counts.begun();
        self.exit.leave(call, Shadow::Dropped(dropped));
    }

    /// Sends a copy of the call on its way, or lets the call go on without.
    pub fn send(&self, call: Box<Call>, request: RawRequest, to: Arc<Challenger>, admission: Admission) {
        let Some(reservation) = self.budget.reserve(call.bytes() + request.body.len()) else {
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
            // A try that never set out says nothing of the challenger; the breaker asks for another one by itself.
            Err(TrySendError::Full(copy)) => copy.end(Shadow::Dropped(Dropped::QueueFull)),
            Err(TrySendError::Closed(copy)) => copy.end(Shadow::Dropped(Dropped::Stopping)),
        }
    }
}
