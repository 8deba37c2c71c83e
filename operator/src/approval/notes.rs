//! The notes of the events about a version. Pure.

use kube::ResourceExt;
use understudy_crds::{Acceptance, HistoryEntry, ModelVersion, Transition};

/// The note of a decision: from where to where, who requested and who decided it, and why.
pub fn decided(entry: &HistoryEntry) -> String {
    let HistoryEntry { from, to, requested_by, decided_by, .. } = entry;
    let because = entry.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let decision = entry.decision.in_words();
    format!("{from} -> {to} requested by {requested_by}, {decision} by {decided_by}{because}")
}

/// The note of an opened request, with the command that approves it. With `stamps_names`, the API server writes the name
/// of the approver, and the command leaves it out.
pub fn requested(version: &ModelVersion, transition: &Transition, stamps_names: bool) -> String {
    let Transition { id, from, to, requested_by, .. } = transition;
    let (name, namespace) = (version.name_any(), version.namespace().unwrap_or_default());
    let signature = if stamps_names { "" } else { " understudy.dev/approved-by=<their name>" };
    format!(
        "{requested_by} requests {from} -> {to}; a colleague approves with: \
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
    let feedback = acceptance.feedback.as_ref().map(|f| format!(": {f}")).unwrap_or_default();
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
