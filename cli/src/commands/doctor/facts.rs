//! What the checks judge: objects as the API server returned them, and counts of models. Data, with no client.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    config::Config,
    models::Models,
    rights::Need,
    seen::{Seen, Tally},
};

/// What is known about one installation.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Version of this plugin.
    pub plugin: String,
    /// The time on the clock of the API server.
    pub now: Timestamp,
    /// Version of the API server, for example `v1.36.3`.
    pub server: String,
    /// Namespace of the operator.
    pub system: String,
    /// Both CRDs by their plural name. `None`: it does not exist.
    pub crds: BTreeMap<&'static str, Seen<Option<Value>>>,
    /// The operator's Deployment.
    pub operator: Seen<Option<Value>>,
    /// The operator's configuration, and what follows from it.
    pub config: Config,
    /// The ConfigMap with the policy that the chart installed.
    pub reference: Seen<Option<Value>>,
    /// The `ValidatingAdmissionPolicy`.
    pub policy: Seen<Option<Value>>,
    /// Its binding.
    pub binding: Seen<Option<Value>>,
    /// The `MutatingAdmissionPolicy` that writes names, and its binding.
    pub stamp: Seen<(Option<Value>, Option<Value>)>,
    /// The policies and bindings of the guard. `None`: the chart was installed without it.
    pub guard: Seen<Option<Vec<GuardPart>>>,
    /// What a forbidden write returned, as a dry run.
    pub dry_run: Seen<DryRun>,
    /// The operator's pods.
    pub pods: Seen<Vec<Value>>,
    /// The rights that the operator's service account lacks.
    pub missing_rights: Seen<Vec<Need>>,
    /// The operator's Lease.
    pub lease: Seen<Option<Value>>,
    /// Whether the Lease changed while the doctor watched it.
    pub lease_changed: bool,
    /// The pages of each running pod of the operator.
    pub pages: Vec<Pages>,
    /// Both kinds and what belongs to them.
    pub models: Models,
    /// The nodes.
    pub nodes: Seen<Nodes>,
    /// The `DaemonSets` in kube-system.
    pub daemon_sets: Seen<Vec<Value>>,
}

/// A policy or a binding of the guard.
#[derive(Clone, Debug)]
pub struct GuardPart {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its `spec` as the chart installed it.
    pub wanted: Value,
    /// The object on the API server. `None`: it does not exist.
    pub found: Option<Value>,
}

/// The API server's response to the forbidden write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The approval policy refused it.
    Refused,
    /// It was accepted.
    Accepted,
    /// Something else refused it. The message.
    Other(String),
}

/// What one pod of the operator reports.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Name of the pod.
    pub pod: String,
    /// `/metrics`.
    pub metrics: Seen<String>,
    /// `/livez`: status code and text.
    pub livez: Seen<(u16, String)>,
    /// `/readyz`: status code and text.
    pub readyz: Seen<(u16, String)>,
}

/// The nodes of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// All of them.
    pub total: usize,
    /// Those that are not ready.
    pub not_ready: Tally,
}
