//! The way to the sink: which file a row goes to, when a file is closed, and what happens when the disk fails.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, task::JoinSet, time::Instant};

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

/// A file of that size is closed. It is held in memory while it is uploaded, so it is not larger.
const FILE: u64 = 8 << 20;
/// Files that are open at the same time, each of another day: around midnight the calls of two days are mixed.
const DAYS: usize = 2;
/// Pauses after the disk has failed.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Open files, the spool, and the tasks that empty it and keep the sink tidy.
pub(super) struct Files {
    spool: Arc<Spool>,
    counts: Arc<Counts>,
    pod: String,
    /// A file of that size is closed.
    largest: u64,
    open: Vec<OpenFile>,
    sequence: u64,
    disk: Disk,
    /// Whether rows are dropped since the spool is full; told once.
    full: bool,
    keep: watch::Sender<Option<Duration>>,
    hurry: watch::Sender<bool>,
    /// They end with the files.
    tasks: JoinSet<()>,
}

/// Whether the disk is left alone for a while.
struct Disk {
    failed_until: Option<Instant>,
    pause: Duration,
}

impl Disk {
    fn well(&mut self) {
        *self = Self { failed_until: None, pause: FIRST_PAUSE };
    }

    fn failed(&mut self) {
        self.failed_until = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn is_left_alone(&self) -> bool {
        self.failed_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Files {
    /// Takes over what a former process left in the spool, and begins to upload it.
    pub(super) fn start(directory: &Path, bound: u64, pod: String, sink: Sink, counts: &Arc<Counts>) -> Self {
        let spool = Spool::open(directory, bound, counts);
        let sink = Arc::new(sink);
        let ((keep, kept), (hurry, hurried)) = (watch::channel(None), watch::channel(false));
        let mut tasks = JoinSet::new();
        tasks.spawn(upload(Arc::clone(&spool), Arc::clone(&sink), hurried));
        tasks.spawn(retain(sink, kept));
        Self {
            spool,
            counts: Arc::clone(counts),
            pod,
            // A spool that holds few files would be full while the sink is well.
            largest: FILE.min(bound / 4),
            open: Vec::new(),
            sequence: 0,
            disk: Disk { failed_until: None, pause: FIRST_PAUSE },
            full: false,
            keep,
            hurry,
            tasks,
        }
    }

    /// How long files are kept in the sink.
    pub(super) fn keep(&self, retention: Option<Duration>) {
        self.keep.send_if_modified(|kept| std::mem::replace(kept, retention) != retention);
    }

    /// Takes a row of a call to `version` that came in at `at`, or counts it as dropped.
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
            self.settle(position);
        }
    }

    /// Closes files that are `rotate_after` old at `now`, and notes how many rows the others have.
    pub(super) fn tick(&mut self, now: Instant, rotate_after: Duration) {
        for position in (0..self.open.len()).rev() {
            let opened = &mut self.open[position];
            if now.saturating_duration_since(opened.since) >= rotate_after {
                self.close(position);
            } else if let Err(failed) = opened.note() {
                self.lose(position, &failed);
            }
        }
    }

    /// Closes every file.
    pub(super) fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close(0);
        }
    }

    /// Closes every file and uploads until `deadline`; what is left then is dropped.
    pub(super) async fn finish(mut self, deadline: Instant) {
        self.close_all();
        self.hurry.send_replace(true);
        let mut waiting = self.spool.waiting();
        // Whether all is uploaded or the time is over: what is left is counted below.
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
        if self.disk.is_left_alone() {
            return Err(Loss::Disk);
        }
        if self.open.len() == DAYS {
            let oldest = (0..DAYS).min_by_key(|position| self.open[*position].day);
            self.close(oldest.expect("there are files of some days"));
        }
        if !self.has_room(OpenFile::least(fields)) {
            return Err(Loss::SpoolFull);
        }
        let name = FileName::new(at, version, &self.pod, self.sequence);
        self.sequence += 1;
        match OpenFile::new(self.spool.directory(), name, day, fields) {
            Ok(opened) => {
                self.open.push(opened);
                Ok(self.open.len() - 1)
            }
            Err(failed) => Err(self.failed(&failed, 1)),
        }
    }

    /// Encodes the waiting batch of a file, or drops it where the spool has no room for it.
    fn settle(&mut self, position: usize) {
        if !self.has_room(0) {
            let rows = self.open[position].forget();
            return self.counts.dropped(Loss::SpoolFull, rows);
        }
        let opened = &mut self.open[position];
        if let Err(failed) = opened.settle() {
            return self.lose(position, &failed);
        }
        if opened.bytes() >= self.largest {
            self.close(position);
        }
    }

    /// Closes a file: from here on it waits for the sink.
    fn close(&mut self, position: usize) {
        if self.has_room(0) {
            if let Err(failed) = self.open[position].settle() {
                return self.lose(position, &failed);
            }
        } else {
            let rows = self.open[position].forget();
            self.counts.dropped(Loss::SpoolFull, rows);
        }
        let opened = self.open.remove(position);
        let rows = opened.settled();
        if rows == 0 {
            return opened.discard();
        }
        match opened.close() {
            Ok(ready) => {
                self.spool.add(ready);
                self.disk.well();
            }
            Err(failed) => {
                let loss = self.failed(&failed, rows);
                self.counts.dropped(loss, rows);
            }
        }
    }

    /// Gives up a file with all its rows.
    fn lose(&mut self, position: usize, failed: &FileError) {
        let opened = self.open.remove(position);
        let rows = opened.settled() + opened.waiting();
        opened.discard();
        let loss = self.failed(failed, rows);
        self.counts.dropped(loss, rows);
    }

    /// Tells of a failure, and leaves a disk that has failed alone for a while.
    fn failed(&mut self, failed: &FileError, rows: u64) -> Loss {
        tracing::warn!(rows, "failed to record calls: {failed}");
        if failed.loss() == Loss::Disk {
            self.disk.failed();
        }
        failed.loss()
    }

    /// Whether the spool holds `more` bytes beside the waiting and the open files.
    fn has_room(&mut self, more: u64) -> bool {
        let open: u64 = self.open.iter().map(OpenFile::bytes).sum();
        let has_room = self.spool.has_room(open + more);
        if self.full == has_room {
            self.full = !has_room;
            if self.full {
                tracing::warn!(
                    "the spool is full: calls are not recorded until the sink takes what is there"
                );
            } else {
                tracing::info!("the spool has room again");
            }
        }
        has_room
    }
}
