//! The status of a deployment: main, previous versions, history and conditions. Written only if it differs.

mod challenger;
mod conditions;
mod events;
mod pass;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    MainReason, MainRecord, ModelDeployment, ModelDeploymentStatus, Previous, RollbackResult, Rollout,
    ServedVersion, Stage, Staged, annotations, breaking_note, limits, names,
};

use self::conditions::Policies;
pub use self::pass::{Calls, Pass};
use super::{
    closing::closing,
    error::Error,
    observe::Observed,
    plan::{Candidate, Next},
    routed::Switched,
    verify::Readiness,
};
use crate::{cluster::kinds, context::Context};

/// Records the new main, if this pass has switched callers to it. Returns the deployment as it was written. Nothing
/// comes between the switch and this write, so that no other failure can keep the record from being written.
pub async fn record_main(
    ctx: &Context,
    observed: &Observed,
    pass: &Pass<'_>,
    now: Timestamp,
) -> Result<Option<ModelDeployment>, Error> {
    if pass.new_main().is_none() {
        return Ok(None);
    }
    write(ctx, observed, pass, None, now).await
}

/// Writes the status if it differs, with the deployment that was judged as precondition, or as it was `recorded` in this
/// pass. Then publishes events.
pub async fn update(
    ctx: &Context,
    observed: &Observed,
    pass: &Pass<'_>,
    recorded: Option<&ModelDeployment>,
    now: Timestamp,
) -> Result<(), Error> {
    write(ctx, observed, pass, recorded, now).await.map(|_| ())
}

async fn write(
    ctx: &Context,
    observed: &Observed,
    pass: &Pass<'_>,
    recorded: Option<&ModelDeployment>,
    now: Timestamp,
) -> Result<Option<ModelDeployment>, Error> {
    let base = match pass.readiness {
        Readiness::Change { md } => md.as_ref(),
        _ => observed.md.as_ref(),
    };
    let policies = Policies {
        approval: ctx.policy.subscribe().borrow().clone(),
        guard: ctx.guard.subscribe().borrow().clone(),
    };
    let next = status(base, observed, pass, &policies, now);
    let held = recorded.unwrap_or(base);
    if held.status.as_ref() == Some(&next) {
        return Ok(None);
    }
    let before = held.status.clone().unwrap_or_default();
    let mut object = held.clone();
    object.status = Some(next.clone());
    let written = kinds::write_status(&ctx.client, held, &object).await?;
    ctx.cache.deployments.wrote(&written);
    let changed = pass.new_main().is_some();
    events::announce(ctx, base, &before, &next, pass, changed && recorded.is_none()).await;
    Ok(Some(written))
}

/// The status after this pass. Pure.
fn status(
    base: &ModelDeployment,
    observed: &Observed,
    pass: &Pass<'_>,
    policies: &Policies,
    now: Timestamp,
) -> ModelDeploymentStatus {
    let mut status = base.status.clone().unwrap_or_default();
    status.url = Some(names::url(&base.name_any(), &observed.namespace()));
    status.observed_generation = base.metadata.generation;
    let known = status.rollback.as_ref().map(|known| &known.request);
    if pass.plan.rollback.as_ref().is_some_and(|rollback| known != Some(&rollback.request)) {
        status.last_comment = annotations::value(base, annotations::REASON);
    }
    status.rollback.clone_from(&pass.plan.rollback);
    if let Some(proof) = pass.new_main() {
        change_main(proof, &mut status, base, &pass.plan.next, now);
    }
    complete(&mut status, observed);
    if let Some(main) = status.main.as_mut() {
        main.ready_replicas = observed.pods_of(&main.version).ready_replicas();
    }
    status.selector = status.main.as_ref().map(|main| {
        let labels = names::version_labels(&base.name_any(), &main.version);
        labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
    });
    status.staging = staging(observed, &status.staging);
    status.objects = observed.objects.list();
    status.rollout = rollout(observed, pass);
    if let (Some(over), Some(rollback)) =
        (pass.deadline.and_then(|d| d.over.clone()), status.rollback.as_mut())
        && rollback.result == RollbackResult::Pending
    {
        (rollback.result, rollback.message) = (RollbackResult::TimedOut, over);
    }
    conditions::fill_in(&mut status, base, pass, policies, now);
    let keeps_routing = observed.main_is_unreadable() && !pass.readiness.changes_main();
    if pass.routed.reached_pods() && !keeps_routing {
        challenger::fill_in(&mut status, observed, &pass.calls, now);
    }
    status.bounded()
}

/// Adds the uids that an older operator has not recorded.
fn complete(status: &mut ModelDeploymentStatus, observed: &Observed) {
    if let Some(main) = status.main.as_mut().filter(|main| main.uid.is_none()) {
        let found = observed.version(&main.model_version).filter(|version| main.is(version));
        main.uid = found.and_then(|version| version.uid());
    }
    if let Some(previous) = status.previous.as_mut().filter(|previous| previous.uid.is_none()) {
        let found = observed.version(&previous.model_version).filter(|version| previous.is(version));
        previous.uid = found.and_then(|version| version.uid());
    }
}

fn change_main(
    _: &Switched,
    status: &mut ModelDeploymentStatus,
    base: &ModelDeployment,
    next: &Next,
    now: Timestamp,
) {
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
            uid: old.uid,
            digest: old.digest,
            warm_until: now.checked_add(keep_warm).unwrap_or(now).into(),
        });
    }
    if let Next::Promote(candidate) = next {
        status.main = Some(served(candidate, now));
        status.history.push(record(candidate, now));
        if let Some(rollback) = status.rollback.as_mut().filter(|r| r.result == RollbackResult::Pending) {
            rollback.result = RollbackResult::Done;
            rollback.message = format!("{} is main again", candidate.version.spec.version)
                + &breaking_note(candidate.breaking.as_ref());
        }
    }
}

fn served(candidate: &Candidate, now: Timestamp) -> ServedVersion {
    ServedVersion {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        uid: candidate.version.uid(),
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
        uid: candidate.version.uid(),
        digest: candidate.version.spec.artifact.digest(),
        runtime_image: candidate.version.spec.runtime.as_ref().map(|runtime| runtime.image.clone()),
        from: now.into(),
        to: None,
        reason: candidate.reason,
        requested_by: candidate.requested_by.clone(),
        approved_by: candidate.approved_by.clone(),
        approved_at,
        transition: candidate.transition.clone(),
        comment: candidate.comment.clone(),
        breaking: candidate.breaking.clone(),
    }
}

/// The versions in Staging. What was known of one that cannot be read stays.
fn staging(observed: &Observed, known: &[Staged]) -> Vec<Staged> {
    let is_unreadable = |s: &&Staged| observed.unreadable.iter().any(|v| v.name() == s.model_version);
    let staged = observed.versions.iter().filter(|v| v.stage() == Stage::Staging).map(|v| Staged {
        version: v.spec.version.clone(),
        model_version: v.name_any(),
        ready_replicas: observed.pods_of(&v.spec.version).ready_replicas(),
        url: names::url(
            &names::version_object(&observed.md.name_any(), &v.spec.version),
            &observed.namespace(),
        ),
    });
    known.iter().filter(is_unreadable).cloned().chain(staged).take(limits::STAGED).collect()
}

/// The change of main that waits. A promotion that is over stays until its request is closed: the controller of versions
/// closes it because of this record.
fn rollout(observed: &Observed, pass: &Pass<'_>) -> Option<Rollout> {
    if let Some(closing) = closing(observed) {
        return Some(closing.clone());
    }
    let (Next::Promote(candidate), Readiness::Wait { message, .. }) = (&pass.plan.next, pass.readiness)
    else {
        return None;
    };
    let over = pass.deadline.and_then(|deadline| deadline.over.as_ref());
    // The result of a rollback is in its own field.
    if over.is_some() && candidate.reason == MainReason::RolledBack {
        return None;
    }
    Some(Rollout {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        uid: candidate.version.uid(),
        transition: candidate.transition.clone(),
        since: pass.deadline.map(|deadline| deadline.since.into()),
        deadline_exceeded: over.is_some(),
        message: over.unwrap_or(message).clone(),
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
            }, {
                "id": "b2", "from": "Production", "to": "Archived", "requestedBy": "dave", "decision": "Superseded",
                "requestedAt": "2026-11-03T12:00:00Z", "decidedBy": "erin", "decidedAt": "2026-11-03T13:00:00Z", "digest": digest,
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
