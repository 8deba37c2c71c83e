//! What successful requests add up to. Each thread adds to a shard of its own, and a scrape adds the shards up.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus::{
    Counter, Histogram, HistogramOpts,
    core::{Collector, Desc},
    proto::{Bucket, Counter as CounterValue, Histogram as HistogramValue, MetricFamily},
};

use super::Family;
use crate::{laps::Timing, shard::Sharded};

/// Bounds in seconds, three a decade: from the time of a light model to the time that a caller waits.
const BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0,
];

/// Sums over requests. Times are in nanoseconds.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Rows of all requests.
    pub rows: u64,
    /// Runs of the model.
    pub executions: u64,
    /// From the end of the body to the start of the response.
    pub total: u64,
    /// In the queue.
    pub queue: u64,
    /// Decoding.
    pub input: u64,
    /// In ONNX Runtime.
    pub infer: u64,
    /// Encoding.
    pub output: u64,
    /// The end of the newest one, in milliseconds since the start of the process. 0 without one.
    pub last_ms: u64,
    /// Requests of each bucket alone. The last has those above all bounds.
    buckets: [u64; BUCKETS.len() + 1],
}

/// The sums of one shard.
#[derive(Debug, Default)]
struct Part {
    requests: AtomicU64,
    rows: AtomicU64,
    executions: AtomicU64,
    total: AtomicU64,
    queue: AtomicU64,
    input: AtomicU64,
    infer: AtomicU64,
    output: AtomicU64,
    last_ms: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len() + 1],
}

/// Counts successful requests.
#[derive(Debug, Clone)]
pub struct Successes(Arc<Sharded<Part>>);

impl Successes {
    /// No requests yet. Registers their metrics, which so many threads feed.
    pub fn new(family: &Family, threads: NonZeroUsize) -> Self {
        let successes = Self(Arc::new(Sharded::new(threads)));
        family.register(Ok(Metrics::new(family, successes.clone())));
        successes
    }

    /// Adds a request that took `total` and ended `last_ms` after the start of the process.
    pub fn add(&self, timing: &Timing, total: Duration, last_ms: u64) {
        let part = self.0.mine();
        part.requests.fetch_add(1, Relaxed);
        part.rows.fetch_add(timing.batch, Relaxed);
        part.executions.fetch_add(timing.executions, Relaxed);
        part.total.fetch_add(nanos(total), Relaxed);
        part.queue.fetch_add(nanos(timing.queue), Relaxed);
        part.input.fetch_add(nanos(timing.input), Relaxed);
        part.infer.fetch_add(nanos(timing.infer), Relaxed);
        part.output.fetch_add(nanos(timing.output), Relaxed);
        part.last_ms.store(last_ms.max(1), Relaxed);
        let seconds = total.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        part.buckets[bucket].fetch_add(1, Relaxed);
    }

    /// The sums over all threads. A request that is added at the same time may be in some of them only.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for part in self.0.mine_first() {
            sums.requests += part.requests.load(Relaxed);
            sums.rows += part.rows.load(Relaxed);
            sums.executions += part.executions.load(Relaxed);
            sums.total += part.total.load(Relaxed);
            sums.queue += part.queue.load(Relaxed);
            sums.input += part.input.load(Relaxed);
            sums.infer += part.infer.load(Relaxed);
            sums.output += part.output.load(Relaxed);
            sums.last_ms = sums.last_ms.max(part.last_ms.load(Relaxed));
            for (sum, bucket) in sums.buckets.iter_mut().zip(&part.buckets) {
                *sum += bucket.load(Relaxed);
            }
        }
        sums
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The sum that a metric shows.
type Shown = fn(&Sums) -> f64;

/// The metrics of successful requests. Name, help and labels are those of empty ones, and the values come from the sums.
#[derive(Clone)]
struct Metrics {
    successes: Successes,
    counters: Vec<(Counter, Shown)>,
    duration: Histogram,
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has only floating point numbers")]
impl Metrics {
    fn new(family: &Family, successes: Successes) -> Self {
        let counter = |name: &str, help: &str, shown: Shown| {
            (Counter::with_opts(family.opts(name, help)).expect(super::family::VALID), shown)
        };
        let counters = vec![
            counter("nv_inference_request_success", "Requests with a prediction", |sums| {
                sums.requests as f64
            }),
            counter("nv_inference_count", "Rows in successful requests", |sums| sums.rows as f64),
            counter("nv_inference_exec_count", "Runs of the model for successful requests", |sums| {
                sums.executions as f64
            }),
            counter(
                "nv_inference_request_duration_us",
                "Time of successful requests with the queue, in microseconds",
                |sums| sums.total as f64 / 1e3,
            ),
            counter(
                "nv_inference_queue_duration_us",
                "Time of successful requests in the queue, in microseconds",
                |sums| sums.queue as f64 / 1e3,
            ),
            counter(
                "nv_inference_compute_input_duration_us",
                "Time to decode requests, in microseconds",
                |sums| sums.input as f64 / 1e3,
            ),
            counter(
                "nv_inference_compute_infer_duration_us",
                "Time in ONNX Runtime, in microseconds",
                |sums| sums.infer as f64 / 1e3,
            ),
            counter(
                "nv_inference_compute_output_duration_us",
                "Time to encode responses, in microseconds",
                |sums| sums.output as f64 / 1e3,
            ),
        ];
        let duration = HistogramOpts::from(family.opts(
            "understudy_request_duration_seconds",
            "Time of successful requests from the end of the body to the start of the response, in seconds",
        ));
        let duration = Histogram::with_opts(duration.buckets(BUCKETS.to_vec())).expect(super::family::VALID);
        Self { successes, counters, duration }
    }

    fn histogram(sums: &Sums) -> HistogramValue {
        let mut below = 0;
        let buckets = BUCKETS.iter().zip(&sums.buckets).map(|(bound, count)| {
            below += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(below);
            bucket
        });
        let mut histogram = HistogramValue::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(sums.buckets.iter().sum());
        histogram.set_sample_sum(sums.total as f64 / 1e9);
        histogram
    }
}

impl Collector for Metrics {
    fn desc(&self) -> Vec<&Desc> {
        self.counters.iter().flat_map(|(counter, _)| counter.desc()).chain(self.duration.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let sums = self.successes.sums();
        let mut families = Vec::with_capacity(self.counters.len() + 1);
        for (counter, shown) in &self.counters {
            let mut value = CounterValue::default();
            value.set_value(shown(&sums));
            for mut family in counter.collect() {
                family.mut_metric().iter_mut().for_each(|metric| metric.set_counter(value.clone()));
                families.push(family);
            }
        }
        for mut family in self.duration.collect() {
            let value = Self::histogram(&sums);
            family.mut_metric().iter_mut().for_each(|metric| metric.set_histogram(value.clone()));
            families.push(family);
        }
        families
    }
}
