//! What the operator was configured with.

use super::seen::Seen;

/// What the operator was configured with. Without the right to read its ConfigMap, the chart's defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// Release of the chart.
    pub release: String,
    /// Prefix of all names.
    pub fullname: String,
    /// Name of the operator's Deployment.
    pub operator: String,
    /// Name of its service account.
    pub account: String,
    /// Version of the chart.
    pub chart: Option<String>,
    /// Image of the operator.
    pub image: Option<String>,
    /// Whether the ConfigMap could be read.
    pub read: Seen<()>,
    /// Image of the inference server.
    pub server_image: Option<String>,
    /// Namespaces that the operator watches. Empty: all.
    pub watched: Vec<String>,
    /// Name of policy and binding.
    pub policy: String,
    /// Name of the Lease.
    pub lease: String,
    /// How long the Lease is valid, in seconds.
    pub lease_seconds: i64,
    /// Whether the chart installed the policy that writes names.
    pub stamps: bool,
}
