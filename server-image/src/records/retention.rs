//! Removes records that are older than they may be kept.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;

use super::{file_name::day, sink::Sink};
use crate::artifact::jittered;

/// Between a half and the whole of this lies between two looks. Every pod of the deployment looks, so old files go
/// while any of them lives.
const EVERY: Duration = Duration::from_hours(2);
/// Files that are removed at one look, at most.
const LIMIT: usize = 5000;

/// Removes old files for as long as the process lives; `keep` is how long records are kept, for ever where absent.
pub(super) async fn retain(sink: Arc<Sink>, mut keep: watch::Receiver<Option<Duration>>) {
    loop {
        let kept = *keep.borrow_and_update();
        if let Some(kept) = kept {
            match expire(&sink, SystemTime::now(), kept).await {
                Ok(0) => {}
                Ok(files) => tracing::info!(files, "removed records that were kept long enough"),
                Err(error) => tracing::warn!("failed to remove old records, trying again later: {error}"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(jittered(EVERY)) => {}
            changed = keep.changed() => if changed.is_err() { return },
        }
    }
}

/// Removes the files of days that ended at least `kept` ago.
pub(super) async fn expire(
    sink: &Sink,
    now: SystemTime,
    kept: Duration,
) -> Result<usize, super::sink::SinkError> {
    let oldest = now.checked_sub(kept).unwrap_or(SystemTime::UNIX_EPOCH);
    sink.connect()?.expire(day(oldest), LIMIT).await
}
