//! The state of the pods of each version, from their status. Pure.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};
use understudy_contract as contract;
use understudy_crds::{Failure, names};

use super::{labels::label, workload::Workload};
use crate::reasons;

/// Name of the container that runs the image of `spec.runtime`.
pub const RUNTIME: &str = "runtime";
/// Types of the conditions that are read.
const READY: &str = "Ready";
const SCHEDULED: &str = "PodScheduled";

/// The state of the pods of one version. Pods that are being deleted do not count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pods {
    /// Pods that exist.
    pub total: usize,
    /// Pods that are ready.
    pub ready: usize,
    /// Addresses of the ready pods. A ready pod may have no address for a moment.
    pub ready_addresses: Vec<Address>,
    /// The newest reason why a pod is not ready.
    pub failure: Option<Failure>,
}

/// Where a ready pod is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Its IP address. Another pod may get it later.
    pub ip: String,
    /// Which pod that is, and since when it has been ready.
    pub identity: String,
}

impl Address {
    fn of(pod: &Pod) -> Option<Self> {
        let status = pod.status.as_ref()?;
        let ready = status.conditions.iter().flatten().find(|c| c.type_ == READY)?;
        let since = ready.last_transition_time.as_ref().map(|at| at.0.to_string()).unwrap_or_default();
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        Some(Self { ip: status.pod_ip.clone()?, identity: format!("{uid} ready since {since}") })
    }
}

impl Pods {
    /// The number of ready pods, as a status has it.
    pub fn ready_replicas(&self) -> i32 {
        i32::try_from(self.ready).unwrap_or(i32::MAX)
    }

    fn add(&mut self, pod: &Pod) {
        self.total += 1;
        if is_ready(pod) {
            self.ready += 1;
            self.ready_addresses.extend(Address::of(pod));
        } else if let Some(failure) = failure(pod)
            && self.failure.as_ref().is_none_or(|known| known.at < failure.at)
        {
            self.failure = Some(failure);
        }
    }
}

/// The pods of each version, by the version's label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodsByVersion(BTreeMap<String, Pods>);

/// The state of a version without pods.
static NONE: Pods = Pods { total: 0, ready: 0, ready_addresses: vec![], failure: None };

impl PodsByVersion {
    /// Sums up the pods of one deployment.
    pub fn of(pods: &[Arc<Pod>]) -> Self {
        let mut all: BTreeMap<String, Pods> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()) {
            if let Some(version) = label(pod.as_ref(), names::VERSION_LABEL) {
                all.entry(version.to_owned()).or_default().add(pod);
            }
        }
        Self(all)
    }

    /// The pods that run the version of this number.
    pub fn version(&self, number: &str) -> &Pods {
        self.0.get(&names::version_label(number)).unwrap_or(&NONE)
    }
}

/// The part of a status that is read here.
pub fn read_part(status: PodStatus) -> PodStatus {
    let conditions =
        status.conditions.into_iter().flatten().filter(|c| [READY, SCHEDULED].contains(&&*c.type_));
    let part = |container: ContainerStatus| ContainerStatus {
        name: container.name,
        state: container.state,
        last_state: container.last_state,
        ..ContainerStatus::default()
    };
    let container = status.container_statuses.into_iter().flatten().next().map(part);
    // Only the pods of a version with an image of its own have them.
    let before: Vec<_> = status.init_container_statuses.into_iter().flatten().take(2).map(part).collect();
    PodStatus {
        pod_ip: status.pod_ip,
        conditions: Some(conditions.collect()),
        container_statuses: container.map(|container| vec![container]),
        init_container_statuses: (!before.is_empty()).then_some(before),
        ..PodStatus::default()
    }
}

/// Whether the pod is ready.
fn is_ready(pod: &Pod) -> bool {
    pod.status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten())
        .any(|c| c.type_ == READY && c.status == "True")
}

/// Why a pod is not ready, if its status says so: the newest end of a container, an image, its node.
fn failure(pod: &Pod) -> Option<Failure> {
    let status = pod.status.as_ref()?;
    let server = status.container_statuses.iter().flatten().next();
    let before = status.init_container_statuses.iter().flatten();
    let all = || before.clone().chain(server);
    let end = |container: &ContainerStatus| match container.name.as_str() {
        RUNTIME => runtime_ended(container),
        _ => ended(container),
    };
    // Of two that ended at the same time, the first one is the cause.
    let ends = all().filter_map(end).reduce(|known, next| if next.at.0 > known.at.0 { next } else { known });
    ends.or_else(|| all().find_map(|container| waiting(container, pod))).or_else(|| unscheduled(pod))
}

/// The newest end of a container.
fn terminated(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    [&container.state, &container.last_state].into_iter().flatten().find_map(|s| s.terminated.as_ref())
}

/// Why the image of `spec.runtime` ended. It should never end before the server.
fn runtime_ended(container: &ContainerStatus) -> Option<Failure> {
    let ended = terminated(container)?;
    let at = ended.finished_at.clone().unwrap_or(Time(jiff::Timestamp::UNIX_EPOCH));
    let (reason, message) = if ended.reason.as_deref() == Some("OOMKilled") {
        let message = "the image of spec.runtime ran out of memory: publish a new ModelVersion with a larger spec.runtime.resources.limits.memory";
        (reasons::Pod::OutOfMemory, message.to_owned())
    } else {
        let message = format!(
            "the image of spec.runtime ended with exit code {}: see kubectl logs <pod> -c {RUNTIME} --previous",
            ended.exit_code
        );
        (reasons::Pod::RuntimeEnded, message)
    };
    Some(Failure { reason: reason.as_str().to_owned(), message, at })
}

fn ended(container: &ContainerStatus) -> Option<Failure> {
    let ended = terminated(container)?;
    // Exit code 0 is a stop, not a failure.
    if ended.exit_code == 0 {
        return None;
    }
    let at = ended.finished_at.clone().unwrap_or(Time(jiff::Timestamp::UNIX_EPOCH));
    let parsed =
        ended.message.as_deref().and_then(|m| serde_json::from_str::<contract::Failure>(m.trim()).ok());
    Some(match parsed {
        Some(contract::Failure { reason, message }) => {
            Failure { reason: reason.as_str().to_owned(), message, at }
        }
        None if ended.reason.as_deref() == Some("OOMKilled") => Failure {
            reason: reasons::Pod::OutOfMemory.as_str().to_owned(),
            message:
                "the server ran out of memory: raise spec.resources.limits.memory of the ModelDeployment"
                    .to_owned(),
            at,
        },
        None => Failure {
            reason: contract::Reason::LoadFailed.as_str().to_owned(),
            message: format!(
                "the server crashed with exit code {} and without a termination message: see kubectl logs --previous",
                ended.exit_code
            ),
            at,
        },
    })
}

/// Why a container cannot start.
fn waiting(container: &ContainerStatus, pod: &Pod) -> Option<Failure> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    if matches!(reason, "ContainerCreating" | "PodInitializing" | "CrashLoopBackOff") {
        return None;
    }
    let at = pod.metadata.creation_timestamp.clone()?;
    Some(Failure { reason: reason.to_owned(), message: waiting.message.clone().unwrap_or_default(), at })
}

/// Why no pod of a workload can be created: a quota, a security standard, a missing priority class.
pub fn not_created(workload: &Workload) -> Option<Failure> {
    let conditions = workload.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|c| c.type_ == "ReplicaFailure" && c.status == "True")?;
    Some(Failure {
        reason: condition.reason.clone().unwrap_or_else(|| reasons::Pod::FailedCreate.as_str().to_owned()),
        message: condition.message.clone().unwrap_or_default(),
        at: condition.last_transition_time.clone()?,
    })
}

fn unscheduled(pod: &Pod) -> Option<Failure> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|c| c.type_ == SCHEDULED && c.status == "False")?;
    Some(Failure {
        reason: condition.reason.clone().unwrap_or_else(|| reasons::Pod::Unschedulable.as_str().to_owned()),
        message: condition.message.clone().unwrap_or_default(),
        at: condition.last_transition_time.clone()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        cluster::placed::slim,
        fixtures::{failing_pod, parse, pod, ready_pod, starting_pod},
    };

    /// The state of pods, as the cache has them.
    fn seen(pods: &[Arc<Pod>]) -> PodsByVersion {
        let cached = pods.iter().map(|pod| {
            let mut pod = pod.as_ref().clone();
            slim(&mut pod);
            Arc::new(pod)
        });
        PodsByVersion::of(&cached.collect::<Vec<_>>())
    }

    fn failure_of(pod: Arc<Pod>) -> Failure {
        seen(&[pod]).version("1.0.0").failure.clone().expect("a failure")
    }

    #[test]
    fn only_ready_pods_of_the_version_count_as_ready() {
        let all = [ready_pod("1.0.0", "10.0.0.7"), starting_pod("1.0.0"), ready_pod("2.0.0", "10.0.0.8")];
        let pods = seen(&all);
        let sum = pods.version("1.0.0");
        assert_eq!(
            (sum.total, sum.ready, sum.ready_addresses.iter().map(|a| a.ip.as_str()).collect::<Vec<_>>()),
            (2, 1, vec!["10.0.0.7"])
        );
    }

    #[test]
    fn the_servers_termination_message_becomes_the_failure() {
        let message = r#"{"reason":"DigestMismatch","message":"expected sha256:aa, found sha256:bb"}"#;
        let failure = failure_of(failing_pod("1.0.0", message, 1));
        assert_eq!(failure.reason, "DigestMismatch");
        assert_eq!(failure.message, "expected sha256:aa, found sha256:bb");
    }

    #[test]
    fn a_reason_of_a_newer_server_does_not_hide_its_message() {
        let message = r#"{"reason":"DiskOnFire","message":"the disk is on fire"}"#;
        let failure = failure_of(failing_pod("1.0.0", message, 1));
        assert_eq!((failure.reason.as_str(), failure.message.as_str()), ("Unknown", "the disk is on fire"));
    }

    #[test]
    fn a_crash_without_a_termination_message_is_a_failure_to_load() {
        let failure = failure_of(failing_pod("1.0.0", "", 139));
        assert_eq!(failure.reason, "LoadFailed");
        assert!(failure.message.contains("139"), "{}", failure.message);
    }

    #[test]
    fn a_missing_image_has_the_kubelets_reason() {
        let status = json!({"containerStatuses": [{
            "name": "server", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}},
        }]});
        let failure = failure_of(pod("1.0.0", json!({"status": status})));
        assert_eq!((failure.reason.as_str(), failure.message.as_str()), ("ErrImagePull", "not found"));
    }

    /// A pod of a version with an image of its own, whose containers are in these states.
    fn with_image(fetch: &serde_json::Value, runtime: &serde_json::Value) -> Arc<Pod> {
        let container = |name: &str, state: &serde_json::Value| json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 1, "lastState": state});
        pod(
            "1.0.0",
            json!({"status": {
                "initContainerStatuses": [container("fetch", fetch), container("runtime", runtime)],
                "containerStatuses": [{
                    "name": "server", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                    "state": {"waiting": {"reason": "PodInitializing"}},
                }],
            }}),
        )
    }

    #[test]
    fn the_failure_to_fetch_the_artifact_for_an_image_is_that_of_the_pod() {
        let message = r#"{"reason":"DigestMismatch","message":"expected sha256:aa, found sha256:bb"}"#;
        let ended =
            json!({"terminated": {"exitCode": 1, "message": message, "finishedAt": "2026-11-21T10:00:00Z"}});
        assert_eq!(failure_of(with_image(&ended, &json!({}))).reason, "DigestMismatch");
    }

    #[test]
    fn an_image_that_ends_is_a_failure_also_with_exit_code_0() {
        let ended = |code: i32, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-11-21T10:00:00Z"}});
        let fetched = ended(0, "Completed");
        let crashed = failure_of(with_image(&fetched, &ended(0, "Completed")));
        assert_eq!(crashed.reason, "RuntimeEnded");
        assert!(crashed.message.contains("exit code 0"), "{}", crashed.message);
        let killed = failure_of(with_image(&fetched, &ended(137, "OOMKilled")));
        assert_eq!(killed.reason, "OutOfMemory");
        assert!(killed.message.contains("spec.runtime.resources"), "{}", killed.message);
    }

    #[test]
    fn a_pod_that_no_node_can_take_has_the_reason_of_the_scheduler() {
        let scheduled = json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available",
            "lastTransitionTime": "2026-11-21T10:00:00Z",
        });
        let failure = failure_of(pod("1.0.0", json!({"status": {"conditions": [scheduled]}})));
        assert_eq!(failure.message, "0/1 nodes are available");
    }

    #[test]
    fn a_quota_that_rejects_every_pod_is_named() {
        let workload = json!({"metadata": {}, "spec": {"selector": {}, "template": {}}, "status": {"conditions": [{
            "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small",
            "lastTransitionTime": "2026-11-21T10:00:00Z",
        }]}});
        let workload: Workload = parse(workload);
        let failure = not_created(&workload).expect("a failure");
        assert_eq!(
            (failure.reason.as_str(), failure.message.as_str()),
            ("FailedCreate", "exceeded quota: small")
        );
    }
}
