//! A sound installation, and people with few rights.

use serde_json::json;

use crate::{
    installation::{Installation, SYSTEM, doctor},
    kubectl::{apply, plugin},
};

#[test]
fn a_sound_installation_has_no_problem_and_everything_is_checked() {
    let _installation = Installation::sound();
    let found = doctor(&[]);
    assert_eq!([found.checks("fail"), found.checks("warn")].concat(), [], "{found:#?}");
    assert_eq!(found.printed.code, 0);
    // No kube-proxy is visible here, as in the cluster of `make up`.
    let skipped = found.checks("skipped");
    assert_eq!(
        skipped.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["service-proxy"],
        "{skipped:#?}"
    );
    assert!(found.checks("ok").iter().any(|(name, _)| name == "rule-enforced"), "{found:#?}");
}

#[test]
fn every_operator_of_the_cluster_is_found() {
    let _installation = Installation::sound();
    let found = doctor(&["--all-namespaces"]);
    assert_eq!(found.printed.code, 0, "{found:#?}");
    assert!(found.checks("ok").iter().any(|(name, _)| name == "lease"), "{found:#?}");
}

#[test]
fn the_doctor_role_has_every_right_except_the_dry_run() {
    let _installation = Installation::sound();
    let subject = json!([{"kind": "User", "name": "oncall", "apiGroup": "rbac.authorization.k8s.io"}]);
    let role =
        |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    apply(&[
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "oncall"},
            "subjects": subject, "roleRef": role("ClusterRole", "understudy-doctor")}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": "oncall", "namespace": SYSTEM},
            "subjects": subject, "roleRef": role("Role", "understudy-doctor-operator")}),
    ]);
    let found = doctor(&["--as", "oncall"]);
    assert_eq!([found.checks("fail"), found.checks("warn")].concat(), [], "{found:#?}");
    let skipped: Vec<_> =
        found.checks("skipped").into_iter().filter(|(name, _)| name != "service-proxy").collect();
    assert_eq!(skipped.len(), 1, "{skipped:#?}");
    assert!(skipped[0].1.contains("patch modelversions/status.understudy.dev"), "{skipped:#?}");
    assert_eq!(found.printed.code, 0);
}

#[test]
fn a_person_without_rights_learns_which_are_missing() {
    let _installation = Installation::sound();
    let found = doctor(&["--as", "nobody"]);
    assert_eq!(found.printed.code, 2, "{found:#?}");
    let skipped = found.checks("skipped");
    let missing = |right: &str| skipped.iter().any(|(_, message)| message.contains(right));
    assert!(missing("you may not get customresourcedefinitions.apiextensions.k8s.io"), "{skipped:#?}");
    assert!(missing("you may not list deployments.apps in namespace understudy-system"), "{skipped:#?}");
    assert_eq!([found.checks("fail"), found.checks("warn")].concat(), []);
}

#[test]
fn without_an_api_server_nothing_can_be_checked() {
    let printed = plugin(&["doctor", "--kubeconfig", "/does/not/exist"]);
    assert_eq!(printed.code, 2);
    assert!(printed.stderr.contains("failed to check the installation"), "{}", printed.stderr);
}
