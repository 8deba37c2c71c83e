//! What this process has recorded as main: a deployment that the cache shows with another one is from before that.
//!
//! Without it, a pass that begins between the record and its event would send callers back to the old version.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kube::ResourceExt;
use understudy_crds::ModelDeployment;

/// Changes of main whose events have not come by: for a deployment's uid, what made its main so.
#[derive(Default)]
pub struct Recorded(Mutex<HashMap<String, Option<String>>>);

fn transition(md: &ModelDeployment) -> Option<String> {
    md.main().map(|main| main.transition.clone())
}

impl Recorded {
    /// Main of this deployment was changed, and is as here.
    pub fn note(&self, md: &ModelDeployment) {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.insert(md.uid().unwrap_or_default(), transition(md));
    }

    /// Whether this deployment, as the cache has it, is from before the change.
    pub fn is_ahead_of(&self, md: &ModelDeployment) -> bool {
        let uid = md.uid().unwrap_or_default();
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recorded) = changes.get(&uid) else { return false };
        let ahead = *recorded != transition(md);
        if !ahead {
            changes.remove(&uid);
        }
        ahead
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fraud(transition: Option<&str>) -> ModelDeployment {
        let main = transition.map(|id| {
            json!({"version": "1.3.0", "modelVersion": "fraud-1.3.0", "digest": "sha256:9f", "transition": id,
                   "since": "2026-11-21T09:00:00Z"})
        });
        let object = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
            "metadata": {"name": "fraud", "uid": "6f1c2b"}, "spec": {},
            "status": main.map_or_else(|| json!({}), |main| json!({"main": main})),
        });
        serde_json::from_value(object).expect("it is a ModelDeployment")
    }

    #[test]
    fn a_view_from_before_the_switch_is_known_until_the_one_after_it_has_come() {
        let recorded = Recorded::default();
        assert!(!recorded.is_ahead_of(&fraud(Some("old"))));
        recorded.note(&fraud(Some("new")));
        assert!(recorded.is_ahead_of(&fraud(Some("old"))));
        assert!(recorded.is_ahead_of(&fraud(None)));
        assert!(!recorded.is_ahead_of(&fraud(Some("new"))));
        assert!(!recorded.is_ahead_of(&fraud(Some("next"))), "what comes later was written by somebody else");
    }

    #[test]
    fn nobody_being_main_is_a_change_too() {
        let recorded = Recorded::default();
        recorded.note(&fraud(None));
        assert!(recorded.is_ahead_of(&fraud(Some("old"))));
        assert!(!recorded.is_ahead_of(&fraud(None)));
    }
}
