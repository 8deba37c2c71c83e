//! The pods of a version, and what becomes of them.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::ListParams};
use tokio::task::JoinHandle;
use understudy_crds::names;

use crate::{MODEL, Person, Story, operator::process_of};

/// The program in a model's pods.
const SERVER: &str = "understudy-server";

/// What must not change of a pod that nobody touches: how often its container was started again, and its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    restarts: i32,
    template: String,
}

impl Life {
    fn of(pod: &Pod) -> Self {
        let containers = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
        Self {
            restarts: containers.map(|c| c.restart_count).sum(),
            template: pod.labels().get("pod-template-hash").cloned().unwrap_or_default(),
        }
    }
}

impl Story {
    /// The pods of a version, those on their way out left aside.
    pub async fn pods_of(&self, version: &str) -> Result<Vec<Pod>> {
        self.pods_of_model(MODEL, version).await
    }

    /// The pods of a version of another deployment.
    pub async fn pods_of_model(&self, deployment: &str, version: &str) -> Result<Vec<Pod>> {
        let labels = names::version_labels(deployment, version);
        let selector =
            labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let pods = self.api::<Pod>().list(&ListParams::default().labels(&selector)).await?;
        Ok(pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect())
    }

    /// The pods of a version by their uids.
    pub async fn lives(&self, version: &str) -> Result<BTreeMap<String, Life>> {
        let pods = self.pods_of(version).await?;
        Ok(pods.iter().map(|pod| (pod.uid().unwrap_or_default(), Life::of(pod))).collect())
    }

    /// Everything that a pod logs until it is gone.
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

/// A model's pod whose process stands still: connections are accepted, and nobody answers.
#[derive(Debug)]
pub struct Frozen(u32);

impl Frozen {
    /// Stops the process in a pod of the local cluster.
    pub fn freeze(pod: &Pod) -> Result<Self> {
        let frozen = Self(process_of(pod, SERVER)?);
        frozen.signal("-STOP")?;
        Ok(frozen)
    }

    /// Lets it go on.
    pub fn thaw(self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let done = Command::new("kill").args([signal, &self.0.to_string()]).status()?;
        ensure!(done.success(), "failed to send {signal} to process {}", self.0);
        Ok(())
    }
}
