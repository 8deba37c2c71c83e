//! What the checks judge: objects as the API server returned them, and counts of models. Data, with no client.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{models::Models, rights::Need};

/// Something that was read, or why it could not be.
pub type Seen<T> = Result<T, Blind>;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blind {
    /// A right is missing, for example `list nodes`.
    Denied(String),
    /// Anything else, for example a timeout.
    Failed(String),
    /// It was not tried, because something that it needs is missing. The reason.
    NotTried(String),
}

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

/// A number of objects, with the names of the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: usize,
    /// The first of them.
    pub examples: Vec<String>,
}

/// Names in one message.
const EXAMPLES: usize = 5;

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }

    /// `a, b and 3 more`.
    #[must_use]
    pub fn names(&self) -> String {
        let more = self.count - self.examples.len();
        let names = self.examples.join(", ");
        if more == 0 { names } else { format!("{names} and {more} more") }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
