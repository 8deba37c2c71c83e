//! What `--wait` waits for: how far a request, an approval or a rollback has come, read off the status. Pure.

use serde::Serialize;
use understudy_crds::{
    Decision, HistoryEntry, ModelDeployment, ModelVersion, RollbackResult, Stage,
    condition::{self, READY},
};

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether it ended as asked for.
    pub success: bool,
    /// One word.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Under way, and what it waits for.
    Going(String),
    /// Over.
    Ended(Outcome),
}

/// A step that somebody waits for.
#[derive(Clone, Debug)]
pub struct Awaited {
    /// The stage asked for.
    pub to: Stage,
    /// Its id, where it is known.
    pub id: Option<String>,
    /// Entries of the history from before.
    pub seen: usize,
}

impl Awaited {
    /// How far the step is.
    #[must_use]
    pub fn progress(&self, mv: &ModelVersion) -> Progress {
        let ours = |h: &&HistoryEntry| h.to == self.to && self.id.as_ref().is_none_or(|id| *id == h.id);
        let refused = |h: &&HistoryEntry| {
            matches!(h.decision, Decision::Rejected | Decision::Withdrawn | Decision::Expired)
        };
        let new = || mv.history().iter().skip(self.seen).filter(ours);
        if let Some(entry) = new().find(refused) {
            let why = entry.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
            let message = format!("{} -> {} by {}{why}", entry.from, entry.to, entry.decided_by);
            return ended(false, entry.decision.as_str(), message);
        }
        // Once approved and rolled out, it may have moved on before anybody looked.
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
        || "the operator has not looked at it".to_owned(),
        |c| format!("{}: {}", c.reason, c.message),
    )
}

/// How far the rollback with this annotation's value is.
#[must_use]
pub fn rollback(md: &ModelDeployment, request: &str) -> Progress {
    let status = md.status.as_ref();
    let Some(rollback) = status.and_then(|s| s.rollback.as_ref()).filter(|r| r.request == request) else {
        return Progress::Going("Requested: the operator has not looked at it".to_owned());
    };
    match rollback.result {
        RollbackResult::Done => ended(true, "RolledBack", rollback.message.clone()),
        RollbackResult::Refused => ended(false, "Refused", rollback.message.clone()),
        RollbackResult::Pending => Progress::Going(format!("RollingBack: {}", rollback.message)),
    }
}

fn ended(success: bool, reason: &str, message: String) -> Progress {
    Progress::Ended(Outcome { success, reason: reason.to_owned(), message })
}
