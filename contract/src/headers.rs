//! The HTTP headers that pods add to the Open Inference Protocol, in lower case as HTTP/2 requires.

/// Semantic version of the model that answered. Set on the challenger port only.
pub const VERSION: &str = "understudy-version";
/// Digest of the model that answered, `sha256:<hex>`. Set on the challenger port only.
pub const DIGEST: &str = "understudy-digest";
/// Microseconds from the end of the request's body to the start of the response. Set on the challenger port only.
pub const LATENCY: &str = "understudy-latency-us";
/// Id of a recorded call. The caller may set it; otherwise the server creates one and returns it here.
pub const REQUEST_ID: &str = "x-request-id";
