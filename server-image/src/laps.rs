//! The times of a request's steps.

use std::time::{Duration, Instant};

/// Times the steps of a request. It reads the clock once a step: on a small request each reading counts.
#[derive(Debug, Clone, Copy)]
pub struct Laps {
    /// When the body had arrived.
    begin: Instant,
    last: Instant,
    inferred: Option<Instant>,
}

impl Laps {
    /// The first step begins.
    #[must_use]
    pub fn start() -> Self {
        let now = Instant::now();
        Self { begin: now, last: now, inferred: None }
    }

    /// Ends a step. Returns its time.
    pub fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }

    /// Ends the step of the inference. Returns its time.
    pub fn inference(&mut self) -> Duration {
        let took = self.lap();
        self.inferred = Some(self.last);
        took
    }

    /// From the start to the end of the inference, or to the last step if there was no inference.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.inferred.unwrap_or(self.last) - self.begin
    }

    /// From the start to the end of the last step.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.last - self.begin
    }

    /// From the start until now.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// The end of the last step.
    #[must_use]
    pub fn end(&self) -> Instant {
        self.last
    }
}

/// The steps of one request.
#[derive(Debug, Default, Clone, Copy)]
pub struct Timing {
    /// Time in the queue for a session.
    pub queue: Duration,
    /// Time to decode the body to tensors.
    pub input: Duration,
    /// Time in ONNX Runtime.
    pub infer: Duration,
    /// Time to encode the outputs.
    pub output: Duration,
    /// Rows of the request.
    pub batch: u64,
    /// Runs of the model: one, or none if the request was a part of the run that another one counts.
    pub executions: u64,
}
