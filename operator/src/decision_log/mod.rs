//! Announces a decision after it was written: one event, one JSON line in the log, one count in the metrics.

use std::hash::{DefaultHasher, Hash, Hasher};

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tracing::{info, warn};
use understudy_crds::{HistoryEntry, ModelVersion};

use crate::{
    error_chain::{chain, namespace_is_ending},
    metrics::Metrics,
};

/// Most bytes of the note of an event. The API server accepts 1024.
const MAX_NOTE: usize = 1000;

/// Publishes events and decisions.
pub struct Journal {
    recorder: Recorder,
}

impl Journal {
    /// A journal whose events name the operator and this pod as their source.
    pub fn new(client: Client, pod: &str) -> Self {
        let reporter =
            Reporter { controller: "understudy-operator".to_owned(), instance: Some(pod.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Publishes an event on `object`. A failure is only logged, because the status has the same information.
    pub async fn event<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        type_: EventType,
        reason: &str,
        note: &str,
    ) {
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
        match self.recorder.publish(&event, &object.object_ref(&())).await {
            Err(error) if !namespace_is_ending(&error) => {
                warn!(error = chain(&error), reason, "failed to publish an event");
            }
            _ => {}
        }
    }

    /// Announces `entry`, which was added to the history of `version`.
    pub async fn decided(&self, version: &ModelVersion, entry: &HistoryEntry, metrics: &Metrics) {
        metrics.decided(entry.from, entry.to, entry.decision);
        info!(
            decision = entry.decision.as_str(),
            namespace = version.metadata.namespace,
            model_version = version.metadata.name,
            deployment = version.spec.deployment,
            version = version.spec.version,
            transition = entry.id,
            from = entry.from.as_str(),
            to = entry.to.as_str(),
            requested_by = entry.requested_by,
            decided_by = entry.decided_by,
            reason = entry.reason,
            digest = entry.digest,
            policy_uid = entry.policy.as_ref().map(|p| p.uid.as_str()),
            policy_resource_version = entry.policy.as_ref().map(|p| p.resource_version.as_str()),
            "decision"
        );
        let because = entry.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        let note = format!(
            "{} -> {} requested by {}, {} by {}{because}",
            entry.from,
            entry.to,
            entry.requested_by,
            entry.decision.in_words(),
            entry.decided_by
        );
        self.event(version, EventType::Normal, entry.decision.as_str(), &note).await;
    }
}

/// The action of an event. The recorder merges events with the same action and keeps the first note, so each note needs
/// an action of its own: the note of a request has the command that approves exactly this request.
fn action(reason: &str, note: &str) -> String {
    let mut hasher = DefaultHasher::new();
    note.hash(&mut hasher);
    format!("{reason}-{:016x}", hasher.finish())
}
