//! Numbers for people.

use std::time::Duration;

/// How often `own` fits into `limit`.
pub fn ratio(limit: Duration, own: Duration) -> f64 {
    limit.as_secs_f64() / own.as_secs_f64()
}

/// A number of bytes far below 2^32 kilobytes, in megabytes.
pub fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0
}
