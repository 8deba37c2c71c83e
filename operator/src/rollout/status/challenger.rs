//! The status of the challenger, of the comparison with main, and of drift. Pure.

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    ChallengerStatus, ColumnRole, ModelDeploymentStatus,
    condition::{self, CHALLENGER_READY, DATA_DRIFT, DATA_ISSUE, PREDICTION_DRIFT},
};

use super::pass::Calls;
use crate::{
    reasons::Challenger as Reason,
    rollout::{
        challenger::{Challenger, Refusal},
        columns::Column,
        comparison, data_issue,
        drift::{self, Finding},
        observe::Observed,
        summaries::identity,
    },
};

/// Fills in challenger, comparison and drift with their conditions.
pub fn fill_in(status: &mut ModelDeploymentStatus, observed: &Observed, calls: &Calls<'_>, now: Timestamp) {
    challenger(status, observed, calls, now);
    let pair = calls.main.zip(calls.challenger.accepted()).map(|(m, c)| (identity(m), identity(c)));
    let summary = calls.collected.as_ref().and_then(|collected| collected.summary.as_ref());
    status.comparison = comparison::next(
        status.comparison.as_ref(),
        pair.as_ref().map(|(main, challenger)| (main, challenger)),
        summary,
        now,
    );
    drifts(status, observed, calls, now);
}

fn challenger(status: &mut ModelDeploymentStatus, observed: &Observed, calls: &Calls<'_>, now: Timestamp) {
    let before = status.challenger.take();
    if let Some(version) = calls.challenger.accepted() {
        let since = before.filter(|before| before.is(version)).map(|before| before.since);
        status.challenger = Some(ChallengerStatus {
            version: version.spec.version.clone(),
            model_version: version.name_any(),
            uid: version.uid(),
            digest: version.spec.artifact.digest(),
            since: since.unwrap_or_else(|| now.into()),
            ready_replicas: observed.pods_of(&version.spec.version).ready_replicas(),
        });
    }
    put(status, observed, CHALLENGER_READY, readiness(observed, calls.challenger), now);
}

fn readiness(observed: &Observed, challenger: &Challenger) -> Option<Finding> {
    let (version, wanted) = match challenger {
        Challenger::NotNamed => return None,
        Challenger::Refused(Refusal { reason, message })
        | Challenger::Awaited(_, Refusal { reason, message }) => {
            return Some((Some(false), reason, message.clone()));
        }
        Challenger::Accepted(version) => (version, observed.md.spec.challenger.as_ref()?),
    };
    let (number, wanted, percent) = (&version.spec.version, wanted.replicas, wanted.sample_percent);
    let ready = observed.pods_of(number).ready;
    if ready == 0 {
        let message = format!("no pod of {number} is ready: copies of calls are dropped meanwhile");
        return Some((Some(false), Reason::PodsNotReady.as_str(), message));
    }
    let message = format!(
        "{number} gets a copy of {percent} % of main's calls; {ready} of {wanted} of its pods are ready"
    );
    Some((Some(true), Reason::Mirroring.as_str(), message))
}

fn drifts(status: &mut ModelDeploymentStatus, observed: &Observed, calls: &Calls<'_>, now: Timestamp) {
    if calls.main.is_none_or(|main| main.spec.baseline.is_none()) {
        status.drift = None;
        condition::clear(&mut status.conditions, DATA_DRIFT);
        condition::clear(&mut status.conditions, PREDICTION_DRIFT);
        condition::clear(&mut status.conditions, DATA_ISSUE);
        return;
    }
    // Between two rounds nothing changes.
    let Some(collected) = &calls.collected else { return };
    let Some(measured) = collected.summary.as_ref().and_then(|summary| summary.drift.as_ref()) else {
        unknown(status, observed, &drift::unknown(collected.requested, collected.answered), now);
        return;
    };
    let rules = observed.md.spec.drift.clone().unwrap_or_default();
    let before = status.drift.clone().unwrap_or_default();
    let columns = Column::all(measured, &rules, &before);
    let (drifting, issues) =
        (drift::drifting(&before, &columns, now), data_issue::issues(&before, &columns, now));
    for (type_, role) in [(DATA_DRIFT, ColumnRole::Input), (PREDICTION_DRIFT, ColumnRole::Output)] {
        put(status, observed, type_, drift::finding(role, &columns, &drifting, &rules), now);
    }
    put(status, observed, DATA_ISSUE, data_issue::finding(&columns, &issues, &rules), now);
    status.drift = Some(drift::status(status.drift.as_ref(), drifting, issues, now));
}

/// Without values of pods, drift that was found before stays. Other conditions about drift become Unknown.
fn unknown(status: &mut ModelDeploymentStatus, observed: &Observed, finding: &Finding, now: Timestamp) {
    let known = |type_: &&str| condition::find(&status.conditions, type_).is_some();
    let mut types: Vec<_> = [DATA_DRIFT, PREDICTION_DRIFT, DATA_ISSUE].into_iter().filter(known).collect();
    if types.is_empty() {
        types.push(DATA_DRIFT);
    }
    for type_ in types {
        if !condition::is_true(&status.conditions, type_) {
            put(status, observed, type_, Some(finding.clone()), now);
        }
    }
}

fn put(
    status: &mut ModelDeploymentStatus,
    observed: &Observed,
    type_: &str,
    finding: Option<Finding>,
    now: Timestamp,
) {
    let Some((value, reason, message)) = finding else {
        condition::clear(&mut status.conditions, type_);
        return;
    };
    let generation = observed.md.metadata.generation;
    condition::set(&mut status.conditions, type_, value, (reason, &message), generation, now);
}

#[cfg(test)]
#[path = "challenger_tests.rs"]
mod tests;
