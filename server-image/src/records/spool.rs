//! The spool: complete files on the pod's disk that wait for their upload to the sink.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    counts::Counts,
    file_name::{FileName, SpoolEntry},
    loss::Loss,
};

/// A complete file in the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpooledFile {
    pub(super) name: FileName,
    /// Name of the file in the spool.
    pub(super) file: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
    /// Whether a former process wrote it.
    pub(super) inherited: bool,
}

/// The complete files, the oldest first.
pub(super) struct Spool {
    directory: PathBuf,
    /// Largest size of open and complete files together, in bytes.
    budget: u64,
    ready: Mutex<VecDeque<SpooledFile>>,
    /// The number of complete files.
    waiting: watch::Sender<usize>,
    counts: Arc<Counts>,
}

impl Spool {
    /// Opens the spool in `directory`, and takes over the files of a former process.
    ///
    /// The rows of complete files are due again. A file that was still open is unreadable: its rows are due and
    /// dropped.
    pub(super) fn open(directory: &Path, budget: u64, counts: &Arc<Counts>) -> Arc<Self> {
        let mut ready = match left_behind(directory, counts) {
            Ok(ready) => ready,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                warn!(directory = %directory.display(), %error, "failed to read the spool");
                Vec::new()
            }
        };
        // File names begin with the time.
        ready.sort_by(|one, other| one.file.cmp(&other.file));
        let rows: u64 = ready.iter().map(|ready| ready.rows).sum();
        if !ready.is_empty() {
            info!(files = ready.len(), rows, "found files of a former process in the spool");
        }
        counts.inherited(rows);
        let (waiting, _) = watch::channel(ready.len());
        let spool = Arc::new(Self {
            directory: directory.to_owned(),
            budget,
            ready: Mutex::new(ready.into()),
            waiting,
            counts: Arc::clone(counts),
        });
        spool.show_size(&spool.lock(), 0);
        spool
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the budget allows open files of `open` bytes in addition to the complete files. If so, the metric of the
    /// spool's size includes them.
    pub(super) fn allows(&self, open: u64) -> bool {
        let ready = self.lock();
        let allowed = bytes_of(&ready).saturating_add(open) <= self.budget;
        self.show_size(&ready, if allowed { open } else { 0 });
        allowed
    }

    /// Adds a complete file.
    pub(super) fn add(&self, new: SpooledFile) {
        let mut ready = self.lock();
        ready.push_back(new);
        self.show_size(&ready, 0);
        self.waiting.send_replace(ready.len());
    }

    /// The file to upload next.
    pub(super) fn oldest(&self) -> Option<SpooledFile> {
        self.lock().front().cloned()
    }

    /// Removes the oldest file, after it was uploaded or lost.
    pub(super) fn remove_oldest(&self) {
        let mut ready = self.lock();
        if let Some(gone) = ready.pop_front() {
            remove(&self.directory, &gone.file);
        }
        self.show_size(&ready, 0);
        self.waiting.send_replace(ready.len());
    }

    /// Removes every file and counts its rows as dropped.
    pub(super) fn discard(&self, loss: Loss) {
        while let Some(oldest) = self.oldest() {
            self.counts.dropped(loss, oldest.rows);
            self.remove_oldest();
        }
    }

    /// Watches the number of complete files.
    pub(super) fn waiting(&self) -> watch::Receiver<usize> {
        self.waiting.subscribe()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The number of rows in the complete files.
    pub(super) fn rows(&self) -> u64 {
        self.lock().iter().map(|ready| ready.rows).sum()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<SpooledFile>> {
        self.ready.lock().expect("no thread panics while it holds the lock")
    }

    /// Sets the metric of the spool's size.
    fn show_size(&self, ready: &VecDeque<SpooledFile>, open: u64) {
        self.counts.set_spool_bytes(bytes_of(ready) + open);
    }
}

fn bytes_of(ready: &VecDeque<SpooledFile>) -> u64 {
    ready.iter().map(|ready| ready.bytes).sum()
}

/// The complete files of a former process. Counts and removes its open files.
fn left_behind(directory: &Path, counts: &Counts) -> std::io::Result<Vec<SpooledFile>> {
    let mut ready = Vec::new();
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        match SpoolEntry::of(&file) {
            Some(SpoolEntry::Ready { name, rows, crc }) => {
                let bytes = entry.metadata()?.len();
                ready.push(SpooledFile { name, file, rows, bytes, crc, inherited: true });
            }
            Some(SpoolEntry::Open(name)) => {
                let rows = rows_in_journal(directory, &name);
                warn!(file, rows, "a former process ended before the file was complete, its rows are lost");
                counts.inherited(rows);
                counts.dropped(Loss::Crash, rows);
                remove(directory, &file);
            }
            Some(SpoolEntry::Journal(_)) => journals.push(file),
            None => warn!(file, "a file in the spool does not contain records, it is left there"),
        }
    }
    for journal in journals {
        remove(directory, &journal);
    }
    Ok(ready)
}

/// The number of rows in an open file, according to its journal.
fn rows_in_journal(directory: &Path, name: &FileName) -> u64 {
    let path = directory.join(name.journal());
    let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let rows = match read.as_deref() {
        // The file is open and still empty.
        Ok("") => Ok(0),
        Ok(text) => text.parse().map_err(|_| format!("`{text}` is not a number")),
        Err(error) => Err(error.clone()),
    };
    rows.unwrap_or_else(|error| {
        warn!(path = %path.display(), error, "failed to read the number of lost rows");
        0
    })
}

/// Removes a file, if it still exists.
pub(super) fn remove(directory: &Path, file: &str) {
    match std::fs::remove_file(directory.join(file)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            warn!(file, %error, "failed to remove a file from the spool");
        }
        _ => {}
    }
}
