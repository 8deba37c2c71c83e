//! Announces a decision after it was written: one event, one JSON line in the log, one count in the metrics.

mod announced;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tokio::time::timeout;
use tracing::{info, warn};
use understudy_crds::{Grant, HistoryEntry, ModelVersion, Transition};

use self::announced::Announced;
pub use self::announced::{Event as New, Replay};
use crate::{
    error_chain::{chain, is_unanswered, namespace_is_ending},
    metrics::Metrics,
};

/// Most bytes of the note of an event. The API server accepts 1024.
const MAX_NOTE: usize = 1000;
/// How long the API server may take to accept an event.
const DEADLINE: Duration = Duration::from_secs(5);

/// Publishes events and decisions.
pub struct Journal {
    recorder: Recorder,
    announced: Mutex<Announced>,
}

impl Journal {
    /// A journal whose events name the operator and this pod as their source. `replay` says which earlier decisions it
    /// announces again.
    pub fn new(client: Client, pod: &str, replay: Replay) -> Self {
        let reporter =
            Reporter { controller: "understudy-operator".to_owned(), instance: Some(pod.to_owned()) };
        Self { recorder: Recorder::new(client, reporter), announced: Mutex::new(Announced::new(replay)) }
    }

    /// Publishes an event on `object`. A failure is only logged, because the status has the same information.
    pub async fn event<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        type_: EventType,
        reason: &str,
        note: &str,
    ) {
        self.try_event(object, type_, reason, note).await;
    }

    /// Publishes an event. Returns false if another attempt may succeed.
    async fn try_event<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        type_: EventType,
        reason: &str,
        note: &str,
    ) -> bool {
        let mut note = note.to_owned();
        while note.len() > MAX_NOTE {
            note.pop();
        }
        let event = Event {
            type_,
            reason: reason.to_owned(),
            action: action(reason, &note),
            note: Some(note),
            secondary: None,
        };
        let reference = object.object_ref(&());
        match timeout(DEADLINE, self.recorder.publish(&event, &reference)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) if namespace_is_ending(&error) => true,
            Ok(Err(error)) => {
                warn!(error = chain(&error), reason, "failed to publish an event");
                !is_unanswered(&error)
            }
            Err(_elapsed) => {
                warn!(reason, "failed to publish an event: the API server did not answer");
                false
            }
        }
    }

    /// Publishes an event about something new, as [`log`](Self::log) returns it. If the API server does not answer, it
    /// stays new, and the next pass publishes it.
    pub async fn publish(
        &self,
        version: &ModelVersion,
        new: &New<'_>,
        type_: EventType,
        reason: &str,
        note: &str,
    ) {
        if self.try_event(version, type_, reason, note).await {
            self.announced().published(version, new);
        }
    }

    /// Writes the log line of each decision in the history of `version` that this process has not logged, and counts
    /// it. Returns what needs an event.
    ///
    /// A decision that an earlier process recorded is marked as replayed and not counted: that process may have done
    /// both.
    pub fn log<'a>(&self, version: &'a ModelVersion, metrics: &Metrics) -> Vec<New<'a>> {
        let (lines, events) = self.announced().news(version);
        for entry in &version.history()[lines.entries.start.min(version.history().len())..] {
            if !lines.replayed {
                metrics.decided(entry.from, entry.to, entry.decision);
            }
            decision(version, entry, lines.replayed);
        }
        events
    }

    /// Whether deleted versions must be forgotten.
    pub fn needs_sweep(&self) -> bool {
        self.announced().needs_sweep()
    }

    /// Forgets what was announced about versions that no longer exist.
    pub fn forget_all_but(&self, uids: &HashSet<String>) {
        self.announced().forget_all_but(uids);
    }

    fn announced(&self) -> MutexGuard<'_, Announced> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the log line of a decision for which the history of `version` has no room, and counts it. The log is its only
/// record.
pub fn unrecorded(version: &ModelVersion, entry: &HistoryEntry, metrics: &Metrics) {
    metrics.decided(entry.from, entry.to, entry.decision);
    decision(version, entry, false);
}

/// Writes the log line of an approval that is not the last one needed.
pub fn approval(version: &ModelVersion, request: &Transition, grant: &Grant) {
    info!(
        namespace = version.metadata.namespace,
        model_version = version.metadata.name,
        uid = version.metadata.uid,
        deployment = version.spec.deployment,
        version = version.spec.version,
        transition = request.id,
        from = request.from.as_str(),
        to = request.to.as_str(),
        requested_by = request.requested_by,
        approved_by = grant.by,
        approved_at = %grant.at.0,
        comment = grant.comment,
        approved = request.approved,
        digest = request.digest,
        "approval"
    );
}

/// The line that the audit reads. `uid`, `transition` and `decision` together identify a decision.
fn decision(version: &ModelVersion, entry: &HistoryEntry, replayed: bool) {
    info!(
        decision = entry.decision.as_str(),
        namespace = version.metadata.namespace,
        model_version = version.metadata.name,
        uid = version.metadata.uid,
        deployment = version.spec.deployment,
        version = version.spec.version,
        transition = entry.id,
        from = entry.from.as_str(),
        to = entry.to.as_str(),
        requested_by = entry.requested_by,
        decided_by = entry.decided_by,
        decided_at = %entry.decided_at.0,
        reason = entry.reason,
        comment = entry.comment,
        approvals = approvals(&entry.approvals),
        breaking = entry.breaking,
        digest = entry.digest,
        policy_uid = entry.policy.as_ref().map(|p| p.uid.as_str()),
        policy_resource_version = entry.policy.as_ref().map(|p| p.resource_version.as_str()),
        replayed = replayed.then_some(true),
        "decision"
    );
}

/// Who approved and what they said, as JSON. `None` if nobody did.
fn approvals(all: &[Grant]) -> Option<String> {
    (!all.is_empty()).then(|| serde_json::to_string(all).expect("an approval is JSON"))
}

/// The action of an event. The recorder merges events with the same action and keeps the first note, so each note needs
/// an action of its own: the note of a request has the command that approves exactly this request.
fn action(reason: &str, note: &str) -> String {
    let mut hasher = DefaultHasher::new();
    note.hash(&mut hasher);
    format!("{reason}-{:016x}", hasher.finish())
}
