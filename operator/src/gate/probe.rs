//! The dry run of a write that the policy must refuse: a record that shows an approval by its own requester.

use kube::{Api, Client, ResourceExt, api::PostParams};
use understudy_crds::{Decision, HistoryEntry, ModelVersion, Stage};

use crate::context::Context;

/// What the policy says of the probe; the chart's policy has the same words.
const REFUSAL: &str = "four eyes: an approval by its own requester cannot be recorded";

/// The probe did not meet the refusal that it must meet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the API server accepted an approval by its own requester (dry run): the approval policy is not in force"
    )]
    Accepted,
    #[error("failed to try the approval policy on {name}")]
    Try {
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
}

/// Attempts on a version that others write to meanwhile.
const ATTEMPTS: usize = 5;

/// Succeeds when the API server refuses, by the policy, to record that a requester approved themselves. `Ok(false)`
/// when the version went meanwhile, so that nothing could be tried.
pub async fn forbidden_write_is_refused(client: &Client, witness: &ModelVersion) -> Result<bool, Error> {
    let name = witness.name_any();
    let api: Api<ModelVersion> = Api::namespaced(client.clone(), &witness.namespace().unwrap_or_default());
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let mut forged = forge(witness);
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        match api.replace_status(&name, &dry_run, &forged).await {
            Ok(_) => return Err(Error::Accepted),
            Err(kube::Error::Api(status)) if status.message.contains(REFUSAL) => return Ok(true),
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(false),
            // What is tried is the refusal, not the version: it may have moved on since it was read.
            Err(kube::Error::Api(status)) if status.is_conflict() && left > 0 => {}
            Err(source) => return Err(Error::Try { name, source: Box::new(source) }),
        }
        match api.get_opt(&name).await {
            Ok(Some(fresh)) => forged = forge(&fresh),
            Ok(None) => return Ok(false),
            Err(source) => return Err(Error::Try { name, source: Box::new(source) }),
        }
    }
}

fn forge(witness: &ModelVersion) -> ModelVersion {
    let mut forged = witness.clone();
    let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Context::now());
    let entry = HistoryEntry {
        id: "gate-probe".to_owned(),
        from: Stage::Staging,
        to: Stage::Production,
        requested_by: "gate-probe".to_owned(),
        requested_at: now.clone(),
        decision: Decision::Approved,
        decided_by: "gate-probe".to_owned(),
        decided_at: now,
        reason: None,
        digest: witness.spec.artifact.digest(),
        policy: None,
    };
    forged.status.get_or_insert_default().history.push(entry);
    forged
}
