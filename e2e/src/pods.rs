//! The pods of a version, and ways to disturb them.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::json;
use tokio::task::JoinHandle;
use understudy_crds::names;

use crate::{MODEL, Person, Story, operator::process_of, signal};

/// The program in a model's pod.
const SERVER: &str = "understudy-server";
/// Name of a quota that allows no new pod in a story's namespace.
const NO_NEW_PODS: &str = "no-new-pods";

/// What stays the same while a pod is left alone: the restarts of its container, and its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodState {
    restarts: i32,
    template: String,
}

impl PodState {
    fn of(pod: &Pod) -> Self {
        let containers = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
        Self {
            restarts: containers.map(|c| c.restart_count).sum(),
            template: pod.labels().get("pod-template-hash").cloned().unwrap_or_default(),
        }
    }
}

/// The label selector of a version's pods.
pub(crate) fn version_selector(deployment: &str, version: &str) -> String {
    let labels = names::version_labels(deployment, version);
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Whether the kubelet reports the pod as ready.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|c| c.type_ == "Ready" && c.status == "True")
}

impl Story {
    /// The pods of a version, without those that are being deleted.
    pub async fn pods_of(&self, version: &str) -> Result<Vec<Pod>> {
        self.pods_of_model(MODEL, version).await
    }

    /// The pods of a version of another deployment.
    pub async fn pods_of_model(&self, deployment: &str, version: &str) -> Result<Vec<Pod>> {
        let selector = version_selector(deployment, version);
        let pods = self.api::<Pod>().list(&ListParams::default().labels(&selector)).await?;
        Ok(pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect())
    }

    /// The states of a version's pods, by uid.
    pub async fn pod_states(&self, version: &str) -> Result<BTreeMap<String, PodState>> {
        let pods = self.pods_of(version).await?;
        Ok(pods.iter().map(|pod| (pod.uid().unwrap_or_default(), PodState::of(pod))).collect())
    }

    /// Allows no new pod in the namespace until [`Story::allow_new_pods`]. Existing pods stay.
    pub async fn forbid_new_pods(&self) -> Result<()> {
        let quota = json!({"metadata": {"name": NO_NEW_PODS}, "spec": {"hard": {"pods": "0"}}});
        self.api::<ResourceQuota>().create(&PostParams::default(), &serde_json::from_value(quota)?).await?;
        let counted =
            |quota: &ResourceQuota| quota.status.as_ref().is_some_and(|status| status.used.is_some());
        self.await_object("in force", NO_NEW_PODS, counted).await?;
        Ok(())
    }

    /// Allows new pods in the namespace again.
    pub async fn allow_new_pods(&self) -> Result<()> {
        self.api::<ResourceQuota>().delete(NO_NEW_PODS, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Deletes these pods without a grace period, as when their node is lost.
    pub async fn kill(&self, pods: &[Pod]) -> Result<()> {
        for pod in pods {
            self.api::<Pod>().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
        }
        Ok(())
    }

    /// Everything that a pod logs until it is deleted.
    #[must_use]
    pub fn follow_log(&self, pod: &Pod) -> JoinHandle<Result<String>> {
        let (cluster, namespace, name) =
            (self.cluster().clone(), self.namespace().to_owned(), pod.name_any());
        tokio::spawn(async move {
            let arguments = ["-n", &namespace, "logs", "--follow", &name];
            cluster.run_kubectl(Person::Admin, &arguments, &[]).await?.done()
        })
    }
}

/// A model's pod whose process is stopped: the kernel accepts connections, and no request is answered.
#[derive(Debug)]
pub struct Frozen(u32);

impl Frozen {
    /// Stops the process in a pod of the local cluster with SIGSTOP.
    pub fn freeze(pod: &Pod) -> Result<Self> {
        let frozen = Self(process_of(pod, SERVER)?);
        signal::send("-STOP", frozen.0)?;
        Ok(frozen)
    }

    /// Continues the process with SIGCONT.
    pub fn thaw(self) -> Result<()> {
        signal::send("-CONT", self.0)
    }
}
