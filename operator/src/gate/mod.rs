//! The gate: whether the API server enforces the approval policy at this moment. No gate, no promotion.
//!
//! Two looks. The policy and its binding must be what the chart installed, and a dry run of a write that the policy
//! forbids must be refused by it. Only the second works without the right to read policies.

mod probe;
mod reference;

use std::{path::Path, sync::Arc, time::Duration};

use kube::Client;
use rand::RngExt as _;
use tokio::sync::watch;
use tracing::{info, warn};
use understudy_crds::{HISTORY_LIMIT, ModelVersion};

pub use reference::{Error, Expected, Installed};

use crate::{
    cluster::{cache::Cache, scope::Scope},
    metrics::Metrics,
};

/// Pause between two looks while nothing is decided; each decision looks for itself.
const INTERVAL: Duration = Duration::from_secs(10);

/// Nobody knows yet whether the policy is enforced.
pub const NOT_TRIED: &str = "NotTried";

/// What a look at the gate found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Whether the policy is enforced.
    pub active: bool,
    /// Whether that is known: without the right to read policies it takes a version to find out.
    pub known: bool,
    /// Why, for a person.
    pub message: String,
    /// The policy that was read, where that is allowed.
    pub installed: Option<Installed>,
}

impl Report {
    fn active(message: &str, installed: Option<Installed>) -> Self {
        Self { active: true, known: true, message: message.to_owned(), installed }
    }

    fn broken(message: String) -> Self {
        Self { active: false, known: true, message, installed: None }
    }

    fn unknown(message: &str) -> Self {
        Self { active: false, known: false, message: message.to_owned(), installed: None }
    }

    /// One word for conditions.
    pub fn reason(&self) -> &'static str {
        match (self.active, self.known) {
            (true, _) => "Enforced",
            (false, true) => "NotEnforced",
            (false, false) => NOT_TRIED,
        }
    }
}

/// Looks at the gate, and remembers what it saw last.
pub struct Gate {
    client: Client,
    expected: Option<Expected>,
    seen: watch::Sender<Report>,
}

impl Gate {
    /// A gate whose policy the chart put into `files`; `names` of policy and binding are absent where they may not
    /// be read.
    pub fn new(client: Client, files: &Path, names: Option<(&str, &str)>) -> Result<Self, Error> {
        let expected = names.map(|(policy, binding)| Expected::read(files, policy, binding)).transpose()?;
        let seen = watch::Sender::new(Report::unknown("not looked at yet"));
        Ok(Self { client, expected, seen })
    }

    /// What was seen last, and a way to await a change.
    pub fn subscribe(&self) -> watch::Receiver<Report> {
        self.seen.subscribe()
    }

    /// Looks now. `witness` is the version on which the forbidden write is tried, without effect.
    pub async fn look(&self, witness: Option<&ModelVersion>) -> Report {
        let report = self.judge(witness).await;
        self.seen.send_if_modified(|seen| {
            let changed = *seen != report;
            if seen.active != report.active {
                let (active, message) = (report.active, &report.message);
                if active {
                    info!(active, message, "approval gate");
                } else {
                    warn!(active, message, "approval gate");
                }
            }
            seen.clone_from(&report);
            changed
        });
        report
    }

    async fn judge(&self, witness: Option<&ModelVersion>) -> Report {
        let compared = async {
            let Some(expected) = &self.expected else { return Ok(None) };
            expected.compare(&self.client).await.map(Some)
        };
        let tried = async {
            let Some(witness) = witness else { return Ok(false) };
            probe::forbidden_write_is_refused(&self.client, witness).await
        };
        let (installed, tried) = match tokio::join!(compared, tried) {
            (Ok(installed), Ok(tried)) => (installed, tried),
            // What was changed says more than that a forbidden write passes.
            (Err(error), _) => return Report::broken(crate::error_chain::chain(&error)),
            (_, Err(error)) => return Report::broken(crate::error_chain::chain(&error)),
        };
        match (tried, installed) {
            (true, installed) => Report::active("the API server enforces the approval policy", installed),
            (false, installed @ Some(_)) => {
                Report::active("the approval policy is installed; no version yet to try it on", installed)
            }
            (false, None) => Report::unknown("no model version yet to try the approval policy on"),
        }
    }

    /// Looks again and again, so that conditions and metrics tell of a gate that opened while nothing was decided.
    pub async fn keep_looking(&self, cache: &Cache, scope: &Scope, metrics: Arc<Metrics>) {
        loop {
            // A full record takes no more entries, whoever writes them.
            let witness = cache.versions.state().into_iter().find(|v| v.history().len() < HISTORY_LIMIT);
            let report = self.look(witness.as_deref()).await;
            if report.known {
                metrics.gate(scope.namespace(), report.active);
            }
            let pause = INTERVAL.mul_f64(rand::rng().random_range(1.0..1.2));
            tokio::time::sleep(pause).await;
        }
    }
}
