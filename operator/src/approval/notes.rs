//! The notes of the events about a version. Pure.

use kube::ResourceExt;
use understudy_crds::{Acceptance, Decision, Grant, HistoryEntry, ModelVersion, Transition, breaking_note};

/// The note of a decision: from where to where, who requested and who decided it, and why.
pub fn decided(entry: &HistoryEntry) -> String {
    let HistoryEntry { from, to, requested_by, decided_by, .. } = entry;
    let because = after_colon(entry.reason.as_ref());
    let decision = entry.decision.in_words();
    let (mut by, asked) = (format!("{decided_by}{because}"), commented(entry.comment.as_ref()));
    if entry.decision == Decision::Approved && !entry.approvals.is_empty() {
        let all: Vec<_> =
            entry.approvals.iter().map(|g| format!("{}{}", g.by, commented(g.comment.as_ref()))).collect();
        by = all.join(", ");
    }
    let breaking = breaking_note(entry.breaking.as_ref());
    format!("{from} -> {to} requested by {requested_by}{asked}, {decision} by {by}{breaking}")
}

/// The note of an approval that is not the last one needed.
pub fn approved(transition: &Transition, grant: &Grant) -> String {
    let Transition { from, to, requested_by, approvers, .. } = transition;
    let place = transition.approvals.iter().position(|g| g == grant).map_or(0, |place| place + 1);
    let comment = commented(grant.comment.as_ref());
    format!(
        "{from} -> {to} requested by {requested_by}: {place} of {approvers} people have approved, the newest is {}{comment}",
        grant.by
    )
}

fn after_colon(text: Option<&String>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

/// A comment after the name of its author.
fn commented(comment: Option<&String>) -> String {
    comment.map(|comment| format!(" ({comment})")).unwrap_or_default()
}

/// The note of an opened request, with the command that approves it. With `stamps_names`, the API server writes the name
/// of the approver, and the command leaves it out.
pub fn requested(version: &ModelVersion, transition: &Transition, stamps_names: bool) -> String {
    let Transition { id, from, to, requested_by, approvers, .. } = transition;
    let (comment, breaking) =
        (after_colon(transition.comment.as_ref()), breaking_note(transition.breaking.as_ref()));
    let people = match approvers {
        ..=1 => "a colleague approves".to_owned(),
        more => format!("{more} colleagues approve"),
    };
    let (name, namespace) = (version.name_any(), version.namespace().unwrap_or_default());
    let signature = if stamps_names { "" } else { " understudy.dev/approved-by=<their name>" };
    format!(
        "{requested_by} requests {from} -> {to}{comment}{breaking}; {people} with: \
         kubectl annotate --overwrite mv {name} -n {namespace} understudy.dev/approve={id}{signature}"
    )
}

/// The note about a step for which the history has no room.
pub fn unrecorded(entry: &HistoryEntry) -> String {
    let HistoryEntry { from, to, decision, decided_by, .. } = entry;
    format!(
        "{from} -> {to}, {} by {decided_by}, has no entry in status.history, which is full: publish the model as a new version",
        decision.in_words()
    )
}

/// The note of the verdict of a tester.
pub fn accepted(acceptance: &Acceptance) -> String {
    let feedback = after_colon(acceptance.feedback.as_ref());
    format!("{:?} by {}{feedback}", acceptance.verdict, acceptance.by)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::people_sign(false, "understudy.dev/approve=6f1c2b understudy.dev/approved-by=<their name>")]
    #[case::the_cluster_signs(true, "understudy.dev/approve=6f1c2b")]
    fn the_command_to_approve_asks_for_a_name_only_where_the_cluster_does_not_write_it(
        #[case] stamps_names: bool,
        #[case] annotations: &str,
    ) {
        let version = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
            "metadata": {"name": "fraud-1.3.0", "namespace": "risk"},
            "spec": {"deployment": "fraud", "version": "1.3.0", "artifact": {"uri": "s3://m/m", "sha256": "0"}},
        });
        let transition = json!({
            "id": "6f1c2b", "from": "None", "to": "Staging", "requestedBy": "alice",
            "requestedAt": "2026-11-21T11:00:00Z", "generation": 4, "digest": "sha256:0",
        });
        let version = serde_json::from_value(version).expect("a ModelVersion");
        let transition = serde_json::from_value(transition).expect("a transition");
        let note = requested(&version, &transition, stamps_names);
        let command = format!("kubectl annotate --overwrite mv fraud-1.3.0 -n risk {annotations}");
        assert_eq!(note, format!("alice requests None -> Staging; a colleague approves with: {command}"));
    }
}
