//! Counts versions and deployments that should serve and do not, by the reason in their conditions. Pure.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use understudy_contract as contract;
use understudy_crds::{
    ModelDeployment, ModelVersion,
    condition::{self, RUNNING, SERVING},
};

use crate::reasons;

/// Stands for any reason that is not listed. Kubelets and servers have more reasons, and a label must stay bounded.
pub const OTHER: &str = "Other";

/// Reasons of the kubelet for an image that it cannot pull. Its other reasons are counted as [`OTHER`].
const KUBELET: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];

/// The reasons for which no pod of a version is ready.
fn of_pods() -> impl Iterator<Item = &'static str> {
    let serving = reasons::Serving::ALL.iter().filter(|reason| match reason {
        // Not a failure, unless it lasts.
        reasons::Serving::Starting => true,
        reasons::Serving::Serving | reasons::Serving::NotServed => false,
    });
    let servers = contract::Reason::ALL.iter().map(|reason| reason.as_str());
    let pods = reasons::Pod::ALL.iter().map(|reason| reason.as_str());
    serving.map(|reason| reason.as_str()).chain(servers).chain(pods).chain(KUBELET)
}

/// The reasons for which main does not answer through its Service.
fn of_main() -> impl Iterator<Item = &'static str> {
    let running = reasons::Running::ALL.iter().filter(|reason| match reason {
        reasons::Running::Starting | reasons::Running::NoAnswer | reasons::Running::OtherVersionAnswers => {
            true
        }
        reasons::Running::Answers | reasons::Running::NoMain => false,
    });
    running.map(|reason| reason.as_str())
}

/// Versions that should serve and have no ready pod, by reason. A reason that no version has is included with 0.
pub fn of_versions<'a>(versions: impl IntoIterator<Item = &'a ModelVersion>) -> BTreeMap<&'static str, i64> {
    let serving = |v: &'a ModelVersion| Some((v.status.as_ref()?.conditions.as_slice(), SERVING));
    count(of_pods(), versions.into_iter().filter_map(serving), reasons::Serving::NotServed.as_str())
}

/// Deployments that have a main and do not answer through their Service, by reason. A reason that no deployment has is
/// included with 0.
pub fn of_deployments<'a>(
    deployments: impl IntoIterator<Item = &'a ModelDeployment>,
) -> BTreeMap<&'static str, i64> {
    let running = |md: &'a ModelDeployment| Some((md.status.as_ref()?.conditions.as_slice(), RUNNING));
    count(of_main(), deployments.into_iter().filter_map(running), reasons::Running::NoMain.as_str())
}

/// Counts conditions that are False, except those with the reason `intended`.
fn count<'a>(
    reasons: impl Iterator<Item = &'static str>,
    conditions: impl Iterator<Item = (&'a [Condition], &'static str)>,
    intended: &str,
) -> BTreeMap<&'static str, i64> {
    let mut counts: BTreeMap<&'static str, i64> = reasons.chain([OTHER]).map(|reason| (reason, 0)).collect();
    let found = conditions.filter_map(|(all, type_)| condition::find(all, type_));
    for bad in found.filter(|c| c.status == "False" && c.reason != intended) {
        let reason = counts.keys().find(|known| **known == bad.reason).copied().unwrap_or(OTHER);
        *counts.entry(reason).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures;

    fn version(status: &str, reason: &str) -> ModelVersion {
        let status = fixtures::condition("Serving", status, reason, "");
        fixtures::version("1.0.0", json!({"status": status}))
    }

    fn deployment(status: &str, reason: &str) -> ModelDeployment {
        let status = fixtures::condition("Running", status, reason, "");
        fixtures::deployment(json!({"status": status}))
    }

    fn above_zero(counts: BTreeMap<&'static str, i64>) -> Vec<(&'static str, i64)> {
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn a_version_that_cannot_be_loaded_is_counted_and_one_without_pods_by_intent_is_not() {
        let all = [
            version("False", "LoadFailed"),
            version("False", "DigestMismatch"),
            version("False", "LoadFailed"),
            version("False", "NotServed"),
            version("True", "Serving"),
        ];
        assert_eq!(above_zero(of_versions(&all)), [("DigestMismatch", 1), ("LoadFailed", 2)]);
    }

    #[test]
    fn unknown_reasons_of_containers_do_not_become_labels() {
        let all = [version("False", "x-1"), version("False", "x-2")];
        assert_eq!(above_zero(of_versions(&all)), [("Other", 2)]);
    }

    #[test]
    fn a_main_that_does_not_answer_is_counted_and_a_deployment_without_one_is_not() {
        let all =
            [deployment("False", "NoAnswer"), deployment("False", "NoMain"), deployment("True", "Answers")];
        assert_eq!(above_zero(of_deployments(&all)), [("NoAnswer", 1)]);
    }

    #[test]
    fn every_reason_is_listed_before_it_occurs() {
        let versions = of_versions(&[]);
        for reason in contract::Reason::ALL {
            assert_eq!(versions.get(reason.as_str()), Some(&0), "{reason}");
        }
        assert_eq!(versions.len(), contract::Reason::ALL.len() + 9, "{versions:?}");
        assert_eq!(of_deployments(&[]).len(), 4);
    }
}
