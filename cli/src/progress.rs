//! What `--wait` waits for: the progress of a request, an approval or a rollback, according to the status. Pure.

use serde::Serialize;
use understudy_crds::{
    Decision, HistoryEntry, ModelDeployment, ModelVersion, RollbackResult, Stage,
    condition::{self, READY},
};

/// The end of what `--wait` waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// Whether it had the requested effect.
    pub success: bool,
    /// A reason in CamelCase, for example `Rejected`.
    pub reason: String,
    /// What happened, in a sentence.
    pub message: String,
}

/// The progress so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on; what it waits for.
    Going(String),
    /// It ended.
    Ended(Ending),
}

/// A step that `--wait` waits for.
#[derive(Clone, Debug)]
pub struct Awaited {
    /// The requested stage.
    pub to: Stage,
    /// Id of the transition, if it is known.
    pub id: Option<String>,
    /// Number of entries that the history had before.
    pub seen: usize,
}

impl Awaited {
    /// The progress of the step.
    #[must_use]
    pub fn progress(&self, mv: &ModelVersion) -> Progress {
        let ours = |h: &&HistoryEntry| h.to == self.to && self.id.as_ref().is_none_or(|id| h.is_of(id));
        let refused = |h: &&HistoryEntry| {
            matches!(
                h.decision,
                Decision::Rejected | Decision::Withdrawn | Decision::Expired | Decision::TimedOut
            )
        };
        let new = || mv.history().iter().skip(self.seen).filter(ours);
        if let Some(entry) = new().find(refused) {
            let why = entry.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
            let message = format!("{} -> {} by {}{why}", entry.from, entry.to, entry.decided_by);
            return ended(false, entry.decision.as_str(), message);
        }
        // After its roll-out, the version may already be in a later stage.
        let done = mv.stage() == self.to || new().any(|h| h.decision == Decision::Approved);
        if done && mv.transition().is_none() {
            return ended(true, mv.stage().as_str(), format!("{} is in {}", named(mv), mv.stage()));
        }
        Progress::Going(ready(mv.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default()))
    }
}

fn named(mv: &ModelVersion) -> String {
    format!("{} {}", mv.spec.deployment, mv.spec.version)
}

fn ready(conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]) -> String {
    condition::find(conditions, READY).map_or_else(
        || "the operator has not processed it yet".to_owned(),
        |c| format!("{}: {}", c.reason, c.message),
    )
}

/// The progress of the rollback whose annotation has the value `request`.
#[must_use]
pub fn rollback(md: &ModelDeployment, request: &str) -> Progress {
    let status = md.status.as_ref();
    let Some(rollback) = status.and_then(|s| s.rollback.as_ref()).filter(|r| r.request == request) else {
        return Progress::Going("Requested: the operator has not processed it yet".to_owned());
    };
    match rollback.result {
        RollbackResult::Done => ended(true, "RolledBack", rollback.message.clone()),
        RollbackResult::Refused => ended(false, "Refused", rollback.message.clone()),
        RollbackResult::TimedOut => ended(false, "TimedOut", rollback.message.clone()),
        RollbackResult::Pending => Progress::Going(format!("RollingBack: {}", rollback.message)),
    }
}

fn ended(success: bool, reason: &str, message: String) -> Progress {
    Progress::Ended(Ending { success, reason: reason.to_owned(), message })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{deployment, version};

    fn transition() -> Value {
        json!({"id": "6f1c2b", "from": "None", "to": "Staging", "requestedBy": "alice",
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f"})
    }

    fn entry(id: &str, decision: &str) -> Value {
        json!({"id": id, "from": "None", "to": "Staging", "requestedBy": "alice",
            "requestedAt": "2026-11-21T04:00:00Z", "decision": decision, "decidedBy": "bob",
            "decidedAt": "2026-11-21T04:01:00Z", "reason": "too early", "digest": "sha256:9f"})
    }

    fn seen(status: &Value) -> Progress {
        let awaited = Awaited { to: Stage::Staging, id: Some("6f1c2b".to_owned()), seen: 1 };
        awaited.progress(&version(json!({"spec": {"stage": "Staging"}, "status": status})))
    }

    #[test]
    fn a_pending_request_shows_what_it_waits_for() {
        let ready = json!([{"type": "Ready", "status": "False", "reason": "WaitingForApproval",
            "message": "for a second person", "lastTransitionTime": "2026-11-21T04:00:00Z"}]);
        let history = json!([entry("0ld1d", "Rejected")]);
        let status = json!({"transition": transition(), "history": history, "conditions": ready});
        assert_eq!(seen(&status), Progress::Going("WaitingForApproval: for a second person".to_owned()));
    }

    #[test]
    fn an_earlier_rejection_does_not_end_the_wait_for_a_new_request() {
        let status = json!({"transition": transition(), "history": [entry("0ld1d", "Rejected")]});
        assert!(matches!(seen(&status), Progress::Going(_)));
    }

    #[rstest]
    #[case("Rejected")]
    #[case("Withdrawn")]
    #[case("Expired")]
    #[case("TimedOut")]
    fn a_request_that_ends_without_effect_is_a_failure_with_its_reason(#[case] decision: &str) {
        let status = json!({"history": [entry("0ld1d", "Rejected"), entry("6f1c2b", decision)]});
        let message = "None -> Staging by bob: too early".to_owned();
        let ending = Ending { success: false, reason: decision.to_owned(), message };
        assert_eq!(seen(&status), Progress::Ended(ending));
    }

    #[test]
    fn an_approved_request_ends_after_its_roll_out() {
        let history = json!([entry("0ld1d", "Rejected"), entry("6f1c2b", "Approved")]);
        let rolling = json!({"stage": "None", "transition": transition(), "history": history});
        assert!(matches!(seen(&rolling), Progress::Going(_)));
        let done = json!({"stage": "Staging", "history": history});
        assert!(matches!(seen(&done), Progress::Ended(Ending { success: true, .. })));
        let overtaken = json!({"stage": "Archived", "history": history});
        let Progress::Ended(ending) = seen(&overtaken) else { panic!("it is over") };
        assert_eq!((ending.success, ending.reason.as_str()), (true, "Archived"));
    }

    #[test]
    fn an_approved_request_that_times_out_has_failed() {
        let history = json!([entry("6f1c2b", "Approved"), entry("6f1c2b-end", "TimedOut")]);
        let awaited = Awaited { to: Stage::Staging, id: Some("6f1c2b".to_owned()), seen: 0 };
        let mv =
            version(json!({"spec": {"stage": "Staging"}, "status": {"stage": "None", "history": history}}));
        let Progress::Ended(ending) = awaited.progress(&mv) else { panic!("it is over") };
        assert_eq!((ending.success, ending.reason.as_str()), (false, "TimedOut"));
    }

    #[rstest]
    #[case("1.2.0#a", "Done", Some(true))]
    #[case("1.2.0#a", "Refused", Some(false))]
    #[case("1.2.0#a", "TimedOut", Some(false))]
    #[case("1.2.0#a", "Pending", None)]
    #[case("1.2.0#before", "Done", None)]
    fn a_rollback_is_judged_by_its_own_result(
        #[case] request: &str,
        #[case] result: &str,
        #[case] success: Option<bool>,
    ) {
        let status = json!({"request": request, "by": "bob", "at": "2026-11-21T04:00:00Z", "result": result, "message": "m"});
        let ended = match rollback(&deployment(json!({"status": {"rollback": status}})), "1.2.0#a") {
            Progress::Ended(ending) => Some(ending.success),
            Progress::Going(_) => None,
        };
        assert_eq!(ended, success);
    }
}
