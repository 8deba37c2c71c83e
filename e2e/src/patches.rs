//! What people write: the merge patch of each act, in which an annotation names the person.

use serde_json::{Value, json};
use understudy_crds::{Stage, annotations};

/// This person requests a stage of a version.
pub(crate) fn request(person: &str, stage: Stage) -> Value {
    json!({
        "metadata": {"annotations": {annotations::REQUESTED_BY: person}},
        "spec": {"stage": stage},
    })
}

/// This person approves the transition with this id.
pub(crate) fn approve(person: &str, id: &str) -> Value {
    annotate(&json!({annotations::APPROVE: id, annotations::APPROVED_BY: person}))
}

/// This person requests a rollback to a version. Another `suffix` makes it another request.
pub(crate) fn roll_back(person: &str, version: &str, suffix: &str) -> Value {
    let value = format!("{version}#{suffix}");
    annotate(&json!({annotations::ROLLBACK: value, annotations::ROLLBACK_BY: person}))
}

/// These annotations are set.
pub(crate) fn annotate(values: &Value) -> Value {
    json!({"metadata": {"annotations": values}})
}
