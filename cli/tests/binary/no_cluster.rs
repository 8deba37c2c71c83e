//! Errors without a cluster name what is missing.

use crate::api_server::plugin;

fn failure(command: std::process::Command) -> String {
    ended(command, 1)
}

fn ended(mut command: std::process::Command, code: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(code));
    String::from_utf8(output.stderr).unwrap()
}

/// A kubeconfig for an API server that does not exist.
fn unreachable(name: &str) -> String {
    let path = format!("{}/kubeconfig-{name}.json", env!("CARGO_TARGET_TMPDIR"));
    // Port 0 accepts no connections.
    let config = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "bob"}}],
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:0"}}],
        "users": [{"name": "bob", "user": {}}]}"#;
    std::fs::write(&path, config).unwrap();
    path
}

#[test]
fn an_api_server_that_is_not_reachable_is_an_error_with_its_cause() {
    let path = unreachable("list");
    let why = failure(plugin(&["list", "--kubeconfig", &path]));
    assert!(why.starts_with("failed to reach the API server: "), "{why}");
}

#[test]
fn a_missing_kubeconfig_is_an_error_that_says_how_to_name_one() {
    let why = failure(plugin(&["list"]));
    assert!(why.contains("name a kubeconfig with --kubeconfig or $KUBECONFIG"), "{why}");
    assert!(why.contains("/does/not/exist"), "{why}");
}

#[test]
fn without_an_api_server_doctor_and_report_end_with_a_code_of_their_own() {
    for command in ["doctor", "report"] {
        let why = ended(plugin(&[command, "--kubeconfig", &unreachable(command)]), 2);
        assert!(why.starts_with("failed to check the installation: "), "{why}");
        let why = ended(plugin(&[command]), 2);
        assert!(why.contains("name a kubeconfig with --kubeconfig or $KUBECONFIG"), "{why}");
    }
}
