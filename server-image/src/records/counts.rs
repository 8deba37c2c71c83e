//! The books of the records: `due = written + dropped + pending`, in every scrape.

use std::{
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
    time::SystemTime,
};

use prometheus::{
    IntCounter, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Why a row that was due is not in the sink. Each is a value of the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// As many calls as may wait to be looked at were waiting.
    QueueFull,
    /// The sink is away or slow, and the spool is as large as it may be.
    SpoolFull,
    /// The spool's disk is full or broken.
    Disk,
    /// The call is not of the model's signature, or could not be written as Parquet.
    Encode,
    /// A former process ended in the middle of a file.
    Crash,
    /// The process was told to end, and the sink did not take the rest in time.
    Stopping,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::QueueFull, Self::SpoolFull, Self::Disk, Self::Encode, Self::Crash, Self::Stopping];

    /// The label's value.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::SpoolFull => "spool_full",
            Self::Disk => "disk",
            Self::Encode => "encode",
            Self::Crash => "crash",
            Self::Stopping => "stopping",
        }
    }
}

/// Counts rows from the moment they are due. A row is one call.
///
/// Without a sink no row is due: nothing is counted, and no series exists.
pub struct Counts {
    sink: bool,
    due: IntCounter,
    inherited: IntCounter,
    written: IntCounter,
    /// In the order of [`Loss::ALL`].
    dropped: [IntCounter; Loss::ALL.len()],
    pending: Opts,
    pending_desc: Desc,
    spool_bytes: IntGauge,
    upload_failures: IntCounter,
    uploaded: IntGauge,
}

impl Counts {
    /// The counts of one version of one model, in `registry` where there is a sink.
    #[must_use]
    pub fn new(registry: &Registry, model: &str, version: &str, sink: bool) -> Arc<Self> {
        let opts = |name: &str, help: &str| {
            Opts::new(format!("understudy_records_{name}"), help)
                .const_label("model", model)
                .const_label("version", version)
        };
        let counter = |opts| IntCounter::with_opts(opts).expect("names and labels are constant and valid");
        let gauge = |opts| IntGauge::with_opts(opts).expect("names and labels are constant and valid");
        let dropped = opts("dropped_total", "Rows that were due and will never be in the sink, by reason");
        let pending = opts("pending", "Rows on their way: in the queue, in an open file, in the spool");
        let counts = Arc::new(Self {
            sink,
            due: counter(opts(
                "total",
                "Rows due: calls to be recorded, and rows that a former process left in the spool",
            )),
            inherited: counter(opts(
                "inherited_total",
                "Of the rows due, those that a former process left in the spool and had counted as its own",
            )),
            written: counter(opts("written_total", "Rows in the sink")),
            dropped: Loss::ALL.map(|loss| counter(dropped.clone().const_label("reason", loss.reason()))),
            pending_desc: gauge(pending.clone()).desc()[0].clone(),
            pending,
            spool_bytes: gauge(opts("spool_bytes", "Bytes that the spool holds on the pod's disk")),
            upload_failures: counter(opts(
                "upload_failures_total",
                "Tries to put a file into the sink that failed; each file is tried until it is there",
            )),
            uploaded: gauge(opts(
                "uploaded_timestamp_seconds",
                "When a file was last put into the sink, since 1970; 0 before the first",
            )),
        });
        if sink {
            registry
                .register(Box::new(Collected(Arc::clone(&counts))))
                .expect("each metric is registered once");
        }
        counts
    }

    /// `rows` calls are to be recorded. Whoever counts them gives each to the recorder, or counts it as dropped.
    pub fn due(&self, rows: u64) {
        if self.sink {
            self.due.inc_by(rows);
        }
    }

    /// `rows` that were due will never be in the sink.
    pub fn dropped(&self, loss: Loss, rows: u64) {
        if self.sink {
            // Whoever sees these rows here sees that they were due, also on processors that reorder.
            fence(Ordering::Release);
            self.dropped[loss as usize].inc_by(rows);
        }
    }

    /// A former process left `rows`.
    pub(super) fn inherited(&self, rows: u64) {
        self.due.inc_by(rows);
        self.inherited.inc_by(rows);
    }

    /// The sink has `rows` more.
    pub(super) fn written(&self, rows: u64, now: SystemTime) {
        fence(Ordering::Release);
        self.written.inc_by(rows);
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.uploaded.set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    pub(super) fn upload_failed(&self) {
        self.upload_failures.inc();
    }

    pub(super) fn spool_holds(&self, bytes: u64) {
        self.spool_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The books as they are now.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let written = self.written.get();
        let dropped = self.dropped.each_ref().map(IntCounter::get);
        fence(Ordering::Acquire);
        Balance { due: self.due.get(), written, dropped }
    }

    /// Files that did not reach the sink at a try.
    #[must_use]
    pub fn upload_failures(&self) -> u64 {
        self.upload_failures.get()
    }
}

/// The books at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Rows due.
    pub due: u64,
    /// Rows in the sink.
    pub written: u64,
    dropped: [u64; Loss::ALL.len()],
}

impl Balance {
    /// Rows dropped for one reason.
    #[must_use]
    pub fn lost(&self, loss: Loss) -> u64 {
        self.dropped[loss as usize]
    }

    /// Rows dropped, whatever the reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Rows on their way.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.due.saturating_sub(self.written + self.dropped())
    }
}

/// Gathers all of it at one moment, and works `pending` out from what that scrape says of the others.
struct Collected(Arc<Counts>);

impl Collector for Collected {
    fn desc(&self) -> Vec<&Desc> {
        let Counts {
            due,
            inherited,
            written,
            dropped,
            pending_desc,
            spool_bytes,
            upload_failures,
            uploaded,
            ..
        } = &*self.0;
        let counters = [due, inherited, written, upload_failures].into_iter().chain(dropped);
        let gauges = [spool_bytes, uploaded];
        let descs = counters.flat_map(Collector::desc).chain(gauges.into_iter().flat_map(Collector::desc));
        descs.chain([pending_desc]).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counts = &*self.0;
        let mut families: Vec<_> =
            [&counts.written].into_iter().chain(&counts.dropped).flat_map(Collector::collect).collect();
        let gone: f64 = families.iter().map(value).sum();
        fence(Ordering::Acquire);
        let due = counts.due.collect();
        let pending = IntGauge::with_opts(counts.pending.clone()).expect("it could be made before");
        #[expect(clippy::cast_possible_truncation, reason = "a count of rows")]
        pending.set((due.iter().map(value).sum::<f64>() - gone) as i64);
        families.extend(due);
        families.extend(pending.collect());
        families
            .extend([&counts.inherited, &counts.upload_failures].into_iter().flat_map(Collector::collect));
        families.extend([&counts.spool_bytes, &counts.uploaded].into_iter().flat_map(Collector::collect));
        families
    }
}

fn value(family: &MetricFamily) -> f64 {
    family.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn scrape(registry: &Registry) -> BTreeMap<String, i64> {
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                assert!(line.contains(r#"model="fraud",""#) || line.contains(r#"model="fraud","#), "{line}");
                assert!(line.contains(r#"version="1.3.0""#), "{line}");
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap().to_owned();
                let reason = series.split("reason=\"").nth(1).and_then(|rest| rest.split('"').next());
                let key = reason.map_or_else(|| name.clone(), |reason| format!("{name} {reason}"));
                (key, value.parse().unwrap())
            })
            .collect()
    }

    #[test]
    fn every_scrape_balances() {
        let registry = Registry::new();
        let counts = Counts::new(&registry, "fraud", "1.3.0", true);
        counts.due(10);
        counts.inherited(3);
        counts.written(4, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(77));
        counts.dropped(Loss::Disk, 2);
        counts.dropped(Loss::QueueFull, 1);
        let scraped = scrape(&registry);
        assert_eq!(scraped["understudy_records_total"], 13);
        assert_eq!(scraped["understudy_records_inherited_total"], 3);
        assert_eq!(scraped["understudy_records_written_total"], 4);
        assert_eq!(scraped["understudy_records_dropped_total disk"], 2);
        assert_eq!(scraped["understudy_records_dropped_total queue_full"], 1);
        assert_eq!(scraped["understudy_records_dropped_total stopping"], 0, "every reason has a series");
        assert_eq!(scraped["understudy_records_pending"], 6);
        assert_eq!(scraped["understudy_records_uploaded_timestamp_seconds"], 77);
        let balance = counts.balance();
        assert_eq!((balance.due, balance.written, balance.dropped(), balance.pending()), (13, 4, 3, 6));
    }

    #[test]
    fn without_a_sink_no_row_is_due_and_no_series_exists() {
        let registry = Registry::new();
        let counts = Counts::new(&registry, "fraud", "1.3.0", false);
        counts.due(10);
        counts.dropped(Loss::QueueFull, 10);
        assert_eq!(counts.balance().due, 0);
        assert_eq!(scrape(&registry), BTreeMap::new());
    }
}
