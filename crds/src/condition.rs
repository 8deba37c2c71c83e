//! Conditions: their types, and how one is set so that its time changes only with its status.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Everything is as requested (kstatus).
pub const READY: &str = "Ready";
/// The operator works on a change or waits for a person (kstatus: present and True only meanwhile).
pub const RECONCILING: &str = "Reconciling";
/// The operator cannot proceed until somebody acts (kstatus: present and True only meanwhile).
pub const STALLED: &str = "Stalled";
/// On a `ModelVersion`: at least one of its pods is ready.
pub const SERVING: &str = "Serving";
/// On a `ModelVersion` with an open request: an approval would take effect.
pub const APPROVABLE: &str = "Approvable";
/// On a `ModelVersion` with examples, or whose model failed on every synthetic input: the model is known to answer. Once it
/// is, it stays so.
pub const PROVEN: &str = "Proven";
/// On a `ModelDeployment`: all of main's pods are ready.
pub const DEPLOYED: &str = "Deployed";
/// On a `ModelDeployment`: main answered a real inference through the stable Service.
pub const RUNNING: &str = "Running";
/// On a `ModelDeployment`: the API server enforces the approval policy.
pub const APPROVAL_POLICY_ACTIVE: &str = "ApprovalPolicyActive";
/// On a `ModelDeployment`: the API server lets nobody else create and change the objects that the operator owns.
pub const OBJECTS_GUARDED: &str = "ObjectsGuarded";
/// On a `ModelDeployment` that names a challenger: it receives copies of main's calls.
pub const CHALLENGER_READY: &str = "ChallengerReady";
/// On a `ModelDeployment` whose main has a baseline: inputs have drifted from the training data.
pub const DATA_DRIFT: &str = "DataDrift";
/// On a `ModelDeployment` whose main has a baseline: outputs have drifted from the training data.
pub const PREDICTION_DRIFT: &str = "PredictionDrift";
/// On a `ModelDeployment` whose main has a baseline: values are missing, of another type, out of range, unknown, constant, or
/// have another unit.
pub const DATA_ISSUE: &str = "DataIssue";

/// The condition of this type, if it is present.
#[must_use]
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Whether the condition of this type is present and True.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|c| c.status == "True")
}

/// Sets one condition. `lastTransitionTime` changes only if the status changes. A `status` of `None` means Unknown.
pub fn set(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: impl Into<Option<bool>>,
    (reason, message): (&str, &str),
    generation: Option<i64>,
    now: Timestamp,
) {
    let status = match status.into() {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let since = find(conditions, type_)
        .filter(|c| c.status == status)
        .map_or_else(|| Time(now), |c| c.last_transition_time.clone());
    let new = Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: generation,
        last_transition_time: since,
    };
    match conditions.iter_mut().find(|c| c.type_ == type_) {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// Removes one condition.
pub fn clear(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|c| c.type_ != type_);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number of seconds is a valid time")
    }

    #[test]
    fn a_condition_keeps_its_time_if_only_reason_and_message_change() {
        let mut all = vec![];
        set(&mut all, READY, false, ("Waiting", "for bob"), Some(1), at(10));
        set(&mut all, READY, false, ("Loading", "model"), Some(2), at(20));
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].last_transition_time.0, all[0].reason.as_str()), (at(10), "Loading"));
        assert_eq!(all[0].observed_generation, Some(2));
    }

    #[test]
    fn a_condition_whose_status_changes_has_the_time_of_the_change() {
        let mut all = vec![];
        set(&mut all, READY, false, ("Waiting", ""), None, at(10));
        set(&mut all, READY, true, ("Done", ""), None, at(20));
        assert_eq!(all[0].last_transition_time.0, at(20));
        assert!(is_true(&all, READY));
        clear(&mut all, READY);
        assert!(find(&all, READY).is_none());
    }
}
