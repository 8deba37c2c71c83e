//! The status of a deployment: main, previous versions, history and conditions. Written only if it differs.

mod challenger;
mod conditions;
mod events;
mod pass;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    MainReason, MainRecord, ModelDeployment, ModelDeploymentStatus, Previous, RollbackResult, Rollout,
    ServedVersion, Stage, Staged, limits, names,
};

pub use self::pass::{Calls, Pass};
use super::{
    error::Error,
    expectations::Expectations,
    observe::Observed,
    plan::{Candidate, Next},
    verify::Readiness,
};
use crate::{cluster::kinds, context::Context, policy::Enforcement};

/// Writes the status if it differs, with the deployment that was judged as precondition. Then publishes events.
pub async fn update(
    ctx: &Context,
    expectations: &Expectations,
    observed: &Observed,
    pass: &Pass<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let base = match pass.readiness {
        Readiness::Change { md } => md.as_ref(),
        _ => observed.md.as_ref(),
    };
    // A version is not recorded as main before callers are sent to it.
    let changed = pass.readiness.changes_main() && pass.routed.is_none();
    let policy = ctx.policy.subscribe().borrow().clone();
    let before = base.status.clone().unwrap_or_default();
    let next = status(base, observed, pass, changed, &policy, now);
    if base.status.is_some() && before == next {
        return Ok(());
    }
    let mut object = base.clone();
    object.status = Some(next.clone());
    let written = kinds::replace_status(&ctx.client, &object).await?;
    if changed {
        expectations.expect(&written);
    }
    events::announce(ctx, base, &before, &next, pass, changed).await;
    Ok(())
}

/// The status after this pass. Pure.
fn status(
    base: &ModelDeployment,
    observed: &Observed,
    pass: &Pass<'_>,
    changed: bool,
    policy: &Enforcement,
    now: Timestamp,
) -> ModelDeploymentStatus {
    let mut status = base.status.clone().unwrap_or_default();
    status.url = Some(names::url(&base.name_any(), &observed.namespace()));
    status.observed_generation = base.metadata.generation;
    status.rollback.clone_from(&pass.plan.rollback);
    if changed {
        change_main(&mut status, base, &pass.plan.next, now);
    }
    if let Some(main) = status.main.as_mut() {
        main.ready_replicas = observed.pods_of(&main.version).ready_replicas();
    }
    status.staging = staging(observed);
    status.rollout = rollout(pass);
    conditions::fill_in(&mut status, base, pass, policy, now);
    // Pods that could not be notified continue with the old routing.
    if pass.routed.is_none() {
        challenger::fill_in(&mut status, observed, &pass.calls, now);
    }
    status.bounded()
}

fn change_main(status: &mut ModelDeploymentStatus, base: &ModelDeployment, next: &Next, now: Timestamp) {
    if let Some(open) = status.history.last_mut().filter(|r| r.to.is_none()) {
        open.to = Some(now.into());
    }
    let keep_warm = std::time::Duration::from(base.spec.rollback.keep_warm);
    // The drift of the old main is not that of the new one.
    status.drift = None;
    if let Some(old) = status.main.take() {
        status.previous = Some(Previous {
            version: old.version,
            model_version: old.model_version,
            digest: old.digest,
            warm_until: now.checked_add(keep_warm).unwrap_or(now).into(),
        });
    }
    if let Next::Promote(candidate) = next {
        status.main = Some(served(candidate, now));
        status.history.push(record(candidate, now));
        if let Some(rollback) = status.rollback.as_mut().filter(|r| r.result == RollbackResult::Pending) {
            rollback.result = RollbackResult::Done;
            rollback.message = format!("{} is main again", candidate.version.spec.version);
        }
    }
}

fn served(candidate: &Candidate, now: Timestamp) -> ServedVersion {
    ServedVersion {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        digest: candidate.version.spec.artifact.digest(),
        since: now.into(),
        transition: candidate.transition.clone(),
        ready_replicas: 0,
    }
}

fn record(candidate: &Candidate, now: Timestamp) -> MainRecord {
    let approved_at = match candidate.reason {
        MainReason::Promoted => Some(candidate.approved_at.into()),
        // A rollback needs no new approval: the version was approved before.
        MainReason::RolledBack => candidate.version.production_approval().map(|h| h.decided_at.clone()),
    };
    MainRecord {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        digest: candidate.version.spec.artifact.digest(),
        from: now.into(),
        to: None,
        reason: candidate.reason,
        requested_by: candidate.requested_by.clone(),
        approved_by: candidate.approved_by.clone(),
        approved_at,
        transition: candidate.transition.clone(),
    }
}

fn staging(observed: &Observed) -> Vec<Staged> {
    let staged = observed.versions.iter().filter(|v| v.stage() == Stage::Staging);
    staged
        .take(limits::STAGED)
        .map(|v| Staged {
            version: v.spec.version.clone(),
            model_version: v.name_any(),
            ready_replicas: observed.pods_of(&v.spec.version).ready_replicas(),
            url: names::url(
                &names::version_object(&observed.md.name_any(), &v.spec.version),
                &observed.namespace(),
            ),
        })
        .collect()
}

fn rollout(pass: &Pass<'_>) -> Option<Rollout> {
    let (Next::Promote(candidate), Readiness::Wait { message, .. }) = (&pass.plan.next, pass.readiness)
    else {
        return None;
    };
    Some(Rollout {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        transition: candidate.transition.clone(),
        message: message.clone(),
    })
}

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use serde_json::json;
    use understudy_crds::ModelVersion;

    use super::*;
    use crate::rollout::{challenger::Challenger, plan::plan};

    /// 1.2.0, which alice requested and bob approved on the first, and to which carol rolls back on the fifth.
    fn rolled_back() -> Candidate {
        let digest = format!("sha256:{}", "cd".repeat(32));
        let version: ModelVersion = serde_json::from_value(json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": "fraud-1.2.0"},
            "spec": {"deployment": "fraud", "version": "1.2.0", "artifact": {"uri": "s3://m/m", "sha256": "cd".repeat(32)}},
            "status": {"stage": "Archived", "history": [{
                "id": "a1", "from": "Staging", "to": "Production", "requestedBy": "alice", "decision": "Approved",
                "requestedAt": "2026-11-01T12:00:00Z", "decidedBy": "bob", "decidedAt": "2026-11-01T13:00:00Z", "digest": digest,
            }]},
        }))
        .expect("a ModelVersion");
        let md: ModelDeployment = serde_json::from_value(json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
            "metadata": {"name": "fraud", "namespace": "risk", "annotations": {
                "understudy.dev/rollback": "1.2.0#1", "understudy.dev/rollback-by": "carol",
            }},
            "spec": {},
        }))
        .expect("a ModelDeployment");
        let observed = Observed::new(Arc::new(md), vec![Arc::new(version)], vec![], BTreeMap::new());
        let now = "2026-11-05T12:00:00Z".parse().expect("a time");
        match plan(&observed, &Challenger::NotNamed, now).next {
            Next::Promote(candidate) => candidate,
            other => panic!("expected a rollback, found {other:?}"),
        }
    }

    #[test]
    fn the_record_of_a_rollback_names_who_rolled_back_and_who_approved_the_version_and_when() {
        let row = record(&rolled_back(), "2026-11-05T12:00:07Z".parse().expect("a time"));
        assert_eq!((row.requested_by.as_str(), row.approved_by.as_str()), ("carol", "bob"));
        assert_eq!(row.approved_at.map(|at| at.0.to_string()).as_deref(), Some("2026-11-01T13:00:00Z"));
    }

    #[test]
    fn the_event_of_a_rollback_names_who_rolled_back_and_who_approved_the_version() {
        let said = "1.2.0 is main again; rolled back by carol; approved for Production by bob";
        assert_eq!(events::became_main(&rolled_back()), ("RolledBack", said.to_owned()));
    }
}
