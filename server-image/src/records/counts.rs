//! The balance of the records: `due = written + dropped + pending`, in every scrape.

use std::{
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
    time::SystemTime,
};

use prometheus::{
    IntCounter, IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::loss::Loss;
use crate::metrics::Family;

/// Counts rows from the moment that they are due. A row is one call.
///
/// Without a sink no row is due: nothing is counted, and no series exists.
pub struct Counts {
    has_sink: bool,
    due: IntCounter,
    inherited: IntCounter,
    written: IntCounter,
    /// In the order of [`Loss::ALL`].
    dropped: [IntCounter; Loss::ALL.len()],
    /// Each scrape makes this gauge anew.
    pending: Opts,
    pending_desc: Desc,
    spool_bytes: IntGauge,
    upload_failures: IntCounter,
    uploaded: IntGauge,
}

const VALID: &str = "names and labels are constant and valid";

impl Counts {
    /// The counts of one version of one model, registered in `family` if there is a sink.
    #[must_use]
    pub fn new(family: &Family, has_sink: bool) -> Arc<Self> {
        let opts = |name: &str, help: &str| family.opts(&format!("understudy_records_{name}"), help);
        let counter = |name: &str, help: &str| IntCounter::with_opts(opts(name, help)).expect(VALID);
        let gauge = |name: &str, help: &str| IntGauge::with_opts(opts(name, help)).expect(VALID);
        let dropped = opts("dropped_total", "Rows that were due and are lost, by reason");
        let pending = opts("pending", "Rows in the queue, in an open file or in the spool");
        let counts = Arc::new(Self {
            has_sink,
            due: counter(
                "total",
                "Rows due: calls to record, and rows that a former process left in the spool",
            ),
            inherited: counter(
                "inherited_total",
                "Rows due that a former process left in the spool, and had counted as due itself",
            ),
            written: counter("written_total", "Rows in the sink"),
            dropped: Loss::ALL.map(|loss| {
                IntCounter::with_opts(dropped.clone().const_label("reason", loss.as_str())).expect(VALID)
            }),
            pending_desc: IntGauge::with_opts(pending.clone()).expect(VALID).desc()[0].clone(),
            pending,
            spool_bytes: gauge("spool_bytes", "Bytes of the spool on the pod's disk"),
            upload_failures: counter(
                "upload_failures_total",
                "Failed uploads of files to the sink. A file is uploaded again until it is in the sink",
            ),
            uploaded: gauge(
                "uploaded_timestamp_seconds",
                "Time of the last upload of a file to the sink, in seconds since 1970. 0 before the first",
            ),
        });
        if has_sink {
            family.register(Ok(Scrape(Arc::clone(&counts))));
        }
        counts
    }

    /// Counts `rows` calls to record. The caller passes each of them to the recorder, or counts it as dropped.
    pub fn due(&self, rows: u64) {
        if self.has_sink {
            self.due.inc_by(rows);
        }
    }

    /// Counts `rows` that were due as lost.
    pub fn dropped(&self, loss: Loss, rows: u64) {
        if self.has_sink {
            // A reader that sees these rows as dropped also sees that they were due, on all processors.
            fence(Ordering::Release);
            self.dropped[loss as usize].inc_by(rows);
        }
    }

    /// Counts `rows` that a former process left in the spool.
    pub(super) fn inherited(&self, rows: u64) {
        self.due.inc_by(rows);
        self.inherited.inc_by(rows);
    }

    /// Counts `rows` that are in the sink since `now`.
    pub(super) fn written(&self, rows: u64, now: SystemTime) {
        fence(Ordering::Release);
        self.written.inc_by(rows);
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.uploaded.set(i64::try_from(now).unwrap_or(i64::MAX));
    }

    /// Counts a failed upload.
    pub(super) fn upload_failed(&self) {
        self.upload_failures.inc();
    }

    /// Sets the size of the spool.
    pub(super) fn set_spool_bytes(&self, bytes: u64) {
        self.spool_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The current balance.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let written = self.written.get();
        let dropped = self.dropped.each_ref().map(IntCounter::get);
        fence(Ordering::Acquire);
        Balance { due: self.due.get(), written, dropped }
    }

    /// The number of failed uploads.
    #[must_use]
    pub fn upload_failures(&self) -> u64 {
        self.upload_failures.get()
    }
}

/// The counts of rows at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Rows due.
    pub due: u64,
    /// Rows in the sink.
    pub written: u64,
    dropped: [u64; Loss::ALL.len()],
}

impl Balance {
    /// Rows lost for this reason.
    #[must_use]
    pub fn lost(&self, loss: Loss) -> u64 {
        self.dropped[loss as usize]
    }

    /// Rows lost for any reason.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Rows that are neither written nor dropped yet.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.due.saturating_sub(self.written + self.dropped())
    }
}

/// Collects all counts at one moment, and computes `pending` from the others, so that every scrape balances.
#[derive(Clone)]
struct Scrape(Arc<Counts>);

impl Collector for Scrape {
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
        let pending = IntGauge::with_opts(counts.pending.clone()).expect("the gauge was valid before");
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

    fn scrape(family: &Family) -> BTreeMap<String, i64> {
        let text = prometheus::TextEncoder::new().encode_to_string(&family.registry().gather()).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                assert!(line.contains(r#"model="fraud""#), "{line}");
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
        let family = Family::new("fraud", "1.3.0");
        let counts = Counts::new(&family, true);
        counts.due(10);
        counts.inherited(3);
        counts.written(4, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(77));
        counts.dropped(Loss::Disk, 2);
        counts.dropped(Loss::QueueFull, 1);
        let scraped = scrape(&family);
        assert_eq!(scraped["understudy_records_total"], 13);
        assert_eq!(scraped["understudy_records_inherited_total"], 3);
        assert_eq!(scraped["understudy_records_written_total"], 4);
        assert_eq!(scraped["understudy_records_dropped_total disk"], 2);
        assert_eq!(scraped["understudy_records_dropped_total queue_full"], 1);
        for loss in Loss::ALL {
            let series = format!("understudy_records_dropped_total {}", loss.as_str());
            assert!(scraped.contains_key(&series), "every reason has a series from the start: {series}");
        }
        assert_eq!(scraped["understudy_records_pending"], 6);
        assert_eq!(scraped["understudy_records_uploaded_timestamp_seconds"], 77);
        let balance = counts.balance();
        assert_eq!((balance.due, balance.written, balance.dropped(), balance.pending()), (13, 4, 3, 6));
    }

    #[test]
    fn without_a_sink_no_row_is_due_and_no_series_exists() {
        let family = Family::new("fraud", "1.3.0");
        let counts = Counts::new(&family, false);
        counts.due(10);
        counts.dropped(Loss::QueueFull, 10);
        assert_eq!(counts.balance().due, 0);
        assert_eq!(scrape(&family), BTreeMap::new());
    }
}
