//! The HTTP paths that the operator and other pods call, and where the routing file is mounted.

/// `GET` on an inference port: runs one real inference and answers with a [`crate::ProbeAnswer`].
pub const PROBE: &str = "/understudy/v1/probe";
/// `GET` on the metrics port: what the pod has counted, as `understudy_stats::Summary`.
pub const SUMMARY: &str = "/understudy/v1/summary";
/// `GET` on the metrics port: the newest records as JSON lines, at most `?limit=` of them. Default: 100.
pub const RECORDS: &str = "/understudy/v1/records";
/// `POST` on an inference port or the metrics port: ground truth for earlier calls.
pub const OUTCOMES: &str = "/understudy/v1/outcomes";

/// `GET` on the metrics port: metrics in Prometheus text format.
pub const METRICS: &str = "/metrics";
/// Liveness probe on the metrics port: 200 while the process is alive.
pub const LIVEZ: &str = "/livez";
/// Startup probe on the metrics port: 200 once the model has answered its warm-up.
pub const STARTUPZ: &str = "/startupz";
/// Readiness probe on the metrics port: 200 while the model is loaded and the pod is not draining.
pub const READYZ: &str = "/readyz";

/// Key of [`crate::Routing`] in its ConfigMap, and name of the file in the pod.
pub const ROUTING_FILE: &str = "routing.json";
