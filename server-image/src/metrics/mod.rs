//! The metrics of requests: counters with Triton's names, so that its dashboards work, and a latency histogram.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    error::{FailureReason, Refusal},
    laps::Timing,
    proto::{InferStatistics, ModelStatistics, StatisticDuration},
};
use prometheus::{Encoder, IntCounter, IntGauge, TextEncoder};

mod family;
mod successes;

pub use family::Family;
use successes::Successes;

/// Counters of requests, and whether this version is main.
pub struct Metrics {
    family: Family,
    successes: Successes,
    /// In the order of [`FailureReason::ALL`].
    failures: [IntCounter; FailureReason::ALL.len()],
    pending: IntGauge,
    main: IntGauge,
    /// Time of failed requests in nanoseconds. Triton has no counter for it, only a statistic.
    failure_ns: AtomicU64,
    /// The start of the process, by both clocks.
    started: (Instant, SystemTime),
}

impl Metrics {
    /// The metrics of one version of one model, which so many threads feed.
    #[must_use]
    pub fn new(model: &str, version: &str, threads: NonZeroUsize) -> Self {
        let family = Family::new(model, version);
        let failure = |reason: FailureReason| {
            let help = "Requests that failed, by reason";
            family.counter_with("nv_inference_request_failure", help, ("reason", reason.as_str()))
        };
        Self {
            successes: Successes::new(&family, threads),
            failures: FailureReason::ALL.map(failure),
            pending: family
                .gauge("nv_inference_pending_request_count", "Requests in the queue for a session"),
            main: family.gauge("understudy_main", "1 while this version is main"),
            failure_ns: AtomicU64::new(0),
            started: (Instant::now(), SystemTime::now()),
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
        let last = end.saturating_duration_since(self.started.0).as_millis();
        self.successes.add(timing, total, u64::try_from(last).unwrap_or(u64::MAX));
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
    fn last_inference(&self, last_ms: u64) -> u64 {
        let start = self.started.1.duration_since(UNIX_EPOCH).unwrap_or_default();
        match last_ms {
            0 => 0,
            last => u64::try_from(start.as_millis()).unwrap_or(u64::MAX).saturating_add(last),
        }
    }

    /// The `model_stats` entry of `model` in `version`.
    #[must_use]
    pub fn statistics(&self, model: &str, version: &str) -> ModelStatistics {
        let sums = self.successes.sums();
        let failed = self.failures.iter().map(IntCounter::get).sum();
        let duration = |count, ns| Some(StatisticDuration { count, ns });
        let succeeded = |ns| duration(sums.requests, ns);
        ModelStatistics {
            name: model.to_owned(),
            version: version.to_owned(),
            last_inference: self.last_inference(sums.last_ms),
            inference_count: sums.rows,
            execution_count: sums.executions,
            inference_stats: Some(InferStatistics {
                success: succeeded(sums.total),
                fail: duration(failed, self.failure_ns.load(Relaxed)),
                queue: succeeded(sums.queue),
                compute_input: succeeded(sums.input),
                compute_infer: succeeded(sums.infer),
                compute_output: succeeded(sums.output),
                cache_hit: duration(0, 0),
                cache_miss: duration(0, 0),
            }),
            batch_stats: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_inference_is_in_milliseconds_since_1970_and_0_before_the_first() {
        let metrics = Metrics::new("fraud", "1.3.0", NonZeroUsize::MIN);
        assert_eq!(metrics.statistics("fraud", "1.3.0").last_inference, 0);
        let hour = Duration::from_hours(1);
        metrics.succeeded(&Timing::default(), Duration::ZERO, metrics.started.0 + hour);
        let expected = (metrics.started.1 + hour).duration_since(UNIX_EPOCH).unwrap().as_millis();
        let found = metrics.statistics("fraud", "1.3.0").last_inference;
        assert!(expected.abs_diff(found.into()) <= 1, "{found} is not {expected}");
    }
}
