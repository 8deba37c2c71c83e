//! The names of HTTP headers, of the Open Inference Protocol and of the contract between pods.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use understudy_contract::headers;

/// Length of the JSON in bytes, in a body that carries binary tensors after it.
pub const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");
/// The id of a call.
pub const REQUEST_ID: HeaderName = HeaderName::from_static(headers::REQUEST_ID);
/// Semantic version of the model that answered.
pub const VERSION: HeaderName = HeaderName::from_static(headers::VERSION);
/// Digest of the model that answered, `sha256:<hex>`.
pub const DIGEST: HeaderName = HeaderName::from_static(headers::DIGEST);
/// Microseconds, see [`understudy_contract::headers::LATENCY`].
pub const LATENCY: HeaderName = HeaderName::from_static(headers::LATENCY);

/// Sets the header [`LATENCY`].
pub fn set_latency(headers: &mut HeaderMap, latency: Duration) {
    headers.insert(LATENCY, HeaderValue::from(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)));
}

/// The latency in the header [`LATENCY`]. `None` if it is absent or not a number.
#[must_use]
pub fn latency(headers: &HeaderMap) -> Option<Duration> {
    headers.get(LATENCY)?.to_str().ok()?.parse().ok().map(Duration::from_micros)
}
