//! Where a pass sits while it talks to the API server: what it has read, and the fault that waits for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

use super::objects::Kind;

/// What goes wrong in a pass. Requests and writes are counted from 0; published events do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    #[default]
    None,
    /// The process ends after this write.
    Crash(u8),
    /// The answer of this write is lost.
    Lose(u8),
    /// This request fails, and has no effect.
    Fail(u8),
    /// The pass is held before this request, until a later step.
    Hold(u8),
}

/// What happens to a request.
pub enum Gate {
    Open,
    Fails,
    LosesAnswer,
    EndsProcess,
    Waits(oneshot::Receiver<()>),
}

/// The state of one pass at a time.
#[derive(Default)]
pub struct Seat {
    pub fault: Fault,
    requests: u8,
    writes: u8,
    /// When the pass began, in seconds of the world.
    pub since: i64,
    /// How many switches of callers there were when the pass began.
    pub switches: usize,
    /// What the pass has read from the API server.
    pub reads: Vec<(Kind, Arc<Value>)>,
    pub release: Option<oneshot::Sender<()>>,
}

impl Clone for Seat {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Seat {
    /// A pass begins.
    pub fn begin(&mut self, fault: Fault, seconds: i64, switches: usize) {
        *self = Self { fault, since: seconds, switches, ..Self::default() };
    }

    /// A request arrives.
    pub fn gate(&mut self, writes: bool) -> Gate {
        let (request, write) = (self.requests, self.writes);
        self.requests = request.saturating_add(1);
        if writes {
            self.writes = write.saturating_add(1);
        }
        match self.fault {
            Fault::Crash(at) if writes && at == write => Gate::EndsProcess,
            Fault::Lose(at) if writes && at == write => Gate::LosesAnswer,
            Fault::Fail(at) if at == request => Gate::Fails,
            Fault::Hold(at) if at == request => {
                let (release, held) = oneshot::channel();
                self.release = Some(release);
                Gate::Waits(held)
            }
            _ => Gate::Open,
        }
    }
}
