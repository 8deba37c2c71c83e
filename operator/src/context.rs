//! What each pass of a controller needs.

use std::sync::Arc;

use kube::Client;

use crate::{
    cluster::{cache::Cache, settled::Settled},
    config::Config,
    decision_log::Journal,
    metrics::Metrics,
    model_server::{collector::Collector, probes::Probes},
    policy::{ApprovalPolicy, Guard},
};

/// Clients, caches and settings that both controllers of a scope share.
pub struct Context {
    pub client: Client,
    pub cache: Cache,
    /// What of the owned objects stayed different after a write.
    pub settled: Settled,
    pub config: Arc<Config>,
    pub policy: ApprovalPolicy,
    pub guard: Guard,
    /// Probes of pods and Services.
    pub probes: Probes,
    pub journal: Journal,
    pub metrics: Arc<Metrics>,
    /// Collects what pods have counted.
    pub collector: Collector,
}
