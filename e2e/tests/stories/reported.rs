//! What users read when something is blocked: the condition, the event, and `kubectl describe`.

use anyhow::{Result, ensure};
use understudy_crds::{Decision, HistoryEntry, ModelVersion, condition};
use understudy_e2e::Story;

/// Whether the version has this condition with this reason and these words in its message.
pub fn has_condition(version: &ModelVersion, type_: &str, reason: &str, words: &str) -> bool {
    let conditions = version.status.as_ref().map_or(&[][..], |s| &s.conditions);
    condition::find(conditions, type_).is_some_and(|c| c.reason == reason && c.message.contains(words))
}

/// Waits until condition, event and `kubectl describe` of a version have this reason and these words.
pub async fn await_reported(
    story: &Story,
    name: &str,
    type_: &str,
    reason: &str,
    words: &str,
) -> Result<ModelVersion> {
    let what = format!("condition {type_}: reason {reason}, words {words:?}");
    let version = story.await_version(&what, name, |v| has_condition(v, type_, reason, words)).await?;
    story.await_event("ModelVersion", name, reason, words).await?;
    ensure_described(story, name, &[reason, words]).await?;
    Ok(version)
}

/// Fails unless `kubectl describe` of a version has these words.
pub async fn ensure_described(story: &Story, name: &str, words: &[&str]) -> Result<()> {
    let description = story.describe("modelversion", name).await?;
    for text in words {
        ensure!(description.contains(text), "kubectl describe has no {text:?}:\n{description}");
    }
    Ok(())
}

/// Waits until the history of a version ends with this decision, and returns its entry.
pub async fn await_decision(story: &Story, name: &str, decision: Decision) -> Result<HistoryEntry> {
    let last = |v: &ModelVersion| v.history().last().is_some_and(|h| h.decision == decision);
    let version = story.await_version(&format!("decision {decision:?}"), name, last).await?;
    Ok(version.history().last().expect("the predicate requires one").clone())
}

/// The decisions in a version's history, oldest first.
pub fn decisions(version: &ModelVersion) -> Vec<Decision> {
    version.history().iter().map(|h| h.decision).collect()
}
