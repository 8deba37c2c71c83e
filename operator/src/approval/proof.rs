//! Whether the model of a version is known to answer. Pods report it, and it stays known: a pod that is started again has not
//! answered a call yet. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use understudy_contract::probe::Proof;
use understudy_crds::{
    ModelVersion,
    condition::{self, PROVEN},
};

use crate::reasons;

/// What the condition `Proven` becomes.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// It stays as it is.
    Keep,
    /// The version has no such condition: its model answers synthetic inputs, as most do.
    Clear,
    /// Status, reason and message.
    Set(bool, reasons::Proven, String),
}

/// The `Proven` condition of a version after what its pods have reported.
pub fn change(version: &ModelVersion, reported: Option<&Proof>) -> Change {
    match reported {
        None | Some(Proof::Unknown) => Change::Keep,
        Some(Proof::Synthetic) => Change::Clear,
        Some(Proof::Examples { count }) => {
            let message = format!("the model reproduced the answers of all its examples: {count}");
            Change::Set(true, reasons::Proven::ExamplesReproduced, message)
        }
        Some(Proof::Call) => {
            let message =
                "no synthetic input worked in the warm-up, and the version has answered a call since";
            Change::Set(true, reasons::Proven::CallAnswered, message.to_owned())
        }
        // It has answered before.
        Some(Proof::Missing { .. }) if is_proven(version) => Change::Keep,
        Some(Proof::Missing { error }) => {
            let message = format!(
                "nobody knows whether the model answers: {error}. For Production, call this version in Staging, or publish it with spec.examples"
            );
            Change::Set(false, reasons::Proven::NoInputWorked, message)
        }
    }
}

/// The better proof of two pods: one that has answered is enough.
pub fn better(known: Option<Proof>, other: &Proof) -> Proof {
    match known {
        Some(known) if !matches!(known, Proof::Missing { .. } | Proof::Unknown) => known,
        Some(known @ Proof::Missing { .. }) if *other == Proof::Unknown => known,
        _ => other.clone(),
    }
}

/// Whether the status says that the model answers.
pub fn is_proven(version: &ModelVersion) -> bool {
    version.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, PROVEN))
}

/// Whether no input worked, and the version has not answered a call yet, as its pods have reported it now or before.
pub fn is_missing(version: &ModelVersion, reported: Option<&Proof>) -> bool {
    match reported {
        Some(Proof::Missing { .. }) => !is_proven(version),
        Some(Proof::Synthetic | Proof::Examples { .. } | Proof::Call) => false,
        None | Some(Proof::Unknown) => recorded_missing(version).is_some(),
    }
}

/// Since when a served version waits for a proof: since it is known that no input worked, and in the present stay in Staging.
pub fn unproven_since(version: &ModelVersion) -> Option<Timestamp> {
    let missing = recorded_missing(version).filter(|_| version.stage().is_served())?;
    let staged = version.staging_approval().map(|approval| approval.decided_at.0);
    staged.into_iter().chain([missing.last_transition_time.0]).max()
}

/// The condition that says that the version is not proven.
fn recorded_missing(version: &ModelVersion) -> Option<&Condition> {
    let status = version.status.as_ref()?;
    condition::find(&status.conditions, PROVEN).filter(|proven| proven.status == "False")
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
