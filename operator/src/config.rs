//! The configuration that the chart writes: cluster-wide minimums, the server's image, the namespaces to watch.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use k8s_openapi::api::core::v1::LocalObjectReference;
use kube::core::Duration;
use serde::Deserialize;
use understudy_crds::{AcceptanceTest, Approval, Gate};

/// The operator's configuration, `config.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Image of the inference server.
    pub server_image: String,
    /// Pull policy of that image.
    #[serde(default = "if_not_present")]
    pub image_pull_policy: String,
    /// Pull Secrets that every model pod gets in addition to those of its `ModelDeployment`.
    #[serde(default)]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Workloads that roll at the same time after a change of this configuration, over all namespaces.
    #[serde(default = "max_concurrent_rollouts")]
    pub max_concurrent_rollouts: NonZeroUsize,
    /// Namespaces to watch. Empty: all of them.
    #[serde(default)]
    pub watch_namespaces: Vec<String>,
    /// Registries from which images of `spec.runtime` may come, each with a path or without. Empty: none.
    #[serde(default)]
    pub runtime_registries: Vec<String>,
    /// Rules that apply to every `ModelDeployment`. Its own rules can only be stricter.
    #[serde(default)]
    pub minimums: Minimums,
    /// Timing of the leader election.
    #[serde(default)]
    pub leader_election: LeaderElection,
    /// Name of the `ValidatingAdmissionPolicy`, which the operator compares with the one that the chart installed.
    /// Absent if the operator may not read it (an installation with Roles only): then only the dry run shows whether
    /// the policy is in force.
    #[serde(default)]
    pub policy_name: Option<String>,
    /// Name of the `ValidatingAdmissionPolicyBinding`.
    #[serde(default)]
    pub binding_name: Option<String>,
    /// Whether the API server writes the name of the person who acts into the annotations (`approved-by` and so on), by
    /// the chart's `MutatingAdmissionPolicy`. Otherwise people write it themselves.
    #[serde(default)]
    pub stamps_names: bool,
}

fn if_not_present() -> String {
    "IfNotPresent".to_owned()
}

/// As the chart's default.
const fn max_concurrent_rollouts() -> NonZeroUsize {
    NonZeroUsize::new(10).expect("10 is not 0")
}

/// Cluster-wide minimums of the rules for approvals.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Minimums {
    /// Smallest number of people who must approve a request.
    #[serde(default)]
    pub approvers: Option<i32>,
    /// `Required` makes the acceptance test mandatory for every deployment.
    #[serde(default)]
    pub acceptance_test: Option<AcceptanceTest>,
    /// Upper limit of `expiresAfter`: how long a request may wait for a decision.
    #[serde(default)]
    pub max_expires_after: Option<Duration>,
    /// Metric gates that every deployment has.
    #[serde(default)]
    pub gates: Vec<Gate>,
}

impl Minimums {
    /// The rules in force: those of the deployment, raised to the minimums.
    pub fn raise(&self, approval: &Approval) -> Approval {
        let mut raised = approval.clone();
        raised.approvers = raised.approvers.max(self.approvers.unwrap_or_default());
        if self.acceptance_test == Some(AcceptanceTest::Required) {
            raised.acceptance_test = AcceptanceTest::Required;
        }
        if let Some(longest) = self.max_expires_after
            && raised.expires_after > longest
        {
            raised.expires_after = longest;
        }
        for gate in &self.gates {
            match raised.gates.iter_mut().find(|g| g.metric == gate.metric) {
                Some(own) => {
                    own.min = match (own.min, gate.min) {
                        (Some(a), Some(b)) => Some(a.max(b)),
                        (a, b) => a.or(b),
                    };
                    own.not_worse_than_main |= gate.not_worse_than_main;
                }
                None => raised.gates.push(gate.clone()),
            }
        }
        raised
    }
}

/// Name and timing of the Lease.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LeaderElection {
    /// Name of the Lease, in the operator's namespace.
    pub lease_name: String,
    /// Seconds that the Lease is valid after its last renewal.
    pub lease_seconds: u32,
    /// Seconds without a renewal after which the leader stops. Less than `leaseSeconds`.
    pub renew_seconds: u32,
    /// Seconds between two attempts to acquire or renew the Lease. Less than `renewSeconds`.
    pub retry_seconds: u32,
}

impl Default for LeaderElection {
    /// The timing of client-go's leader election.
    fn default() -> Self {
        Self {
            lease_name: "understudy-operator".to_owned(),
            lease_seconds: 15,
            renew_seconds: 10,
            retry_seconds: 2,
        }
    }
}

/// The configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read the configuration {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to parse the configuration {}", path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    #[error(
        "leaderElection: renewSeconds ({renew}) must be less than leaseSeconds ({lease}), and retrySeconds ({retry}) less than renewSeconds and more than 0"
    )]
    Timing { lease: u32, renew: u32, retry: u32 },
}

impl Config {
    /// Reads and validates a configuration file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let config: Self = serde_saphyr::from_str(&text)
            .map_err(|source| Error::Parse { path: path.into(), source: Box::new(source) })?;
        let LeaderElection { lease_seconds: lease, renew_seconds: renew, retry_seconds: retry, .. } =
            config.leader_election;
        if renew >= lease || retry >= renew || retry == 0 {
            return Err(Error::Timing { lease, renew, retry });
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(metric: &str, min: Option<f64>, not_worse_than_main: bool) -> Gate {
        Gate { metric: metric.to_owned(), min, not_worse_than_main }
    }

    fn minimums() -> Minimums {
        Minimums {
            approvers: Some(2),
            acceptance_test: Some(AcceptanceTest::Required),
            max_expires_after: Some(std::time::Duration::from_hours(1).into()),
            gates: vec![gate("auc", Some(0.9), true), gate("recall", Some(0.5), false)],
        }
    }

    #[test]
    fn a_deployment_cannot_undercut_the_cluster_minimums() {
        let lax = Approval {
            acceptance_test: AcceptanceTest::Optional,
            gates: vec![gate("auc", Some(0.1), false)],
            ..Approval::default()
        };
        let raised = minimums().raise(&lax);
        assert_eq!(raised.acceptance_test, AcceptanceTest::Required);
        assert_eq!(std::time::Duration::from(raised.expires_after).as_secs(), 3600);
        assert_eq!(raised.gates, [gate("auc", Some(0.9), true), gate("recall", Some(0.5), false)]);
    }

    #[test]
    fn a_deployment_may_be_stricter_than_the_minimums() {
        let strict = Approval { gates: vec![gate("auc", Some(0.99), false)], ..Approval::default() };
        assert_eq!(minimums().raise(&strict).gates[0].min, Some(0.99));
    }

    #[test]
    fn without_minimums_the_deployments_own_rules_stand() {
        assert_eq!(Minimums::default().raise(&Approval::default()), Approval::default());
    }

    #[test]
    fn at_least_one_workload_can_roll_at_a_time() {
        let read = |text| serde_saphyr::from_str::<Config>(text);
        let bound = |text| read(text).expect("a configuration").max_concurrent_rollouts.get();
        assert_eq!(bound("{serverImage: 'understudy-server:1'}"), 10);
        assert_eq!(bound("{serverImage: 'understudy-server:1', maxConcurrentRollouts: 7}"), 7);
        assert!(read("{serverImage: 'understudy-server:1', maxConcurrentRollouts: 0}").is_err());
    }

    #[test]
    fn names_are_asked_of_people_unless_the_chart_says_that_the_cluster_writes_them() {
        let read = |text| serde_saphyr::from_str::<Config>(text).expect("a configuration");
        assert!(!read("{serverImage: 'understudy-server:1'}").stamps_names);
        assert!(read("{serverImage: 'understudy-server:1', stampsNames: true}").stamps_names);
    }
}
