//! The approval policy. It must refuse an entry in the history that shows an approval by its requester.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use understudy_crds::{Decision, HISTORY_CAPACITY, HistoryEntry, ModelVersion, Stage};

use super::rule::{Error, Rule};
use crate::{clock, cluster::cache::Cache, metrics::Metrics};

/// The message with which the policy refuses the write. It is the same text as in the chart.
const REFUSAL: &str = "four eyes: an approval by its own requester cannot be recorded";

/// The approval policy: nobody approves their own request.
pub struct Approval;

impl Rule for Approval {
    type Witness = ModelVersion;

    const NAME: &'static str = "the approval policy";

    /// The schema rejects any further entry in a full history, before the policy is evaluated.
    fn witness(cache: &Cache) -> Option<Arc<ModelVersion>> {
        cache.versions.state().into_iter().find(|v| v.history().len() < HISTORY_CAPACITY)
    }

    async fn refuses(client: &Client, witness: &ModelVersion) -> Result<bool, Error> {
        forbidden_write_is_refused(client, witness).await
    }

    fn publish(metrics: &Metrics, namespace: &str, active: bool) {
        metrics.policy_active(namespace, active);
    }
}

/// Whether the policy refused to record that a person approved their own request. `Ok(false)` if the version was
/// deleted, so that nothing could be tried. Any other result is an error.
async fn forbidden_write_is_refused(client: &Client, witness: &ModelVersion) -> Result<bool, Error> {
    let name = witness.name_any();
    let api: Api<ModelVersion> = Api::namespaced(client.clone(), &witness.namespace().unwrap_or_default());
    let failed = |source| failed(&name, source);
    match attempt(&api, witness).await {
        // If the first entry was written since the witness was read, this write would remove it. The schema rejects that
        // before any policy is evaluated.
        Err(Error::Try { source, .. }) if is_invalid(&source) => {
            match api.get_opt(&name).await.map_err(failed)? {
                Some(present) => attempt(&api, &present).await,
                None => Ok(false),
            }
        }
        result => result,
    }
}

async fn attempt(api: &Api<ModelVersion>, witness: &ModelVersion) -> Result<bool, Error> {
    let name = witness.name_any();
    let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
    match api.patch_status(&name, &dry_run, &forge(witness)).await {
        Ok(_) => Err(Error::Accepted { write: "an approval by its own requester", policy: Approval::NAME }),
        Err(kube::Error::Api(status)) if status.message.contains(REFUSAL) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
        Err(source) => Err(failed(&name, source)),
    }
}

fn failed(name: &str, source: kube::Error) -> Error {
    Error::Try { policy: Approval::NAME, with: name.to_owned(), source: Box::new(source) }
}

fn is_invalid(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_invalid())
}

/// Adds an entry that the policy forbids to the history. It sends no other entry: those of a later release may have fields
/// that this one does not know, and the schema rejects an entry without them before any policy is evaluated. It has no
/// resourceVersion, so a concurrent write causes no conflict.
fn forge(witness: &ModelVersion) -> Patch<Value> {
    let entry = forbidden(witness);
    if witness.history().is_empty() {
        return Patch::Merge(json!({"status": {"history": [entry]}}));
    }
    let append = json!([{"op": "add", "path": "/status/history/-", "value": entry}]);
    Patch::Json(serde_json::from_value(append).expect("it is a JSON patch"))
}

/// An approval by its own requester.
fn forbidden(witness: &ModelVersion) -> HistoryEntry {
    let now = Time(clock::now());
    HistoryEntry {
        id: "policy-probe".to_owned(),
        from: Stage::Staging,
        to: Stage::Production,
        requested_by: "policy-probe".to_owned(),
        requested_at: now.clone(),
        decision: Decision::Approved,
        decided_by: "policy-probe".to_owned(),
        decided_at: now,
        reason: None,
        comment: None,
        breaking: None,
        approvals: vec![],
        digest: witness.spec.artifact.digest(),
        deployment_uid: None,
        policy: None,
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
