//! Puts the waiting files into the sink, the oldest first, one at a time, until each is there.

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

use super::{
    loss::Loss,
    sink::{Connection, Sink, SinkError},
    spool::{Spool, SpooledFile},
};
use crate::artifact::jittered;

/// Pauses between tries: short enough for the restart of a store's pod, long enough for an outage of hours.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause while the process is about to end.
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// A file is held in pieces of that size: memory that the allocator gives back at once, other than that of one piece.
const CHUNK: usize = 64 << 10;

/// Uploads for as long as the process lives. `hurry` becomes true when it is about to end.
pub(super) async fn upload(spool: Arc<Spool>, sink: Arc<Sink>, mut hurry: watch::Receiver<bool>) {
    let mut waiting = spool.waiting();
    let (mut connection, mut pause) = (None, FIRST_PAUSE);
    loop {
        // The spool outlives its uploader.
        if waiting.wait_for(|files| *files > 0).await.is_err() {
            return;
        }
        let Some(ready) = spool.oldest() else { continue };
        let done = match read(&spool, &ready).await {
            Ok(bytes) => put(&sink, &mut connection, &ready, bytes).await.map_err(|error| error.to_string()),
            Err(Unread::Lost(what)) => {
                let rows = ready.rows;
                tracing::warn!(rows, "{} in the spool {what}: its rows are lost", ready.file);
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
                let again = jittered(if *hurry.borrow() { pause.min(LAST_PAUSE) } else { pause });
                let (files, rows) = (*waiting.borrow(), spool.rows());
                tracing::warn!(
                    files,
                    rows,
                    again_ms = again.as_millis(),
                    "failed to upload records: {error}"
                );
                // The next try reads the Secret again: what is wrong may be its keys.
                connection = None;
                tokio::select! {
                    () = tokio::time::sleep(again) => {}
                    _ = hurry.changed() => {}
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

/// Why a file's bytes are not here.
enum Unread {
    /// It is gone, or not what was written.
    Lost(&'static str),
    /// The disk may give it another time.
    NotNow(std::io::Error),
}

/// The file's bytes, if they are what was written.
async fn read(spool: &Spool, ready: &SpooledFile) -> Result<PutPayload, Unread> {
    let path = spool.directory().join(&ready.file);
    let expected = (ready.bytes, ready.crc);
    let read = tokio::task::spawn_blocking(move || {
        let unread = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Unread::Lost("is gone"),
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
        if whole { Ok(chunks.into_iter().collect()) } else { Err(Unread::Lost("is not what was written")) }
    });
    read.await.expect("reading does not panic")
}
