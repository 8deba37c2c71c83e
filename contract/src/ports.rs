//! The ports of a model pod. They are fixed, since other pods and the operator call them by number.

/// Requests that come through the stable Service of the deployment.
pub const MAIN: u16 = 8080;
/// Copies of main's calls, sent by main's pods while this version is the challenger.
pub const CHALLENGER: u16 = 8081;
/// Requests that come through the version's own Service.
pub const DIRECT: u16 = 8082;
/// Health checks, metrics, records and the summary of what the pod has counted.
pub const METRICS: u16 = 9090;
