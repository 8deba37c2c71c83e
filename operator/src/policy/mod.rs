//! Whether the API server enforces the approval policy now. Nothing is promoted while it does not.
//!
//! Two checks. The policy and its binding must be those that the chart installed. And the policy must refuse the dry
//! run of a write that it forbids. Only the second check works without the right to read policies.

mod dry_run;
mod reference;

use std::{path::Path, time::Duration};

use kube::Client;
use rand::RngExt as _;
use tokio::sync::watch;
use tracing::{info, warn};
use understudy_crds::{HISTORY_CAPACITY, ModelVersion};

pub use reference::{Error, Expected, Installed};

use crate::{
    cluster::{cache::Cache, scope::Scope},
    error_chain::chain,
    metrics::Metrics,
    reasons,
};

/// Pause between two checks while nothing is decided. Each decision includes a check of its own.
const INTERVAL: Duration = Duration::from_secs(10);

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enforcement {
    /// Whether the policy is enforced.
    pub active: bool,
    /// Whether that is known. Without the right to read policies, the check needs a `ModelVersion`.
    pub known: bool,
    /// Why, for people.
    pub message: String,
    /// The policy, if the operator may read it.
    pub installed: Option<Installed>,
}

impl Enforcement {
    fn active(message: &str, installed: Option<Installed>) -> Self {
        Self { active: true, known: true, message: message.to_owned(), installed }
    }

    fn broken(message: String) -> Self {
        Self { active: false, known: true, message, installed: None }
    }

    fn unknown(message: &str) -> Self {
        Self { active: false, known: false, message: message.to_owned(), installed: None }
    }

    /// The reason in conditions.
    pub fn reason(&self) -> reasons::Policy {
        match (self.active, self.known) {
            (true, _) => reasons::Policy::Enforced,
            (false, true) => reasons::Policy::NotEnforced,
            (false, false) => reasons::Policy::NotTried,
        }
    }
}

/// Checks the approval policy, and keeps the newest result.
pub struct ApprovalPolicy {
    client: Client,
    expected: Option<Expected>,
    last: watch::Sender<Enforcement>,
}

impl ApprovalPolicy {
    /// The policy that the chart wrote into the directory `files`. `names` are those of policy and binding, or `None`
    /// if the operator may not read them.
    pub fn new(client: Client, files: &Path, names: Option<(&str, &str)>) -> Result<Self, Error> {
        let expected = names.map(|(policy, binding)| Expected::read(files, policy, binding)).transpose()?;
        let last = watch::Sender::new(Enforcement::unknown("not checked yet"));
        Ok(Self { client, expected, last })
    }

    /// The newest result, and a notification of each change.
    pub fn subscribe(&self) -> watch::Receiver<Enforcement> {
        self.last.subscribe()
    }

    /// Checks now. `witness` is the version with which the forbidden write is tried, as a dry run.
    pub async fn check(&self, witness: Option<&ModelVersion>) -> Enforcement {
        let found = self.find(witness).await;
        self.last.send_if_modified(|last| {
            let changed = *last != found;
            if last.active != found.active {
                let (active, finding) = (found.active, &found.message);
                if active {
                    info!(active, finding, "the state of the approval policy changed");
                } else {
                    warn!(active, finding, "the state of the approval policy changed");
                }
            }
            last.clone_from(&found);
            changed
        });
        found
    }

    async fn find(&self, witness: Option<&ModelVersion>) -> Enforcement {
        let compared = async {
            let Some(expected) = &self.expected else { return Ok(None) };
            expected.compare(&self.client).await.map(Some)
        };
        let tried = async {
            let Some(witness) = witness else { return Ok(false) };
            dry_run::forbidden_write_is_refused(&self.client, witness).await
        };
        let (installed, tried) = match tokio::join!(compared, tried) {
            (Ok(installed), Ok(tried)) => (installed, tried),
            // The difference to the installed policy explains more than that the forbidden write was accepted.
            (Err(error), _) => return Enforcement::broken(chain(&error)),
            (_, Err(error)) => return Enforcement::broken(chain(&error)),
        };
        match (tried, installed) {
            (true, installed) => {
                Enforcement::active("the API server enforces the approval policy", installed)
            }
            (false, installed @ Some(_)) => Enforcement::active(
                "the approval policy is installed; no ModelVersion exists to try it with",
                installed,
            ),
            (false, None) => Enforcement::unknown("no ModelVersion exists to try the approval policy with"),
        }
    }

    /// Checks periodically, so that conditions and metrics follow the policy while nothing is decided.
    pub async fn keep_checking(&self, cache: &Cache, scope: &Scope, metrics: &Metrics) {
        loop {
            // The schema rejects any further entry in a full history, before the policy is evaluated.
            let witness = cache.versions.state().into_iter().find(|v| v.history().len() < HISTORY_CAPACITY);
            let found = self.check(witness.as_deref()).await;
            if found.known {
                metrics.policy_active(scope.namespace(), found.active);
            }
            let pause = INTERVAL.mul_f64(rand::rng().random_range(1.0..1.2));
            tokio::time::sleep(pause).await;
        }
    }
}
