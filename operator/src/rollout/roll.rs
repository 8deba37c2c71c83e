//! What happens to a workload whose pod template differs from the wanted one. Pure.
//!
//! A change by a user is applied immediately. A change of the operator's configuration, such as another server image,
//! concerns every workload: it waits for its wave.

use k8s_openapi::api::apps::v1::Deployment;

use super::build::{self, Origin};
use crate::cluster::diff::difference;

/// What happens to a workload.
#[derive(Debug)]
pub enum Roll {
    /// It is written as it is wanted.
    Apply(Deployment),
    /// It is written as it is wanted, once it may roll. Until then its template stays.
    Wave(Deployment),
}

/// Judges the `wanted` workload, whose template has this `origin`, by the one that was `found`.
pub fn judge(mut wanted: Deployment, mut origin: Origin, found: Option<&Deployment>) -> Roll {
    let Some(found) = found else {
        origin.write_to(&mut wanted);
        return Roll::Apply(wanted);
    };
    let known = Origin::of(found);
    let same = !template_differs(&wanted, found);
    let Some(known) = known else {
        if same {
            // An operator that recorded no origin wrote it. It is as it should be.
            return Roll::Apply(wanted);
        }
        let same_image = build::image(&wanted) == build::image(found);
        origin.wave = !same_image && has_ready_pods(found);
        origin.write_to(&mut wanted);
        return if same_image { Roll::Apply(wanted) } else { Roll::Wave(wanted) };
    };
    // Whether the newest roll belongs to a wave does not change without another wave.
    origin.wave = known.wave;
    if same || known.operator == origin.operator {
        // Nothing differs, or a user changed the spec, or others edited the workload.
        origin.write_to(&mut wanted);
        return Roll::Apply(wanted);
    }
    if known.spec != origin.spec || build::image(found) != Some(known.image.as_str()) {
        // Immediately, and with the image that it has: the new one waits for its wave.
        build::set_image(&mut wanted, &known.image);
        let kept = Origin { spec: origin.spec, ..known };
        kept.write_to(&mut wanted);
        return Roll::Apply(wanted);
    }
    origin.wave = has_ready_pods(found);
    origin.write_to(&mut wanted);
    Roll::Wave(wanted)
}

fn template_differs(wanted: &Deployment, found: &Deployment) -> bool {
    let template = |workload: &Deployment| {
        let template = workload.spec.as_ref().map(|spec| &spec.template);
        serde_json::to_value(template).expect("a pod template serialises")
    };
    difference(&template(wanted), &template(found)).is_some()
}

/// Whether the template of this workload is not what the operator's part, with this hash, makes of it. A workload without
/// origin is judged by its image.
pub fn is_outdated(workload: &Deployment, operator: &str, image: &str) -> bool {
    Origin::of(workload)
        .map_or_else(|| build::image(workload) != Some(image), |origin| origin.operator != operator)
}

/// Whether a roll that a wave began is not finished: its pods are not all new, or have not been ready yet.
pub fn is_rolling(workload: &Deployment) -> bool {
    if !Origin::of(workload).is_some_and(|origin| origin.wave) {
        return false;
    }
    let wanted = workload.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = workload.status.clone().unwrap_or_default();
    let count = |pods: Option<i32>| pods.unwrap_or(0);
    let current = status.observed_generation >= workload.metadata.generation;
    let only_new = count(status.updated_replicas) >= wanted && status.replicas == status.updated_replicas;
    // Once all were ready, a pod that fails later has nothing to do with the roll.
    let was_ready = status
        .conditions
        .iter()
        .flatten()
        .any(|c| c.type_ == "Progressing" && c.reason.as_deref() == Some("NewReplicaSetAvailable"));
    !(current && only_new && (was_ready || count(status.ready_replicas) >= wanted))
}

/// Whether the workload has a ready pod. One without can lose nothing, and does not show whether the new template works.
pub fn has_ready_pods(workload: &Deployment) -> bool {
    workload.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0) > 0
}

#[cfg(test)]
#[path = "roll_judge_tests.rs"]
mod tests;
