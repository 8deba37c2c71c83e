//! Uploads the files of the spool to the sink: one at a time, the oldest first. Repeats each upload until it succeeds.

use std::{
    fs::File,
    io::Read,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use flate2::Crc;
use object_store::PutPayload;
use tokio::sync::watch;
use tracing::warn;

use super::{
    loss::Loss,
    sink::{Connection, Sink, SinkError},
    spool::{Spool, SpooledFile},
};
use crate::artifact::jittered;

/// Pauses between attempts. They double from the first to the longest: short for the restart of a store's pod, long for
/// an outage of hours.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause while the process ends.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// A file is read in chunks of this size. The allocator returns their memory immediately, unlike that of one large
/// chunk.
const CHUNK: usize = 64 << 10;

/// Uploads until the process ends. `stopping` becomes true shortly before.
pub(super) async fn upload(spool: Arc<Spool>, sink: Arc<Sink>, mut stopping: watch::Receiver<bool>) {
    let mut waiting = spool.waiting();
    let (mut connection, mut pause) = (None, FIRST_PAUSE);
    loop {
        // An error means that the spool is gone, and there is nothing left to upload.
        if waiting.wait_for(|files| *files > 0).await.is_err() {
            return;
        }
        let Some(ready) = spool.oldest() else { continue };
        let done = match read(&spool, &ready).await {
            Ok(bytes) => put(&sink, &mut connection, &ready, bytes).await.map_err(|error| error.to_string()),
            Err(Unread::Lost(reason)) => {
                let rows = ready.rows;
                warn!(
                    file = ready.file,
                    rows, reason, "failed to read a file of the spool, its rows are lost"
                );
                spool.counts().dropped(if ready.inherited { Loss::Crash } else { Loss::Disk }, rows);
                spool.remove_oldest();
                continue;
            }
            Err(Unread::NotNow(error)) => {
                Err(format!("failed to read {} from the spool: {error}", ready.file))
            }
        };
        match done {
            Ok(()) => {
                spool.counts().written(ready.rows, SystemTime::now());
                spool.remove_oldest();
                pause = FIRST_PAUSE;
            }
            Err(error) => {
                spool.counts().upload_failed();
                let again = jittered(if *stopping.borrow() { pause.min(LAST_PAUSE) } else { pause });
                let (files, rows) = (*waiting.borrow(), spool.rows());
                warn!(
                    files,
                    rows,
                    again_ms = again.as_millis(),
                    error,
                    "failed to upload records, trying again"
                );
                // The next attempt reads the Secret again, since the keys in it may be wrong.
                connection = None;
                tokio::select! {
                    () = tokio::time::sleep(again) => {}
                    _ = stopping.changed() => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn put(
    sink: &Sink,
    connection: &mut Option<Connection>,
    ready: &SpooledFile,
    bytes: PutPayload,
) -> Result<(), SinkError> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(sink.connect()?),
    };
    let (folder, file) = ready.name.in_sink();
    connection.put(&folder, &file, bytes).await
}

/// Why a file of the spool could not be read.
enum Unread {
    /// The file does not exist, or its contents differ from what was written.
    Lost(&'static str),
    /// The disk failed. Another attempt may succeed.
    NotNow(std::io::Error),
}

/// The contents of the file. Size and checksum must be those that were written.
async fn read(spool: &Spool, ready: &SpooledFile) -> Result<PutPayload, Unread> {
    let path = spool.directory().join(&ready.file);
    let expected = (ready.bytes, ready.crc);
    let read = tokio::task::spawn_blocking(move || {
        let unread = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Unread::Lost("the file does not exist"),
            _ => Unread::NotNow(error),
        };
        let mut file = File::open(&path).map_err(unread)?;
        let (mut chunks, mut crc, mut length) = (Vec::new(), Crc::new(), 0);
        loop {
            let mut chunk = vec![0; CHUNK];
            let count = file.read(&mut chunk).map_err(unread)?;
            if count == 0 {
                break;
            }
            chunk.truncate(count);
            crc.update(&chunk);
            length += count as u64;
            chunks.push(Bytes::from(chunk));
        }
        let whole = (length, crc.sum()) == expected;
        if whole { Ok(chunks.into_iter().collect()) } else { Err(Unread::Lost("size or checksum differ")) }
    });
    read.await.expect("reading does not panic")
}
