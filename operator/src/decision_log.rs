//! How a decision becomes known: one event, one JSON line, one count. Always after it was written.

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

/// Longest note that an event holds.
const MAX_NOTE: usize = 1000;

/// Publishes events and decisions.
pub struct Journal {
    recorder: Recorder,
}

impl Journal {
    /// A journal that reports as the operator, from this pod.
    pub fn new(client: Client, pod: &str) -> Self {
        let reporter =
            Reporter { controller: "understudy-operator".to_owned(), instance: Some(pod.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// An event on `object`. One that cannot be written is logged: the status has said it already.
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

    /// A step of `version` ended as `entry` says.
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

/// The recorder counts events of one action as one, and keeps the first one's note: so what says something else is
/// another action. A request's note has the command to approve it, and an old one would be refused.
fn action(reason: &str, note: &str) -> String {
    let mut hasher = DefaultHasher::new();
    note.hash(&mut hasher);
    format!("{reason}-{:016x}", hasher.finish())
}
