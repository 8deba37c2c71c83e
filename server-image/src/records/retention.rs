//! Removes records from the sink after their retention.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;
use tracing::{info, warn};

use super::{
    file_name::day,
    sink::{Sink, SinkError},
};
use crate::artifact::jittered;

/// Longest time between two checks; the shortest is half of it. Every pod of the deployment checks, so one running pod
/// is enough.
const INTERVAL: Duration = Duration::from_hours(2);
/// Most files that one check removes.
const LIMIT: usize = 5000;

/// Removes old files until the process ends. `retention` changes with the settings. Without one, all files stay.
pub(super) async fn retain(sink: Arc<Sink>, mut retention: watch::Receiver<Option<Duration>>) {
    loop {
        let kept = *retention.borrow_and_update();
        if let Some(kept) = kept {
            match expire(&sink, SystemTime::now(), kept).await {
                Ok(0) => {}
                Ok(files) => info!(files, "removed records after their retention"),
                Err(error) => warn!(%error, "failed to remove old records, trying again later"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(jittered(INTERVAL)) => {}
            changed = retention.changed() => if changed.is_err() { return },
        }
    }
}

/// Removes the files of days that ended at least `kept` ago, and returns their number.
pub(super) async fn expire(sink: &Sink, now: SystemTime, kept: Duration) -> Result<usize, SinkError> {
    let oldest = now.checked_sub(kept).unwrap_or(SystemTime::UNIX_EPOCH);
    sink.connect()?.expire(day(oldest), LIMIT).await
}
