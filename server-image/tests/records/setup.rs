//! A recorder with its own spool and its own PVC.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;
use understudy_server::{
    columns::Columns,
    metrics::Family,
    records::{Balance, Counts, Loss, Recorder, RecorderOptions, RecordingSettings, Ring, Sink},
    signature::Signature,
};

use crate::{
    calls,
    folder::{self, Row},
};

/// What stays when a process ends: the spool and the PVC.
pub struct Setup {
    directory: TempDir,
    pub signature: Signature,
    pub columns: Columns,
    pub spool_bytes: u64,
    pub settings: RecordingSettings,
}

/// One process: its recorder and its counts.
pub struct Process {
    pub recorder: Recorder,
    pub counts: Arc<Counts>,
    pub ring: Arc<Ring>,
}

impl Setup {
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::create_dir(directory.path().join("pvc")).unwrap();
        Self {
            directory,
            signature: calls::signature(),
            columns: calls::columns(),
            spool_bytes: 64 << 20,
            settings: RecordingSettings {
                redact: vec![],
                max_elements: 4096,
                rotate_after: Duration::from_mins(1),
                retention: None,
            },
        }
    }

    pub fn of(signature: Signature) -> Self {
        let columns = Columns::of(&signature, None);
        Self { signature, columns, ..Self::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A sink on the PVC.
    pub fn pvc(&self) -> Sink {
        Sink::new("pvc://shared/records/risk/fraud", None, Some(&self.path("pvc"))).unwrap()
    }

    /// A sink on a PVC that is not mounted.
    pub fn unmounted_pvc(&self) -> Sink {
        Sink::new("pvc://shared/records/risk/fraud", None, Some(&self.path("unmounted"))).unwrap()
    }

    /// Starts a process that records to `sink`.
    pub fn start(&self, sink: Sink) -> Process {
        self.start_in(&self.path("spool"), Some(sink))
    }

    pub fn start_in(&self, spool: &Path, sink: Option<Sink>) -> Process {
        let counts = Counts::new(&Family::new("fraud", "1.3.0"), sink.is_some());
        let ring = Arc::new(Ring::default());
        let options = RecorderOptions {
            deployment: "fraud".into(),
            signature: self.signature.clone().into(),
            columns: self.columns.clone(),
            sink,
            spool_dir: spool.to_owned(),
            spool_bytes: self.spool_bytes,
            pod: "fraud-v1-3-0-7c9f".into(),
        };
        let mut recorder = Recorder::start(options, &counts, &ring);
        recorder.set(Some(&self.settings));
        Process { recorder, counts, ring }
    }

    /// The rows that an analyst finds on the PVC.
    pub fn rows(&self) -> Vec<Row> {
        folder::rows(&self.path("pvc"))
    }

    /// The names of the files in the spool.
    pub fn spool(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("spool")).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The number of files in the spool with an extension: `parquet` for complete files, `open` for open ones.
    pub fn count(&self, extension: &str) -> usize {
        self.spool().iter().filter(|file| has_extension(file, extension)).count()
    }

    /// The number of rows in the spool, from the names of complete files and the journals of open ones.
    pub fn spooled(&self) -> u64 {
        let rows = |file: &String| -> u64 {
            let text = |file| std::fs::read_to_string(self.path("spool").join(file)).unwrap();
            match file.strip_suffix(".parquet") {
                Some(rest) => rest.rsplit('.').nth(1).unwrap().parse().unwrap(),
                // Empty: all rows of the open file were dropped.
                None if has_extension(file, "rows") => match text(file).as_str() {
                    "" => 0,
                    rows => rows.parse().unwrap(),
                },
                None => 0,
            }
        };
        self.spool().iter().map(rows).sum()
    }
}

fn has_extension(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}

impl Process {
    /// Records these calls.
    pub fn record(&mut self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.call(calls::call(number));
        }
    }

    /// Records a call as the observer does.
    pub fn call(&mut self, call: understudy_server::call::Call) {
        self.counts.due(1);
        self.recorder.record(call, &calls::main());
    }

    /// Closes the open files, as if they were old enough.
    pub fn rotate(&mut self) {
        self.recorder.tick(Instant::now() + Duration::from_hours(100));
    }

    /// Ends as after SIGTERM, with enough time for an available sink.
    pub async fn finish(self) -> Balance {
        self.recorder.finish(Instant::now() + Duration::from_mins(5)).await
    }

    /// Ends as after SIGTERM, with no time left.
    pub async fn finish_now(self) -> Balance {
        self.recorder.finish(Instant::now()).await
    }

    /// Ends as after SIGKILL.
    pub fn kill(self) {
        drop(self);
    }
}

/// The counts of a balance: due, written, dropped, pending.
pub fn counts_of(balance: &Balance) -> [u64; 4] {
    [balance.due, balance.written, balance.dropped(), balance.pending()]
}

/// The number of rows lost for other reasons than `loss`.
pub fn lost_otherwise(balance: &Balance, loss: Loss) -> u64 {
    balance.dropped() - balance.lost(loss)
}

/// The sorted numbers in the ids of the rows. Each must occur once.
pub fn numbers(rows: &[Row]) -> Vec<u64> {
    let number = |row: &Row| row["id"].as_str().unwrap().strip_prefix("call-").unwrap().parse().unwrap();
    let mut numbers: Vec<u64> = rows.iter().map(number).collect();
    numbers.sort_unstable();
    let count = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "a row is in the sink twice");
    numbers
}

/// Every number of the range.
pub fn all(range: std::ops::Range<u64>) -> Vec<u64> {
    range.collect()
}

/// Waits for a condition without an event, such as the removal of a file.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let awaited = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let awaited = tokio::time::timeout(Duration::from_mins(1), awaited).await;
    awaited.unwrap_or_else(|_| panic!("timed out waiting until {what}"));
}
