//! Which objects need a pass after a change of an object.

use std::{sync::Arc, time::Duration};

use kube::ResourceExt;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, names};

use super::{cache::Cache, key::Key, queue::Queue, store::Change};

/// Deployments that get a pass in one second after a change that concerns all of them. It spreads the writes.
const SPREAD: u32 = 100;

/// The objects that need a pass, for each of the two controllers.
#[derive(Clone, Default)]
pub struct Triggers {
    /// Deployments.
    pub deployments: Arc<Queue>,
    /// Versions.
    pub versions: Arc<Queue>,
}

impl Triggers {
    /// A deployment needs a pass of itself and of every version that belongs to it.
    pub fn deployment_changed(&self, cache: &Cache, change: &Change) {
        let Key { namespace, name } = &change.key;
        self.deployments.add(change.key.clone());
        for version in cache.versions.of_deployment(namespace, name) {
            self.versions.add(Key::new(namespace, &version.name_any()));
        }
    }

    /// A version needs a pass of itself, of its deployment, and of the siblings that may wait for it.
    pub fn version_changed(&self, cache: &Cache, change: &Change) {
        self.versions.add(change.key.clone());
        let (namespace, Some(name)) = (&change.key.namespace, &change.deployment) else { return };
        self.deployments.add(Key::new(namespace, name));
        let deployment = cache.deployment(namespace, name);
        for sibling in cache.versions.of_deployment(namespace, name) {
            if sibling.name_any() != change.key.name && waits_for_siblings(&sibling, deployment.as_deref()) {
                self.versions.add(Key::new(namespace, &sibling.name_any()));
            }
        }
    }

    /// An owned object needs a pass of the deployment that its label names. No pass of a version reads it.
    pub fn owned_changed(&self, _: &Cache, change: &Change) {
        let (namespace, Some(deployment)) = (&change.key.namespace, &change.deployment) else { return };
        self.deployments.add(Key::new(namespace, deployment));
    }

    /// A workload or a pod needs a pass of the deployment that its label names, and of the version that it runs.
    pub fn workload_changed(&self, cache: &Cache, change: &Change) {
        self.owned_changed(cache, change);
        let (namespace, Some(deployment)) = (&change.key.namespace, &change.deployment) else { return };
        let Some(version) = &change.version else { return };
        for mv in cache.versions.of_deployment(namespace, deployment) {
            if names::version_label(&mv.spec.version) == *version {
                self.versions.add(Key::new(namespace, &mv.name_any()));
            }
        }
    }

    /// Something changed that concerns all objects. They get their passes one after the other.
    pub fn all(&self, cache: &Cache) {
        for (queue, keys) in
            [(&self.deployments, cache.deployments.keys()), (&self.versions, cache.versions.keys())]
        {
            for (place, key) in (0..).zip(keys) {
                queue.add_after(key, Duration::from_secs(1) * place / SPREAD);
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
