//! The open files: which file a row goes to, when a file is closed, and what happens when the disk fails.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, task::JoinSet, time::Instant};
use tracing::{info, warn};

use super::{
    counts::Counts,
    fields::Fields,
    file_name::{FileName, day},
    loss::Loss,
    open_file::{FileError, OpenFile},
    retention::retain,
    row::Row,
    sink::Sink,
    spool::Spool,
    upload::upload,
};

/// Size at which a file is closed, in bytes. An upload holds the whole file in memory, so files are not larger.
const LARGEST: u64 = 8 << 20;
/// Most open files. Each is for another day: around midnight the calls of two days are mixed.
const DAYS: usize = 2;
/// Pauses after a failure of the disk.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The open files, the spool, and the tasks for uploads and retention.
pub(super) struct Files {
    spool: Arc<Spool>,
    counts: Arc<Counts>,
    pod: String,
    /// Size at which a file is closed, in bytes.
    largest: u64,
    open: Vec<OpenFile>,
    sequence: u64,
    disk: Disk,
    /// Whether the spool is full. The change is logged, not each dropped row.
    full: bool,
    retention: watch::Sender<Option<Duration>>,
    stopping: watch::Sender<bool>,
    /// Dropping the set ends the tasks.
    tasks: JoinSet<()>,
}

/// When the disk may be used again after a failure.
struct Disk {
    failed_until: Option<Instant>,
    pause: Duration,
}

impl Disk {
    fn recovered(&mut self) {
        *self = Self { failed_until: None, pause: FIRST_PAUSE };
    }

    fn failed(&mut self) {
        self.failed_until = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn is_paused(&self) -> bool {
        self.failed_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Files {
    /// Takes over the files of a former process in the spool, and starts to upload them.
    pub(super) fn start(
        directory: &Path,
        budget: u64,
        pod: String,
        sink: Sink,
        counts: &Arc<Counts>,
    ) -> Self {
        let spool = Spool::open(directory, budget, counts);
        let sink = Arc::new(sink);
        let (retention, retention_changes) = watch::channel(None);
        let (stopping, stops) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(upload(Arc::clone(&spool), Arc::clone(&sink), stops));
        tasks.spawn(retain(sink, retention_changes));
        Self {
            spool,
            counts: Arc::clone(counts),
            pod,
            // With fewer than four files, the spool could be full while the sink is available.
            largest: LARGEST.min(budget / 4),
            open: Vec::new(),
            sequence: 0,
            disk: Disk { failed_until: None, pause: FIRST_PAUSE },
            full: false,
            retention,
            stopping,
            tasks,
        }
    }

    /// Sets how long files stay in the sink. `None` means forever.
    pub(super) fn set_retention(&self, retention: Option<Duration>) {
        self.retention.send_if_modified(|current| std::mem::replace(current, retention) != retention);
    }

    /// Writes the row of a call to `version` at the time `at`, or counts it as dropped.
    pub(super) fn write(&mut self, row: &Row<'_>, at: SystemTime, version: &str, fields: &Arc<Fields>) {
        let day = day(at);
        let position = match self.open.iter().position(|opened| opened.day == day) {
            Some(position) => position,
            None => match self.create(day, at, version, fields) {
                Ok(position) => position,
                Err(loss) => return self.counts.dropped(loss, 1),
            },
        };
        if self.open[position].push(row) {
            self.encode(position);
        }
    }

    /// Closes the files that are `rotate_after` old at `now`, and updates the journals of the others.
    pub(super) fn tick(&mut self, now: Instant, rotate_after: Duration) {
        for position in (0..self.open.len()).rev() {
            let opened = &mut self.open[position];
            if now.saturating_duration_since(opened.since) >= rotate_after {
                self.close(position);
            } else if let Err(error) = opened.write_journal() {
                self.lose(position, &error);
            }
        }
    }

    /// Closes every file.
    pub(super) fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close(0);
        }
    }

    /// Closes every file and uploads until `deadline`. Then drops the rest.
    pub(super) async fn finish(mut self, deadline: Instant) {
        self.close_all();
        self.stopping.send_replace(true);
        let mut waiting = self.spool.waiting();
        // All files are uploaded, or the time is over. The rest is counted below.
        let _ = tokio::time::timeout_at(deadline, waiting.wait_for(|files| *files == 0)).await;
        self.tasks.shutdown().await;
        self.spool.discard(Loss::Stopping);
    }

    fn create(
        &mut self,
        day: i64,
        at: SystemTime,
        version: &str,
        fields: &Arc<Fields>,
    ) -> Result<usize, Loss> {
        if self.disk.is_paused() {
            return Err(Loss::Disk);
        }
        if self.open.len() == DAYS {
            let oldest = (0..DAYS).min_by_key(|position| self.open[*position].day);
            self.close(oldest.expect("there is an open file"));
        }
        if !self.spool_allows(OpenFile::least(fields)) {
            return Err(Loss::SpoolFull);
        }
        let name = FileName::new(at, version, &self.pod, self.sequence);
        self.sequence += 1;
        match OpenFile::new(self.spool.directory(), name, day, fields) {
            Ok(opened) => {
                self.open.push(opened);
                Ok(self.open.len() - 1)
            }
            Err(error) => Err(self.failed(&error, 1)),
        }
    }

    /// Encodes the batch of a file, or drops the batch if the spool is full.
    fn encode(&mut self, position: usize) {
        if !self.spool_allows(0) {
            let rows = self.open[position].drop_batch();
            return self.counts.dropped(Loss::SpoolFull, rows);
        }
        let opened = &mut self.open[position];
        if let Err(error) = opened.encode() {
            return self.lose(position, &error);
        }
        if opened.bytes() >= self.largest {
            self.close(position);
        }
    }

    /// Closes a file. It then waits in the spool for its upload.
    fn close(&mut self, position: usize) {
        if self.spool_allows(0) {
            if let Err(error) = self.open[position].encode() {
                return self.lose(position, &error);
            }
        } else {
            let rows = self.open[position].drop_batch();
            self.counts.dropped(Loss::SpoolFull, rows);
        }
        let opened = self.open.remove(position);
        let rows = opened.encoded();
        if rows == 0 {
            return opened.discard();
        }
        match opened.close() {
            Ok(ready) => {
                self.spool.add(ready);
                self.disk.recovered();
            }
            Err(error) => {
                let loss = self.failed(&error, rows);
                self.counts.dropped(loss, rows);
            }
        }
    }

    /// Removes a file, and counts all its rows as dropped.
    fn lose(&mut self, position: usize, error: &FileError) {
        let opened = self.open.remove(position);
        let rows = opened.encoded() + opened.waiting();
        opened.discard();
        let loss = self.failed(error, rows);
        self.counts.dropped(loss, rows);
    }

    /// Logs an error, and pauses writing after an error of the disk.
    fn failed(&mut self, error: &FileError, rows: u64) -> Loss {
        warn!(rows, %error, "failed to record calls");
        if error.loss() == Loss::Disk {
            self.disk.failed();
        }
        error.loss()
    }

    /// Whether the spool allows `more` bytes in addition to the open and the complete files.
    fn spool_allows(&mut self, more: u64) -> bool {
        let open: u64 = self.open.iter().map(OpenFile::bytes).sum();
        let allowed = self.spool.allows(open + more);
        if self.full == allowed {
            self.full = !allowed;
            if self.full {
                warn!("the spool is full, calls are not recorded until the sink accepts files again");
            } else {
                info!("the spool is no longer full");
            }
        }
        allowed
    }
}
