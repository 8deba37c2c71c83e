//! What this process has written and the cache does not contain yet.
//!
//! Without it, a pass between a change of main and the event of that write would send callers back to the old version.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kube::ResourceExt;
use understudy_crds::ModelDeployment;

/// Changes of main whose events have not arrived: the resourceVersion of the write, by the uid of the deployment.
#[derive(Default)]
pub struct Expectations(Mutex<HashMap<String, u64>>);

/// The resourceVersion as a number: API servers count up (KEP-5504). `None` for others, which then expect nothing.
fn order(md: &ModelDeployment) -> Option<u64> {
    md.resource_version()?.parse().ok()
}

impl Expectations {
    /// Main of this deployment was changed, and this is what the API server returned.
    pub fn expect(&self, written: &ModelDeployment) {
        if let (Some(uid), Some(order)) = (written.uid(), order(written)) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, order);
        }
    }

    /// Whether this deployment, from the cache, is older than the change.
    pub fn are_unmet_by(&self, seen: &ModelDeployment) -> bool {
        let uid = seen.uid().unwrap_or_default();
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unmet = changes.get(&uid).zip(order(seen)).is_some_and(|(expected, seen)| seen < *expected);
        if !unmet {
            changes.remove(&uid);
        }
        unmet
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::deployment;

    fn fraud(resource_version: &str) -> ModelDeployment {
        deployment(json!({"metadata": {"resourceVersion": resource_version}}))
    }

    #[test]
    fn a_view_from_before_the_switch_is_recognised_until_a_newer_one_arrives() {
        let expectations = Expectations::default();
        assert!(!expectations.are_unmet_by(&fraud("99")));
        expectations.expect(&fraud("101"));
        assert!(expectations.are_unmet_by(&fraud("99")));
        assert!(expectations.are_unmet_by(&fraud("100")));
        assert!(!expectations.are_unmet_by(&fraud("101")));
    }

    #[test]
    fn a_view_that_others_have_written_since_is_not_an_old_one() {
        let expectations = Expectations::default();
        expectations.expect(&fraud("101"));
        assert!(!expectations.are_unmet_by(&fraud("250")));
    }
}
