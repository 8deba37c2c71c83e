//! The whole files that wait for the sink, on the pod's disk.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use super::{
    counts::Counts,
    file_name::{FileName, SpoolEntry},
    loss::Loss,
};

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpooledFile {
    pub(super) name: FileName,
    /// What it is called in the spool.
    pub(super) file: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) crc: u32,
    /// Whether a former process left it.
    pub(super) inherited: bool,
}

/// The files that wait, the oldest first.
pub(super) struct Spool {
    directory: PathBuf,
    bound: u64,
    ready: Mutex<VecDeque<SpooledFile>>,
    /// How many files wait.
    waiting: watch::Sender<usize>,
    counts: Arc<Counts>,
}

impl Spool {
    /// The spool in `directory`, with what a former process left there.
    ///
    /// Whole files are due again. Of a file that was still open, nothing can be read: its rows are due and dropped.
    pub(super) fn open(directory: &Path, bound: u64, counts: &Arc<Counts>) -> Arc<Self> {
        let mut ready = match left_behind(directory, counts) {
            Ok(ready) => ready,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!("failed to read the spool {}: {error}", directory.display());
                Vec::new()
            }
        };
        // Names begin with the time.
        ready.sort_by(|one, other| one.file.cmp(&other.file));
        let rows: u64 = ready.iter().map(|ready| ready.rows).sum();
        if !ready.is_empty() {
            tracing::info!(files = ready.len(), rows, "a former process left files in the spool");
        }
        counts.inherited(rows);
        let (waiting, _) = watch::channel(ready.len());
        let spool = Arc::new(Self {
            directory: directory.to_owned(),
            bound,
            ready: Mutex::new(ready.into()),
            waiting,
            counts: Arc::clone(counts),
        });
        spool.tell(&spool.lock(), 0);
        spool
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether `bytes` fit beside the waiting files, and tells how much there is then.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        let ready = self.lock();
        let fits = bytes_of(&ready).saturating_add(bytes) <= self.bound;
        self.tell(&ready, if fits { bytes } else { 0 });
        fits
    }

    /// Adds a file.
    pub(super) fn add(&self, new: SpooledFile) {
        let mut ready = self.lock();
        ready.push_back(new);
        self.tell(&ready, 0);
        self.waiting.send_replace(ready.len());
    }

    /// The file to upload next.
    pub(super) fn oldest(&self) -> Option<SpooledFile> {
        self.lock().front().cloned()
    }

    /// Removes the oldest file, which is in the sink or lost.
    pub(super) fn remove_oldest(&self) {
        let mut ready = self.lock();
        if let Some(gone) = ready.pop_front() {
            remove(&self.directory, &gone.file);
        }
        self.tell(&ready, 0);
        self.waiting.send_replace(ready.len());
    }

    /// Gives up every file.
    pub(super) fn discard(&self, loss: Loss) {
        while let Some(oldest) = self.oldest() {
            self.counts.dropped(loss, oldest.rows);
            self.remove_oldest();
        }
    }

    /// Follows how many files wait.
    pub(super) fn waiting(&self) -> watch::Receiver<usize> {
        self.waiting.subscribe()
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Rows that wait.
    pub(super) fn rows(&self) -> u64 {
        self.lock().iter().map(|ready| ready.rows).sum()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<SpooledFile>> {
        self.ready.lock().expect("nobody panics while holding it")
    }

    fn tell(&self, ready: &VecDeque<SpooledFile>, open: u64) {
        self.counts.set_spool_bytes(bytes_of(ready) + open);
    }
}

fn bytes_of(ready: &VecDeque<SpooledFile>) -> u64 {
    ready.iter().map(|ready| ready.bytes).sum()
}

/// Sorts what a former process left: whole files are returned, halves are counted and removed.
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
                let rows = noted(directory, &name);
                tracing::warn!(rows, "a former process ended in the middle of {file}; its rows are lost");
                counts.inherited(rows);
                counts.dropped(Loss::Crash, rows);
                remove(directory, &file);
            }
            Some(SpoolEntry::Journal(_)) => journals.push(file),
            None => tracing::warn!("{file} in the spool is no file of records; it stays there"),
        }
    }
    for journal in journals {
        remove(directory, &journal);
    }
    Ok(ready)
}

/// How many rows the file was given, as far as its journal knows.
fn noted(directory: &Path, name: &FileName) -> u64 {
    let path = directory.join(name.journal());
    let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let rows = match read.as_deref() {
        // A file that has been opened, and given nothing yet.
        Ok("") => Ok(0),
        Ok(text) => text.parse().map_err(|_| format!("`{text}` is no number")),
        Err(error) => Err(error.clone()),
    };
    rows.unwrap_or_else(|what| {
        tracing::warn!("failed to read how many rows are lost from {}: {what}", path.display());
        0
    })
}

/// Removes a file that may be gone already.
pub(super) fn remove(directory: &Path, file: &str) {
    match std::fs::remove_file(directory.join(file)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!("failed to remove {} from the spool: {error}", file);
        }
        _ => {}
    }
}
