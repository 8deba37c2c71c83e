//! What the challenger port says beside the protocol: who answered, and how long it took there. Main reads it.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Semantic version of who answered.
pub const VERSION: HeaderName = HeaderName::from_static("understudy-version");
/// `sha256:<hex>` of its file.
pub const DIGEST: HeaderName = HeaderName::from_static("understudy-digest");
/// Microseconds from the end of the request's body to the beginning of the answer.
pub const LATENCY: HeaderName = HeaderName::from_static("understudy-latency-us");

/// Says how long the answer took.
pub fn set_latency(headers: &mut HeaderMap, latency: Duration) {
    headers.insert(LATENCY, HeaderValue::from(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)));
}

/// How long the answer took, if it says so.
#[must_use]
pub fn latency(headers: &HeaderMap) -> Option<Duration> {
    headers.get(LATENCY)?.to_str().ok()?.parse().ok().map(Duration::from_micros)
}
