//! Whether the API server enforces the chart's policies now. Nothing is promoted while it does not enforce the approval
//! policy. That the guard is off is only reported.
//!
//! Two checks. A policy and its bindings must be those that the chart installed. And the policy must refuse the dry
//! run of a write that it forbids. Only the second check works without the right to read policies.

mod approval;
mod enforcement;
mod guard;
mod reference;
mod rule;

use std::{
    marker::PhantomData,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::{Client, Resource};
use rand::RngExt as _;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tracing::{info, warn};

use self::{
    approval::Approval,
    enforcement::{Failures, Finding},
    guard::Guard as GuardRule,
    rule::Rule,
};
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
    DryRun(#[from] rule::Error),
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

/// The approval policy.
pub type ApprovalPolicy = Policy<Approval>;
/// The guard around owned objects.
pub type Guard = Policy<GuardRule>;

/// Checks a policy, and keeps the state that results from the checks.
pub struct Policy<R> {
    client: Client,
    /// What the chart installed. `None` if the operator may not read it.
    expected: Option<Expected>,
    is_off: bool,
    state: watch::Sender<Enforcement>,
    failures: Mutex<Failures>,
    rule: PhantomData<R>,
}

impl ApprovalPolicy {
    /// The policy that the chart wrote into the directory `files`. `names` are those of policy and binding, or `None`
    /// if the operator may not read them.
    pub fn approval(client: Client, files: &Path, names: Option<(&str, &str)>) -> Result<Self, Error> {
        let expected =
            names.map(|(policy, binding)| Expected::approval(files, policy, binding)).transpose()?;
        Ok(Self::new(client, expected, Enforcement::not_checked_yet()))
    }
}

impl Guard {
    /// The policies that the chart wrote into the directory `files`, if it installed them, and if the operator may read
    /// them.
    pub fn guard(client: Client, files: &Path, is_readable: bool) -> Result<Self, Error> {
        let expected = Expected::guard(files)?;
        let state = if expected.is_some() {
            Enforcement::not_checked_yet()
        } else {
            Enforcement::off(GuardRule::NAME)
        };
        Ok(Self::new(client, expected.filter(|_| is_readable), state))
    }
}

impl<R: Rule> Policy<R> {
    fn new(client: Client, expected: Option<Expected>, state: Enforcement) -> Self {
        let is_off = state.reason() == reasons::Policy::GuardOff;
        let state = watch::Sender::new(state);
        Self { client, expected, is_off, state, failures: Mutex::default(), rule: PhantomData }
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

    /// Checks now, for a decision. `witness` is the object with which the forbidden write is tried, as a dry run. If
    /// the API server does not answer, the policy does not count as enforced: no decision relies on an earlier check.
    pub async fn check(&self, witness: Option<&R::Witness>) -> Enforcement {
        let finding = Box::pin(self.find(witness)).await;
        let found = finding.state(R::NAME);
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
            let changed = failures.settle(R::NAME, state, finding, Instant::now());
            let (active, finding) = (state.active, &state.message);
            if changed && (active || state.reason() == reasons::Policy::NotTried) {
                info!(active, finding, "the state of {} changed", R::NAME);
            } else if changed {
                warn!(active, finding, detail, "the state of {} changed", R::NAME);
            }
            changed
        });
        if !changed && matches!(finding, Finding::Unanswered(_)) && failures.is_first() {
            warn!(error = detail, "failed to check {}, trying again", R::NAME);
        }
    }

    async fn find(&self, witness: Option<&R::Witness>) -> Finding {
        let compared = within(async {
            let Some(expected) = &self.expected else { return Ok(None) };
            expected.compare(&self.client).await.map(Some)
        });
        let tried = within(async {
            let Some(witness) = witness else { return Ok(false) };
            R::refuses(&self.client, witness).await
        });
        let state = |state| Finding::State { state, complete: true, detail: None };
        match tokio::join!(compared, tried) {
            (Ok(installed @ Some(_)), Ok(_)) | (Ok(installed), Ok(true)) => {
                state(Enforcement::active(R::NAME, installed))
            }
            (Ok(None), Ok(false)) => state(Enforcement::not_tried(R::NAME, &R::Witness::kind(&()))),
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
        if self.is_off {
            R::publish(metrics, scope.namespace(), false);
            std::future::pending::<()>().await;
        }
        loop {
            let witness = R::witness(cache);
            self.check(witness.as_deref()).await;
            let state = self.state.borrow().clone();
            if state.reason() != reasons::Policy::NotTried {
                R::publish(metrics, scope.namespace(), state.active);
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
