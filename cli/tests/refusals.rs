//! Refusals of a real API server (1.36.3, with the chart's policies and roles), and what the plugin prints for them.

use kube::core::Status;
use kubectl_understudy::{
    identity::{Act, Identity},
    refusal::explain,
};
use rstest::rstest;
use serde_json::json;

fn who(name: &str, group: &str) -> Identity {
    Identity { name: name.to_owned(), groups: vec![group.to_owned()] }
}

fn forbidden(message: &str) -> Status {
    Status::failure(message, "Forbidden").with_code(403)
}

const DENIED: &str = "modelversions.understudy.dev \"fraud-1.3.0\" is forbidden: ValidatingAdmissionPolicy 'understudy-approval' with binding 'understudy-approval' denied request: ";

#[rstest]
#[case::own_approval(
    "four eyes: alice requested this transition, somebody else must approve it",
    Act::Approve, ("alice", "data-science"),
    "refused: four eyes: alice requested this transition, somebody else must approve it
  you are   alice (groups: data-science)
  who can   a colleague with the ClusterRole understudy-approver who did not request it"
)]
#[case::a_second_approval(
    "bob has approved this transition, and nobody counts twice: somebody else must approve it",
    Act::Approve, ("bob", "reviewers"),
    "refused: bob has approved this transition, and nobody counts twice: somebody else must approve it
  you are   bob (groups: reviewers)
  who can   a colleague with the ClusterRole understudy-approver who neither requested nor approved it"
)]
#[case::a_second_approval_in_the_name_that_the_cluster_adds(
    "understudy.dev/reason is the comment of an act: it changes only in a write that requests a stage, approves, rejects or rolls back",
    Act::Approve, ("bob", "reviewers"),
    "refused: understudy.dev/reason is the comment of an act: it changes only in a write that requests a stage, approves, rejects or rolls back
  you are   bob (groups: reviewers)
  because   you have approved this transition already, and nobody counts twice"
)]
#[case::no_verb_to_approve(
    "tess may not decide on the stage Staging (needs the verb approve on stages/staging)",
    Act::Approve, ("tess", "testers"),
    "refused: tess may not decide on the stage Staging
  you are       tess (groups: testers)
  missing       the verb approve on stages/staging (API group understudy.dev)
  granted by    the ClusterRole understudy-approver (a Role where the operator watches few namespaces)
  for example   kubectl -n risk create rolebinding <name> --clusterrole=understudy-approver --user=tess"
)]
#[case::no_verb_to_request(
    "bob may not request the stage Staging (needs the verb request on stages/staging)",
    Act::Request, ("bob", "reviewers"),
    "refused: bob may not request the stage Staging
  you are       bob (groups: reviewers)
  missing       the verb request on stages/staging (API group understudy.dev)
  granted by    the ClusterRole understudy-requester (a Role where the operator watches few namespaces)
  for example   kubectl -n risk create rolebinding <name> --clusterrole=understudy-requester --user=bob"
)]
#[case::no_verb_to_roll_back(
    "alice may not roll back (needs the verb rollback on modeldeployments)",
    Act::Rollback, ("alice", "data-science"),
    "refused: alice may not roll back
  you are       alice (groups: data-science)
  missing       the verb rollback on modeldeployments (API group understudy.dev)
  granted by    the ClusterRole understudy-approver (a Role where the operator watches few namespaces)
  for example   kubectl -n risk create rolebinding <name> --clusterrole=understudy-approver --user=alice"
)]
#[case::a_service_account(
    "service accounts may neither approve nor reject",
    Act::Approve, ("system:serviceaccount:risk:ci", "system:serviceaccounts"),
    "refused: service accounts may neither approve nor reject
  you are   system:serviceaccount:risk:ci (groups: system:serviceaccounts)"
)]
#[case::an_old_id(
    "this approval matches no pending transition: understudy.dev/approve must be the id that status.transition shows now; to take a decision back, remove all its annotations",
    Act::Approve, ("bob", "reviewers"),
    "refused: this approval matches no pending transition: understudy.dev/approve must be the id that status.transition shows now; to take a decision back, remove all its annotations
  you are   bob (groups: reviewers)"
)]
fn the_message_of_a_policy_is_shown_with_the_missing_verb_and_the_role_that_has_it(
    #[case] message: &str,
    #[case] act: Act,
    #[case] (name, group): (&str, &str),
    #[case] shown: &str,
) {
    let status = forbidden(&format!("{DENIED}{message}"));
    assert_eq!(explain(&status, act, Some(&who(name, group)), "risk"), shown);
}

#[test]
fn a_missing_verb_of_rbac_is_shown_with_the_role_of_the_act() {
    let message = r#"modeldeployments.understudy.dev "fraud" is forbidden: User "tess" cannot patch resource "modeldeployments" in API group "understudy.dev" in the namespace "risk""#;
    assert_eq!(
        explain(&forbidden(message), Act::Rollback, Some(&who("tess", "testers")), "risk"),
        "refused: tess may not patch modeldeployments in namespace risk
  you are       tess (groups: testers)
  missing       the verb patch on modeldeployments (API group understudy.dev)
  granted by    the ClusterRole understudy-approver (a Role where the operator watches few namespaces)
  for example   kubectl -n risk create rolebinding <name> --clusterrole=understudy-approver --user=tess"
    );
}

#[test]
fn a_user_without_any_role_sees_which_role_may_read() {
    let message = r#"modelversions.understudy.dev is forbidden: User "system:serviceaccount:risk:ci" cannot list resource "modelversions" in API group "understudy.dev" in the namespace "risk""#;
    let shown = explain(
        &forbidden(message),
        Act::Read,
        Some(&who("system:serviceaccount:risk:ci", "system:serviceaccounts")),
        "risk",
    );
    assert!(shown.contains("--clusterrole=understudy-viewer --serviceaccount=risk:ci"), "{shown}");
}

#[test]
fn a_missing_right_to_forward_a_port_names_the_tester_role() {
    let message = r#"pods "fraud-v1-3-0-x" is forbidden: User "tess" cannot create resource "pods/portforward" in API group "" in the namespace "risk""#;
    let shown = explain(&forbidden(message), Act::Open, Some(&who("tess", "testers")), "risk");
    assert!(
        shown.contains("the verb create on pods/portforward (core API group)")
            && shown.contains("the ClusterRole understudy-tester or edit"),
        "{shown}"
    );
}

#[test]
fn a_list_of_all_namespaces_needs_a_cluster_role_binding() {
    let message = r#"modeldeployments.understudy.dev is forbidden: User "alice" cannot list resource "modeldeployments" in API group "understudy.dev" at the cluster scope"#;
    let shown = explain(&forbidden(message), Act::Read, Some(&who("alice", "data-science")), "risk");
    assert!(shown.starts_with("refused: alice may not list modeldeployments in all namespaces"), "{shown}");
    assert!(
        shown.ends_with(
            "kubectl create clusterrolebinding <name> --clusterrole=understudy-viewer --user=alice"
        ),
        "{shown}"
    );
}

fn invalid(causes: &[(&str, &str)]) -> Status {
    let causes: Vec<_> = causes
        .iter()
        .map(|(field, message)| json!({"reason": "FieldValueInvalid", "message": message, "field": field}))
        .collect();
    let message = "ModelVersion.understudy.dev \"fraud-1.3.0\" is invalid";
    from(
        json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": message, "details": {"causes": causes}}),
    )
}

fn from(response: serde_json::Value) -> Status {
    serde_json::from_value(response).unwrap()
}

#[rstest]
#[case(
    &[("spec.stage", "Invalid value: this step does not exist: the steps are None -> Staging, Staging -> Production or Archived")],
    "refused: this step does not exist: the steps are None -> Staging, Staging -> Production or Archived"
)]
#[case(
    &[
        ("spec.version", "Invalid value: \"2.0\": spec.version in body should be at least 5 chars long"),
        ("spec.version", "Invalid value: \"2.0\": version is immutable: publish a new ModelVersion"),
    ],
    "refused: spec.version: spec.version in body should be at least 5 chars long\n  version is immutable: publish a new ModelVersion"
)]
#[case(
    &[
        ("spec.stage", "Unsupported value: \"Live\": supported values: \"None\", \"Staging\", \"Production\", \"Archived\""),
        ("<nil>", "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"),
    ],
    "refused: spec.stage: Unsupported value: \"Live\": supported values: \"None\", \"Staging\", \"Production\", \"Archived\""
)]
fn a_violated_rule_is_shown_with_its_own_message(#[case] causes: &[(&str, &str)], #[case] shown: &str) {
    assert_eq!(explain(&invalid(causes), Act::Request, None, "risk"), shown);
}

#[rstest]
#[case(
    Act::Approve,
    "\n  what to do   add --reason with a text that differs from the comment of the act before"
)]
#[case(Act::Accept, "")]
fn a_cluster_that_requires_comments_gets_one_by_the_flag(#[case] act: Act, #[case] advice: &str) {
    let rule = "this cluster requires a comment: set the annotation understudy.dev/reason in the same write, with a text that differs from the comment of the act before";
    let denied = format!(
        "ValidatingAdmissionPolicy 'understudy-approval' with binding 'understudy-approval' denied request: {rule}"
    );
    let status = from(json!({"status": "Failure", "code": 422, "reason": "Invalid",
        "message": format!("modelversions.understudy.dev \"fraud-1.3.0\" is forbidden: {denied}"),
        "details": {"name": "fraud-1.3.0", "group": "understudy.dev", "kind": "modelversions", "causes": [{"message": denied}]}}));
    assert_eq!(explain(&status, act, None, "risk"), format!("refused: {rule}{advice}"));
}

#[test]
fn a_missing_object_and_a_missing_api_have_different_messages() {
    let object = from(json!({
        "status": "Failure", "code": 404, "reason": "NotFound",
        "message": "modelversions.understudy.dev \"fraud-9.9.9\" not found",
        "details": {"name": "fraud-9.9.9", "group": "understudy.dev", "kind": "modelversions"},
    }));
    let shown = explain(&object, Act::Read, None, "risk");
    assert!(
        shown.starts_with("refused: ModelVersion fraud-9.9.9 does not exist in namespace risk"),
        "{shown}"
    );
    let api = Status::failure("404 page not found", "Failed to parse error data").with_code(404);
    assert!(
        explain(&api, Act::Read, None, "risk").contains("install the charts understudy-crds and understudy")
    );
}

#[test]
fn invalid_credentials_are_not_shown_as_a_missing_role() {
    let shown =
        explain(&Status::failure("Unauthorized", "Unauthorized").with_code(401), Act::Read, None, "risk");
    assert!(shown.contains("cannot authenticate you"), "{shown}");
}
