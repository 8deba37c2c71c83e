//! Whether the API server enforces the approval policy now. Nothing is promoted while it does not.
//!
//! Two checks. The policy and its binding must be those that the chart installed. And the policy must refuse the dry
//! run of a write that it forbids. Only the second check works without the right to read policies.

mod dry_run;
mod enforcement;
mod reference;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::Client;
use rand::RngExt as _;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tracing::{info, warn};
use understudy_crds::{HISTORY_CAPACITY, ModelVersion};

use self::enforcement::{Failures, Finding};
pub use self::{
    enforcement::Enforcement,
    reference::{Error, Expected},
};
use crate::{
    cluster::{cache::Cache, scope::Scope},
    error_chain::chain,
    metrics::Metrics,
    reasons,
};

/// Pause between two checks while nothing is decided. Each decision includes a check of its own.
const INTERVAL: Duration = Duration::from_secs(10);
/// How long the API server may take to answer one check.
const DEADLINE: Duration = Duration::from_secs(5);

/// A check did not show that the policy is in force.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Reference(#[from] reference::Error),
    #[error(transparent)]
    DryRun(#[from] dry_run::Error),
    #[error("failed to get an answer from the API server within {0:?}")]
    NoAnswer(Duration),
}

impl Failure {
    /// The sentence in conditions. `None` if the API server did not answer, which says nothing about the policy.
    fn finding(&self) -> Option<String> {
        match self {
            Self::Reference(error) => error.finding(),
            Self::DryRun(error) => error.finding(),
            Self::NoAnswer(_) => None,
        }
    }
}

/// Checks the approval policy, and keeps the state that results from the checks.
pub struct ApprovalPolicy {
    client: Client,
    expected: Option<Expected>,
    state: watch::Sender<Enforcement>,
    failures: Mutex<Failures>,
}

impl ApprovalPolicy {
    /// The policy that the chart wrote into the directory `files`. `names` are those of policy and binding, or `None`
    /// if the operator may not read them.
    pub fn new(client: Client, files: &Path, names: Option<(&str, &str)>) -> Result<Self, Error> {
        let expected = names.map(|(policy, binding)| Expected::read(files, policy, binding)).transpose()?;
        let state = watch::Sender::new(Enforcement::not_checked_yet());
        Ok(Self { client, expected, state, failures: Mutex::default() })
    }

    /// The state, and a notification when `active` or the reason changes.
    ///
    /// A check that the API server does not answer does not change the state for a minute. So an API server in trouble
    /// does not get a write of each `ModelDeployment` in addition.
    pub fn subscribe(&self) -> watch::Receiver<Enforcement> {
        self.state.subscribe()
    }

    /// Whether the API server has not answered any check for a minute.
    pub fn is_out_of_reach(&self) -> bool {
        self.state.borrow().reason() == reasons::Policy::NotChecked
    }

    /// Checks now, for a decision. `witness` is the version with which the forbidden write is tried, as a dry run. If
    /// the API server does not answer, the policy does not count as enforced: no decision relies on an earlier check.
    pub async fn check(&self, witness: Option<&ModelVersion>) -> Enforcement {
        let finding = Box::pin(self.find(witness)).await;
        let found = finding.state();
        // The witness was deleted. Another one may exist.
        if witness.is_none() || found.reason() != reasons::Policy::NotTried {
            self.settle(&finding);
        }
        found
    }

    fn settle(&self, finding: &Finding) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = match finding {
            Finding::State { detail, .. } => detail.as_deref(),
            Finding::Unanswered(error) => Some(error.as_str()),
        };
        let changed = self.state.send_if_modified(|state| {
            let changed = failures.settle(state, finding, Instant::now());
            let (active, finding) = (state.active, &state.message);
            if changed && (active || state.reason() == reasons::Policy::NotTried) {
                info!(active, finding, "the state of the approval policy changed");
            } else if changed {
                warn!(active, finding, detail, "the state of the approval policy changed");
            }
            changed
        });
        if !changed && matches!(finding, Finding::Unanswered(_)) && failures.is_first() {
            warn!(error = detail, "failed to check the approval policy, trying again");
        }
    }

    async fn find(&self, witness: Option<&ModelVersion>) -> Finding {
        let compared = within(async {
            let Some(expected) = &self.expected else { return Ok(None) };
            expected.compare(&self.client).await.map(Some)
        });
        let tried = within(async {
            let Some(witness) = witness else { return Ok(false) };
            dry_run::forbidden_write_is_refused(&self.client, witness).await
        });
        let state = |state| Finding::State { state, complete: true, detail: None };
        match tokio::join!(compared, tried) {
            (Ok(installed @ Some(_)), Ok(_)) | (Ok(installed), Ok(true)) => {
                state(Enforcement::active(installed))
            }
            (Ok(None), Ok(false)) => state(Enforcement::not_tried()),
            (compared, tried) => {
                let complete = compared.is_ok();
                let failures: Vec<_> = [compared.err(), tried.err()].into_iter().flatten().collect();
                failed(&failures, complete)
            }
        }
    }

    /// Checks periodically, so that conditions and metrics follow the policy while nothing is decided.
    pub async fn keep_checking(&self, cache: &Cache, scope: &Scope, metrics: &Metrics) {
        // Before that, no witness is known.
        cache.synced().await;
        loop {
            // The schema rejects any further entry in a full history, before the policy is evaluated.
            let witness = cache.versions.state().into_iter().find(|v| v.history().len() < HISTORY_CAPACITY);
            self.check(witness.as_deref()).await;
            let state = self.state.borrow().clone();
            if state.reason() != reasons::Policy::NotTried {
                metrics.policy_active(scope.namespace(), state.active);
            }
            let pause = INTERVAL.mul_f64(rand::rng().random_range(1.0..1.2));
            tokio::time::sleep(pause).await;
        }
    }
}

/// The finding of two checks, of which at least one failed. The difference to the installed policy comes first: it
/// explains more than that the forbidden write was accepted.
fn failed(failures: &[Failure], compared: bool) -> Finding {
    let complete = compared || failures.first().is_some_and(|first| first.finding().is_some());
    match failures.iter().find_map(|failure| failure.finding().map(|finding| (failure, finding))) {
        Some((failure, finding)) => {
            Finding::State { state: Enforcement::broken(&finding), complete, detail: Some(chain(failure)) }
        }
        None => Finding::Unanswered(failures.first().map(|failure| chain(failure)).unwrap_or_default()),
    }
}

async fn within<T, E: Into<Failure>>(check: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    match timeout(DEADLINE, check).await {
        Ok(result) => result.map_err(Into::into),
        Err(_elapsed) => Err(Failure::NoAnswer(DEADLINE)),
    }
}

#[cfg(test)]
mod scenario_tests;
