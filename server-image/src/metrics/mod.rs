//! Counters under Triton's names, so that its dashboards work, and a latency histogram.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use prometheus::{Counter, Encoder, Histogram, HistogramOpts, IntCounter, IntGauge, TextEncoder};
use serde_json::{Value, json};

use crate::error::Refusal;

mod family;

pub use family::Family;

/// Where the time of one request went.
#[derive(Debug, Default, Clone, Copy)]
pub struct Timing {
    /// Waiting for a session.
    pub queue: Duration,
    /// Body to tensors.
    pub input: Duration,
    /// ONNX Runtime.
    pub infer: Duration,
    /// Tensors to body.
    pub output: Duration,
    /// Rows of the request.
    pub batch: u64,
}

/// What is counted of requests.
pub struct Metrics {
    family: Family,
    success: IntCounter,
    rejected: IntCounter,
    canceled: IntCounter,
    backend: IntCounter,
    other: IntCounter,
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
    /// Nanoseconds that failed requests took; Triton has no counter for it, only a statistic.
    failure_ns: AtomicU64,
    /// When the process started, by both clocks.
    started: (Instant, SystemTime),
    /// When the last inference ended, in milliseconds since the start; 0 before the first.
    last_ms: AtomicU64,
}

/// From what a light model takes to what a caller waits for, three a decade.
const BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0,
];

impl Metrics {
    /// The metrics of one version of one model.
    #[must_use]
    pub fn new(model: &str, version: &str) -> Self {
        let family = Family::new(model, version);
        let failure = |reason: &str| {
            let help = "Requests that were not answered with a prediction, by reason";
            family.counter_with("nv_inference_request_failure", help, ("reason", reason))
        };
        let micros = |name: &str, help: &str| family.register(Counter::with_opts(family.opts(name, help)));
        let duration = HistogramOpts::new(
            "understudy_request_duration_seconds",
            "From the end of a request's body to the beginning of its answer, of successful requests",
        );
        Self {
            success: family
                .counter("nv_inference_request_success", "Requests that were answered with a prediction"),
            rejected: failure("REJECTED"),
            canceled: failure("CANCELED"),
            backend: failure("BACKEND"),
            other: failure("OTHER"),
            inferences: family.counter("nv_inference_count", "Rows that were inferred"),
            executions: family.counter("nv_inference_exec_count", "Runs of the model"),
            request_us: micros(
                "nv_inference_request_duration_us",
                "Time of successful requests, queue included, in microseconds",
            ),
            queue_us: micros("nv_inference_queue_duration_us", "Time in the queue, in microseconds"),
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
                "Time to encode answers, in microseconds",
            ),
            duration: family.histogram(duration.buckets(BUCKETS.to_vec())),
            pending: family.gauge("nv_inference_pending_request_count", "Requests that wait for a session"),
            main: family.gauge("understudy_main", "1 while this version is main"),
            failure_ns: AtomicU64::new(0),
            started: (Instant::now(), SystemTime::now()),
            last_ms: AtomicU64::new(0),
            family,
        }
    }

    /// For more metrics beside these.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// A request was answered, `total` after it came, at `end`.
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

    /// A request was refused after `total`.
    pub fn failed(&self, refusal: &Refusal, total: Duration) {
        self.failure_ns.fetch_add(u64::try_from(total.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        match refusal.metric_reason() {
            "REJECTED" => self.rejected.inc(),
            "BACKEND" => self.backend.inc(),
            _ => self.other.inc(),
        }
    }

    /// A caller hung up while its request was in the queue.
    pub fn canceled(&self) {
        self.canceled.inc();
    }

    /// `change` requests more wait.
    pub fn waiting(&self, change: i64) {
        self.pending.add(change);
    }

    /// Whether this version is main.
    pub fn set_main(&self, main: bool) {
        self.main.set(main.into());
    }

    /// The text that Prometheus reads.
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
    /// When the last inference ended, in milliseconds since 1970; 0 before the first.
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
        let failed = self.rejected.get() + self.canceled.get() + self.backend.get() + self.other.get();
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
    fn the_last_inference_is_told_by_the_calendar_and_0_before_the_first() {
        let metrics = Metrics::new("fraud", "1.3.0");
        assert_eq!(metrics.statistics("fraud", "1.3.0")["last_inference"], 0);
        let hour = Duration::from_hours(1);
        metrics.succeeded(&Timing::default(), Duration::ZERO, metrics.started.0 + hour);
        let expected = (metrics.started.1 + hour).duration_since(UNIX_EPOCH).unwrap().as_millis();
        let told = metrics.statistics("fraud", "1.3.0")["last_inference"].as_u64().unwrap();
        assert!(expected.abs_diff(told.into()) <= 1, "{told} is not {expected}");
    }
}
