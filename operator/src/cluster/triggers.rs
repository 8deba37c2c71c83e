//! Which objects need a pass after an event of an object.

use futures::{Stream, StreamExt};
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use tokio::sync::mpsc;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, names};

use super::{cache::Cache, labels::label};

/// Capacity of the channel to one controller. A full channel delays the watch; no trigger is lost.
const CAPACITY: usize = 1024;

/// Objects that need a pass, for each of the two controllers.
pub struct Triggers {
    pub deployments: mpsc::Receiver<ObjectRef<ModelDeployment>>,
    pub versions: mpsc::Receiver<ObjectRef<ModelVersion>>,
}

/// The senders of [`Triggers`].
#[derive(Clone)]
pub struct Senders {
    deployments: mpsc::Sender<ObjectRef<ModelDeployment>>,
    versions: mpsc::Sender<ObjectRef<ModelVersion>>,
}

/// New channels.
pub fn channels() -> (Senders, Triggers) {
    let (to_deployments, deployments) = mpsc::channel(CAPACITY);
    let (to_versions, versions) = mpsc::channel(CAPACITY);
    (Senders { deployments: to_deployments, versions: to_versions }, Triggers { deployments, versions })
}

/// A deployment triggers a pass of itself and of every version that belongs to it.
pub async fn of_deployments(events: impl Stream<Item = ModelDeployment>, senders: Senders, cache: Cache) {
    let mut events = std::pin::pin!(events);
    while let Some(md) = events.next().await {
        let (namespace, name) = (md.namespace().unwrap_or_default(), md.name_any());
        senders.deployment(&namespace, &name).await;
        for version in cache.versions_of(&namespace, &name) {
            senders.version(&namespace, &version.name_any()).await;
        }
    }
}

/// A version triggers a pass of itself, of its deployment, and of the siblings that may wait for it.
pub async fn of_versions(events: impl Stream<Item = ModelVersion>, senders: Senders, cache: Cache) {
    let mut events = std::pin::pin!(events);
    while let Some(mv) = events.next().await {
        let (namespace, name) = (mv.namespace().unwrap_or_default(), mv.name_any());
        senders.version(&namespace, &name).await;
        senders.deployment(&namespace, &mv.spec.deployment).await;
        let deployment = cache.deployment(&namespace, &mv.spec.deployment);
        for sibling in cache.versions_of(&namespace, &mv.spec.deployment) {
            if sibling.name_any() != name && waits_for_siblings(&sibling, deployment.as_deref()) {
                senders.version(&namespace, &sibling.name_any()).await;
            }
        }
    }
}

/// Whether a version may wait until another one is archived: it is rolling out, or a rollback made it main and its
/// stage is not Production yet.
fn waits_for_siblings(version: &ModelVersion, deployment: Option<&ModelDeployment>) -> bool {
    let rolls_out = version.transition().is_some_and(|t| t.approval.is_some());
    let main = deployment.and_then(ModelDeployment::main);
    let is_main = main.is_some_and(|main| main.model_version == version.name_any());
    rolls_out || (is_main && version.stage() != Stage::Production)
}

/// An owned object triggers a pass of the deployment that its label names, and of the version that it runs.
pub async fn of_children<K: Resource<DynamicType = ()>>(
    events: impl Stream<Item = K>,
    senders: Senders,
    cache: Cache,
) {
    let mut events = std::pin::pin!(events);
    while let Some(child) = events.next().await {
        let Some(deployment) = label(&child, names::DEPLOYMENT_LABEL) else { continue };
        let namespace = child.namespace().unwrap_or_default();
        senders.deployment(&namespace, deployment).await;
        if let Some(version) = label(&child, names::VERSION_LABEL) {
            for mv in cache.versions_of(&namespace, deployment) {
                if names::version_label(&mv.spec.version) == version {
                    senders.version(&namespace, &mv.name_any()).await;
                }
            }
        }
    }
}

impl Senders {
    // A closed channel means that its controller has ended, and with it the process.
    async fn deployment(&self, namespace: &str, name: &str) {
        let _ = self.deployments.send(ObjectRef::new(name).within(namespace)).await;
    }

    async fn version(&self, namespace: &str, name: &str) {
        let _ = self.versions.send(ObjectRef::new(name).within(namespace)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{deployment, main_is, version};

    fn in_stage(stage: &str) -> ModelVersion {
        version("1.0.0", json!({"status": {"stage": stage}}))
    }

    fn with_main(number: &str) -> ModelDeployment {
        deployment(json!({"status": main_is(number)}))
    }

    #[test]
    fn a_version_that_a_rollback_made_main_is_triggered_when_the_other_is_archived() {
        let archived = in_stage("Archived");
        assert!(waits_for_siblings(&archived, Some(&with_main("1.0.0"))));
        assert!(!waits_for_siblings(&archived, Some(&with_main("2.0.0"))));
    }

    #[test]
    fn a_settled_version_is_not_triggered_by_its_siblings() {
        let main = in_stage("Production");
        assert!(!waits_for_siblings(&main, Some(&with_main("1.0.0"))));
    }
}
