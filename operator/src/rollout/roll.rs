//! What happens to a workload whose pod template differs from the wanted one. Pure.
//!
//! A change by a user is applied immediately. A change of the operator's configuration, such as another server image,
//! concerns every workload: it waits for its wave.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};

use super::build::{self, Origin};
use crate::cluster::{diff::difference, workload::Workload};

/// What happens to a workload.
#[derive(Debug)]
pub enum Roll {
    /// It is written as it is wanted.
    Apply(Deployment),
    /// It is written as it is wanted, once it may roll. Until then its template stays.
    Wave(Deployment),
}

/// Judges the `wanted` workload, whose template has this `origin`, by the one that was `found`.
pub fn judge(mut wanted: Deployment, mut origin: Origin, found: Option<&Workload>) -> Roll {
    let Some(found) = found else {
        origin.write_to(&mut wanted);
        return Roll::Apply(wanted);
    };
    let known = Origin::of(found);
    let present = found.spec();
    let same = !wanted.spec.as_ref().is_some_and(|wanted| template_differs(wanted, &present));
    let Some(known) = known else {
        if same {
            // An operator that recorded no origin wrote it. It is as it should be.
            return Roll::Apply(wanted);
        }
        let same_image = wanted.spec.as_ref().and_then(build::image) == build::image(&present);
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
    if known.spec != origin.spec || build::image(&present) != Some(known.image.as_str()) {
        // Immediately, and with the image that it has: the new one waits for its wave.
        if let Some(wanted) = wanted.spec.as_mut() {
            build::set_image(wanted, &known.image);
        }
        let kept = Origin { spec: origin.spec, ..known };
        kept.write_to(&mut wanted);
        return Roll::Apply(wanted);
    }
    origin.wave = has_ready_pods(found);
    origin.write_to(&mut wanted);
    Roll::Wave(wanted)
}

fn template_differs(wanted: &DeploymentSpec, found: &DeploymentSpec) -> bool {
    let template =
        |spec: &DeploymentSpec| serde_json::to_value(&spec.template).expect("a pod template serialises");
    difference(&template(wanted), &template(found)).is_some()
}

/// Whether the template of this workload is not what the operator's part, with this hash, makes of it. A workload without
/// origin is judged by its image.
pub fn is_outdated(workload: &Workload, operator: &str, image: &str) -> bool {
    Origin::of(workload)
        .map_or_else(|| build::image(&workload.spec()) != Some(image), |origin| origin.operator != operator)
}

/// Whether a roll that a wave began is not finished: its pods are not all new, or have not been ready yet.
pub fn is_rolling(workload: &Workload) -> bool {
    if !Origin::of(workload).is_some_and(|origin| origin.wave) {
        return false;
    }
    let wanted = workload.spec().replicas.unwrap_or(1);
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
pub fn has_ready_pods(workload: &Workload) -> bool {
    workload.ready_replicas() > 0
}

#[cfg(test)]
#[path = "roll_judge_tests.rs"]
mod tests;
