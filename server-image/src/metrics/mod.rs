//! The metrics of requests: counters with Triton's names, so that its dashboards work, and a latency histogram.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use prometheus::{Counter, Encoder, Histogram, HistogramOpts, IntCounter, IntGauge, TextEncoder};
use serde_json::{Value, json};

use crate::error::{FailureReason, Refusal};

mod family;

pub use family::Family;

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
}

/// Counters of requests, and whether this version is main.
pub struct Metrics {
    family: Family,
    success: IntCounter,
    /// In the order of [`FailureReason::ALL`].
    failures: [IntCounter; FailureReason::ALL.len()],
    inferences: IntCounter,
    executions: IntCounter,
    request_us: Counter,
    queue_us: Counter,
    input_us: Counter,
    infer_us: Counter,
    output_us: Counter,
    duration: Histogram,
    pending: IntGauge,
    main: IntGauge,
    /// Time of failed requests in nanoseconds. Triton has no counter for it, only a statistic.
    failure_ns: AtomicU64,
    /// The start of the process, by both clocks.
    started: (Instant, SystemTime),
    /// The end of the last inference, in milliseconds since the start. 0 before the first.
    last_ms: AtomicU64,
}

/// Bounds in seconds, three a decade: from the time of a light model to the time that a caller waits.
const BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0,
];

impl Metrics {
    /// The metrics of one version of one model.
    #[must_use]
    pub fn new(model: &str, version: &str) -> Self {
        let family = Family::new(model, version);
        let failure = |reason: FailureReason| {
            let help = "Requests that failed, by reason";
            family.counter_with("nv_inference_request_failure", help, ("reason", reason.as_str()))
        };
        let micros = |name: &str, help: &str| family.register(Counter::with_opts(family.opts(name, help)));
        let duration = HistogramOpts::new(
            "understudy_request_duration_seconds",
            "Time of successful requests from the end of the body to the start of the response, in seconds",
        );
        Self {
            success: family.counter("nv_inference_request_success", "Requests with a prediction"),
            failures: FailureReason::ALL.map(failure),
            inferences: family.counter("nv_inference_count", "Rows in successful requests"),
            executions: family
                .counter("nv_inference_exec_count", "Runs of the model for successful requests"),
            request_us: micros(
                "nv_inference_request_duration_us",
                "Time of successful requests with the queue, in microseconds",
            ),
            queue_us: micros(
                "nv_inference_queue_duration_us",
                "Time of successful requests in the queue, in microseconds",
            ),
            input_us: micros(
                "nv_inference_compute_input_duration_us",
                "Time to decode requests, in microseconds",
            ),
            infer_us: micros(
                "nv_inference_compute_infer_duration_us",
                "Time in ONNX Runtime, in microseconds",
            ),
            output_us: micros(
                "nv_inference_compute_output_duration_us",
                "Time to encode responses, in microseconds",
            ),
            duration: family.histogram(duration.buckets(BUCKETS.to_vec())),
            pending: family
                .gauge("nv_inference_pending_request_count", "Requests in the queue for a session"),
            main: family.gauge("understudy_main", "1 while this version is main"),
            failure_ns: AtomicU64::new(0),
            started: (Instant::now(), SystemTime::now()),
            last_ms: AtomicU64::new(0),
            family,
        }
    }

    /// The family, to register more metrics.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// Counts a request that succeeded at `end`, after `total`.
    pub fn succeeded(&self, timing: &Timing, total: Duration, end: Instant) {
        self.success.inc();
        self.executions.inc();
        self.inferences.inc_by(timing.batch);
        self.request_us.inc_by(micros(total));
        self.queue_us.inc_by(micros(timing.queue));
        self.input_us.inc_by(micros(timing.input));
        self.infer_us.inc_by(micros(timing.infer));
        self.output_us.inc_by(micros(timing.output));
        self.duration.observe(total.as_secs_f64());
        let last = end.saturating_duration_since(self.started.0).as_millis();
        self.last_ms.store(u64::try_from(last).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    /// Counts a request that failed after `total`.
    pub fn failed(&self, refusal: &Refusal, total: Duration) {
        self.failure_ns.fetch_add(u64::try_from(total.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        self.failures[refusal.failure_reason() as usize].inc();
    }

    /// Counts a request whose caller closed the connection while it was in the queue.
    pub fn canceled(&self) {
        self.failures[FailureReason::Canceled as usize].inc();
    }

    /// Adds `change` to the number of requests in the queue.
    pub fn waiting(&self, change: i64) {
        self.pending.add(change);
    }

    /// Sets whether this version is main.
    pub fn set_main(&self, main: bool) {
        self.main.set(main.into());
    }

    /// All metrics in Prometheus text format.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.family.registry().gather(), &mut text)
            .expect("writing to memory does not fail");
        text
    }
}

/// Triton's statistics of one model version.
impl Metrics {
    /// The end of the last inference, in milliseconds since 1970. 0 before the first.
    fn last_inference(&self) -> u64 {
        let start = self.started.1.duration_since(UNIX_EPOCH).unwrap_or_default();
        match self.last_ms.load(Relaxed) {
            0 => 0,
            last => u64::try_from(start.as_millis()).unwrap_or(u64::MAX).saturating_add(last),
        }
    }

    /// The `model_stats` entry of `model` in `version`.
    #[must_use]
    pub fn statistics(&self, model: &str, version: &str) -> Value {
        let succeeded = self.success.get();
        let failed: u64 = self.failures.iter().map(IntCounter::get).sum();
        let duration = |count: u64, us: f64| json!({"count": count, "ns": nanos(us)});
        json!({
            "name": model,
            "version": version,
            "last_inference": self.last_inference(),
            "inference_count": self.inferences.get(),
            "execution_count": self.executions.get(),
            "inference_stats": {
                "success": duration(succeeded, self.request_us.get()),
                "fail": {"count": failed, "ns": self.failure_ns.load(Relaxed)},
                "queue": duration(succeeded, self.queue_us.get()),
                "compute_input": duration(succeeded, self.input_us.get()),
                "compute_infer": duration(succeeded, self.infer_us.get()),
                "compute_output": duration(succeeded, self.output_us.get()),
                "cache_hit": {"count": 0, "ns": 0},
                "cache_miss": {"count": 0, "ns": 0},
            },
            "batch_stats": [],
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sum of durations is not negative"
)]
fn nanos(micros: f64) -> u64 {
    (micros * 1e3) as u64
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_inference_is_in_milliseconds_since_1970_and_0_before_the_first() {
        let metrics = Metrics::new("fraud", "1.3.0");
        assert_eq!(metrics.statistics("fraud", "1.3.0")["last_inference"], 0);
        let hour = Duration::from_hours(1);
        metrics.succeeded(&Timing::default(), Duration::ZERO, metrics.started.0 + hour);
        let expected = (metrics.started.1 + hour).duration_since(UNIX_EPOCH).unwrap().as_millis();
        let found = metrics.statistics("fraud", "1.3.0")["last_inference"].as_u64().unwrap();
        assert!(expected.abs_diff(found.into()) <= 1, "{found} is not {expected}");
    }
}
