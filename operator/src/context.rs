//! What every pass of a controller needs.

use std::sync::Arc;

use kube::Client;

use crate::{
    backoff::Backoff,
    cluster::cache::Cache,
    config::Config,
    decision_log::Journal,
    metrics::Metrics,
    model_server::probe::Prober,
    policy::ApprovalPolicy,
    rollout::{recorded::Recorded, summaries::Summaries},
};

/// Shared by both controllers of a scope.
pub struct Context {
    pub client: Client,
    pub cache: Cache,
    pub config: Arc<Config>,
    pub policy: ApprovalPolicy,
    pub prober: Prober,
    pub journal: Journal,
    pub metrics: Arc<Metrics>,
    pub backoff: Backoff,
    pub recorded: Recorded,
    pub summaries: Summaries,
}
