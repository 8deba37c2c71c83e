//! `pvc://name/prefix`: a folder of the mounted claim, reached through real directories only.
//!
//! Whoever else can write to the claim could put a symbolic link in the way, so that records are written, or files
//! removed, somewhere else in the pod. Each step of the way is therefore opened from the one before, and a link is no
//! directory.

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
    fs::{AtFlags, CWD, Dir, Mode, OFlags, fsync, mkdirat, openat, renameat, unlinkat},
    io::Errno,
};
use tokio::sync::Semaphore;

use super::error::SinkError;
use crate::records::file_name::day_of_folder;

/// Others read the records from the claim; what they may is for the claim to say.
const DIRECTORY: Mode = Mode::from_bits_retain(0o777);
const FILE: Mode = Mode::from_bits_retain(0o666);

/// What a file is called until it is whole.
const PART: &str = ".part";
/// Operations at the same time: a file that is put, and a look for old ones. A claim whose server is gone blocks a thread
/// for as long as it likes, with the file that it holds, so there must not be one more at every try.
pub(super) const AT_ONCE: usize = 2;

/// A folder of a claim.
#[derive(Clone)]
pub(in crate::records) struct PvcFolder {
    mount: PathBuf,
    parts: Vec<String>,
    uri: String,
    /// Shared by all connections to the claim.
    free: Arc<Semaphore>,
}

/// Tells the blocking thread that nobody waits for it any more.
struct Cancelled(Arc<AtomicBool>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl PvcFolder {
    pub(super) fn new(mount: &Path, path: &str, uri: &str, free: &Arc<Semaphore>) -> Self {
        let parts = path.split('/').map(str::to_owned).collect();
        Self { mount: mount.to_owned(), parts, uri: uri.to_owned(), free: Arc::clone(free) }
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
                .map_err(|error| pvc.failed("remove from", "its folders", error))
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Self, &AtomicBool) -> Result<T, SinkError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let pvc = self.clone();
        let place = Arc::clone(&self.free).acquire_owned().await.expect("nobody closes it");
        let cancelled = Arc::new(AtomicBool::new(false));
        let _guard = Cancelled(Arc::clone(&cancelled));
        let done = tokio::task::spawn_blocking(move || {
            // Given back when the operation ends, also if nobody waits for it any more.
            let _place = place;
            operation(&pvc, &cancelled)
        });
        done.await.expect("file operations do not panic")
    }

    /// Writes the whole file beside its place, then gives it its name.
    fn write(
        &self,
        folder: &str,
        file: &str,
        bytes: &PutPayload,
        cancelled: &AtomicBool,
    ) -> Result<(), Errno> {
        let directory = self.parts.iter().map(String::as_str).chain([folder]).try_fold(
            self.open_mount()?,
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
            // If this fails as well, the next try or the retention removes it.
            let _ = unlinkat(&directory, &part, AtFlags::empty());
        }
        written
    }

    fn remove_before(&self, day: i64, limit: usize, cancelled: &AtomicBool) -> Result<usize, Errno> {
        let opened = self
            .parts
            .iter()
            .try_fold(self.open_mount()?, |directory, part| open_directory(&directory, part));
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
                let half = file.starts_with('.') && file.ends_with(PART);
                if half || file.ends_with(".parquet") {
                    gone_by_now(unlinkat(&old, &file, AtFlags::empty()))?;
                    removed += usize::from(!half);
                }
            }
            match gone_by_now(unlinkat(&directory, &folder, AtFlags::REMOVEDIR)) {
                // Somebody else's file is in it.
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                other => other?,
            }
        }
        Ok(removed)
    }

    /// The mount itself may be reached through links, as the kubelet makes them.
    fn open_mount(&self) -> Result<OwnedFd, Errno> {
        openat(CWD, &self.mount, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    fn failed(&self, what: &str, file: &str, error: Errno) -> SinkError {
        let uri = &self.uri;
        let hint = match error {
            Errno::LOOP | Errno::NOTDIR => {
                "; part of the way is a symbolic link or a file, which is never followed"
            }
            Errno::ACCESS => "; the claim must be writable for the pod's user or its fsGroup",
            _ => "",
        };
        SinkError(format!("failed to {what} {file} in {uri}: {error}{hint}"))
    }
}

fn open_directory(directory: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

/// What is written here is counted as written, so it must outlive the loss of power.
fn write_part(directory: &OwnedFd, part: &str, bytes: &PutPayload) -> Result<(), Errno> {
    // A former try may have left one, and somebody else a link.
    gone_by_now(unlinkat(directory, part, AtFlags::empty()))?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(openat(directory, part, flags, FILE)?);
    let written = bytes.iter().try_for_each(|chunk| file.write_all(chunk)).and_then(|()| file.sync_all());
    written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn gone_by_now(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// The names in a directory, as far as they are text.
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
