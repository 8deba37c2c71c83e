//! `pvc://name/prefix`: a folder on a mounted PVC. The path may contain real directories only.
//!
//! Anyone who can write to the PVC could replace a directory by a symbolic link, to make the pod write or remove files
//! elsewhere. Therefore each directory is opened relative to its parent, and a symbolic link is an error.

use std::{
    fs::File,
    io::Write,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use object_store::PutPayload;
use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags, fsync, mkdirat, openat, renameat, unlinkat},
    io::Errno,
};
use tokio::sync::Semaphore;

use super::error::SinkError;
use crate::{beneath, records::file_name::day_of_folder};

/// Permissions of directories and files: other pods may read the records, as far as the PVC allows it.
const DIRECTORY: Mode = Mode::from_bits_retain(0o777);
const FILE: Mode = Mode::from_bits_retain(0o666);

/// Ending of the name of a file that is not complete.
const PART: &str = ".part";
/// Most concurrent operations: one upload and one removal of old files. If the server of the PVC hangs, each operation
/// holds a thread and a file in memory, so another attempt must not add more of them.
pub(super) const AT_ONCE: usize = 2;

/// A folder on a PVC.
#[derive(Clone)]
pub(in crate::records) struct PvcFolder {
    mount: PathBuf,
    parts: Vec<String>,
    uri: String,
    /// Shared by all connections to the PVC.
    permits: Arc<Semaphore>,
}

/// Tells the blocking thread, when it is dropped, that nothing waits for its result any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl PvcFolder {
    pub(super) fn new(mount: &Path, path: &str, uri: &str, permits: &Arc<Semaphore>) -> Self {
        let parts = path.split('/').map(str::to_owned).collect();
        Self { mount: mount.to_owned(), parts, uri: uri.to_owned(), permits: Arc::clone(permits) }
    }

    pub(super) async fn put(&self, folder: &str, file: &str, bytes: PutPayload) -> Result<(), SinkError> {
        let (folder, file) = (folder.to_owned(), file.to_owned());
        self.blocking(move |pvc, cancelled| {
            pvc.write(&folder, &file, &bytes, cancelled).map_err(|error| pvc.failed("put", &file, error))
        })
        .await
    }

    pub(super) async fn expire(&self, day: i64, limit: usize) -> Result<usize, SinkError> {
        self.blocking(move |pvc, cancelled| {
            pvc.remove_before(day, limit, cancelled)
                .map_err(|error| pvc.failed("remove files from", "folders", error))
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Self, &AtomicBool) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let pvc = self.clone();
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let cancelled = Arc::new(AtomicBool::new(false));
        let _guard = CancelOnDrop(Arc::clone(&cancelled));
        let done = tokio::task::spawn_blocking(move || {
            // The thread holds the permit until the operation ends, also after a cancellation.
            let _permit = permit;
            operation(&pvc, &cancelled)
        });
        done.await.expect("file operations do not panic")
    }

    /// Writes the file under a temporary name in the same folder, then renames it.
    fn write(
        &self,
        folder: &str,
        file: &str,
        bytes: &PutPayload,
        cancelled: &AtomicBool,
    ) -> Result<(), Errno> {
        let directory = self.parts.iter().map(String::as_str).chain([folder]).try_fold(
            beneath::mount(&self.mount)?,
            |directory, part| match mkdirat(&directory, part, DIRECTORY) {
                Ok(()) => {
                    fsync(&directory)?;
                    open_directory(&directory, part)
                }
                Err(Errno::EXIST) => open_directory(&directory, part),
                Err(error) => Err(error),
            },
        )?;
        let part = format!(".{file}{PART}");
        let written = write_part(&directory, &part, bytes).and_then(|()| {
            if cancelled.load(Ordering::Acquire) {
                return Err(Errno::CANCELED);
            }
            renameat(&directory, &part, &directory, file)?;
            fsync(&directory)
        });
        if written.is_err() {
            // If this fails as well, the next attempt or the retention removes the file.
            let _ = unlinkat(&directory, &part, AtFlags::empty());
        }
        written
    }

    fn remove_before(&self, day: i64, limit: usize, cancelled: &AtomicBool) -> Result<usize, Errno> {
        let opened = self
            .parts
            .iter()
            .try_fold(beneath::mount(&self.mount)?, |directory, part| open_directory(&directory, part));
        let directory = match opened {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut removed = 0;
        for folder in names(&directory)? {
            if day_of_folder(&folder).is_none_or(|folder| folder >= day) {
                continue;
            }
            let old = open_directory(&directory, &folder)?;
            for file in names(&old)? {
                if removed == limit || cancelled.load(Ordering::Acquire) {
                    return Ok(removed);
                }
                let partial = file.starts_with('.') && file.ends_with(PART);
                if partial || file.ends_with(".parquet") {
                    ignore_missing(unlinkat(&old, &file, AtFlags::empty()))?;
                    removed += usize::from(!partial);
                }
            }
            match ignore_missing(unlinkat(&directory, &folder, AtFlags::REMOVEDIR)) {
                // The folder has a file that is not a record.
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                other => other?,
            }
        }
        Ok(removed)
    }

    fn failed(&self, what: &str, file: &str, error: Errno) -> SinkError {
        let uri = &self.uri;
        let hint = match error {
            Errno::LOOP | Errno::NOTDIR => {
                "; part of the path is a symbolic link or a file, which the server never follows"
            }
            Errno::ACCESS => "; the PVC must be writable for the pod's user or its fsGroup",
            _ => "",
        };
        SinkError(format!("failed to {what} {file} in {uri}: {error}{hint}"))
    }
}

fn open_directory(directory: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    beneath::open(directory, name, OFlags::DIRECTORY | OFlags::RDONLY)
}

/// Writes a file and syncs it to the disk. It is then counted as written, so it must survive a loss of power.
fn write_part(directory: &OwnedFd, part: &str, bytes: &PutPayload) -> Result<(), Errno> {
    // A former attempt may have left a file, and an attacker a link.
    ignore_missing(unlinkat(directory, part, AtFlags::empty()))?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(directory, part, flags, FILE)?);
    let written = bytes.iter().try_for_each(|chunk| file.write_all(chunk)).and_then(|()| file.sync_all());
    written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Treats a file that does not exist as removed.
fn ignore_missing(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// The names in a directory. Skips names that are not UTF-8.
fn names(directory: &OwnedFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        if let Ok(name) = entry?.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
#[path = "pvc_tests.rs"]
mod tests;
