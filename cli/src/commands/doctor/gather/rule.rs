//! The stamping policy, and the dry run of a write that the approval policy forbids.

use std::time::Duration;

use http::{Method, StatusCode};
use kube::ResourceExt;
use serde_json::{Value, json};
use understudy_crds::ModelVersion;

use super::super::{
    config::Config,
    facts::{DryRun, GuardPart},
    kinds::{BINDINGS, POLICIES, STAMP_BINDINGS, STAMPS, VERSIONS},
    read::{Kind, Reader},
    seen::{Blind, Seen},
};

const OWN_REVIEWS: Kind = Kind("apis/authorization.k8s.io/v1", "selfsubjectaccessreviews");
/// Messages of the approval policy for this write: the first for the operator, the second for everybody else.
const REFUSALS: [&str; 2] =
    ["four eyes: an approval by its own requester cannot be recorded", "only the operator writes the status"];
/// How long the API server may take for the dry run.
const PATIENCE: Duration = Duration::from_secs(10);
/// Attempts while others change the version.
const ATTEMPTS: u32 = 3;

/// The policy that writes names, and its binding.
pub async fn stamp(reader: &Reader, config: &Config) -> Seen<(Option<Value>, Option<Value>)> {
    if !config.stamps {
        return Ok((None, None));
    }
    let name = format!("{}-stamp", config.fullname);
    Ok((reader.get(STAMPS, None, &name).await?, reader.get(STAMP_BINDINGS, None, &name).await?))
}

/// The policies and bindings of the guard, which the ConfigMap `reference` names.
pub async fn guard(reader: &Reader, reference: &Seen<Option<Value>>) -> Seen<Option<Vec<GuardPart>>> {
    let Some(text) = reference.clone()?.and_then(|map| map["data"]["guard.json"].as_str().map(str::to_owned))
    else {
        return Ok(None);
    };
    let parts: Vec<Value> = serde_json::from_str(&text)
        .map_err(|error| Blind::Failed(format!("guard.json is not a list: {error}")))?;
    let mut guard = vec![];
    for part in parts {
        let text = |key: &str| part[key].as_str().unwrap_or_default().to_owned();
        let (kind, name) = (text("kind"), text("name"));
        let of = if kind == "ValidatingAdmissionPolicy" { POLICIES } else { BINDINGS };
        let found = reader.get(of, None, &name).await?;
        guard.push(GuardPart { kind, name, wanted: part["spec"].clone(), found });
    }
    Ok(Some(guard))
}

/// Tries to record an approval by its own requester, as a dry run, which changes nothing. Only a person who may write
/// the status can try it: otherwise it is RBAC that refuses.
pub async fn dry_run(reader: &Reader, witness: Option<&ModelVersion>) -> Seen<DryRun> {
    let Some(witness) = witness else {
        return Err(Blind::NotTried("no ModelVersion exists with which the rule can be tried".to_owned()));
    };
    let (namespace, name) = (witness.namespace().unwrap_or_default(), witness.name_any());
    let attributes = json!({"group": understudy_crds::GROUP, "resource": "modelversions", "subresource": "status",
        "verb": "patch", "namespace": namespace, "name": name});
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes}});
    let allowed = reader.review(OWN_REVIEWS, &review).await?["status"]["allowed"] == Value::Bool(true);
    if !allowed {
        return Err(Blind::Denied(format!(
            "patch modelversions/status.{} in namespace {namespace}, which only administrators may; the operator tries the rule every 10 s",
            understudy_crds::GROUP
        )));
    }
    let path = format!("{}/{name}/status?dryRun=All", VERSIONS.path(Some(&namespace)));
    let gone = || Blind::NotTried(format!("ModelVersion {namespace}/{name} was deleted meanwhile"));
    let mut attempts = 0;
    loop {
        attempts += 1;
        // Its history may have grown since the list: then the schema rejects the write before the policy sees it.
        let present = reader.get(VERSIONS, Some(&namespace), &name).await?.ok_or_else(gone)?;
        let record = forged(&present);
        let body = Some(("application/merge-patch+json", &record));
        let answer = reader
            .send(Method::PATCH, &path, "application/json", body, PATIENCE)
            .await
            .map_err(Blind::Failed)?;
        let message = answer.message();
        match answer.status {
            StatusCode::OK => return Ok(DryRun::Accepted),
            StatusCode::NOT_FOUND => return Err(gone()),
            _ if REFUSALS.iter().any(|refusal| message.contains(refusal)) => return Ok(DryRun::Refused),
            StatusCode::UNPROCESSABLE_ENTITY if attempts < ATTEMPTS => {}
            status => return Ok(DryRun::Other(format!("{status}: {message}"))),
        }
    }
}

/// The history of this version, with one more entry that the policy forbids.
fn forged(version: &Value) -> Value {
    let (probe, at) = ("policy-probe", "2000-01-01T00:00:00Z");
    let digest = format!("sha256:{}", version["spec"]["artifact"]["sha256"].as_str().unwrap_or_default());
    let mut history = version["status"]["history"].as_array().cloned().unwrap_or_default();
    history.push(
        json!({"id": probe, "from": "Staging", "to": "Production", "requestedBy": probe, "requestedAt": at,
        "decision": "Approved", "decidedBy": probe, "decidedAt": at, "digest": digest}),
    );
    json!({"status": {"history": history}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusals_are_those_of_the_policy() {
        let policy = include_str!("../../../../../charts/understudy/templates/_approval.tpl");
        for refusal in REFUSALS {
            assert!(policy.contains(refusal), "{refusal}");
        }
    }
}
