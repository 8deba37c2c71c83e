//! The ports of a model pod. They are fixed: Services, probes and the console refer to them by number.

/// Requests that come through the stable Service of the deployment.
pub const MAIN: u16 = 8080;
/// Copies of main's requests, sent by main's pods while this version is the challenger.
pub const CHALLENGER: u16 = 8081;
/// Requests that come through the version's own Service.
pub const DIRECT: u16 = 8082;
/// Health checks, metrics, records and the summary of what the pod has seen.
pub const METRICS: u16 = 9090;
