//! A promotion whose deadline is over and whose request is still open. Its record stays until the request is closed. Pure.

use understudy_crds::Rollout;

use super::observe::Observed;

/// The promotion that is over, if its request is still open.
pub fn closing(observed: &Observed) -> Option<&Rollout> {
    let rollout =
        observed.md.status.as_ref()?.rollout.as_ref().filter(|rollout| rollout.deadline_exceeded)?;
    let transition = observed.version(&rollout.model_version)?.transition()?;
    (transition.id == rollout.transition && transition.approval.is_some()).then_some(rollout)
}
