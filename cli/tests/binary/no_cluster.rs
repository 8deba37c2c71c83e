//! Errors without a cluster name what is missing.

use crate::api_server::plugin;

fn failure(mut command: std::process::Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_api_server_that_is_not_reachable_is_an_error_with_its_cause() {
    let path = format!("{}/kubeconfig-unreachable.json", env!("CARGO_TARGET_TMPDIR"));
    // Port 0 accepts no connections.
    let config = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "bob"}}],
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:0"}}],
        "users": [{"name": "bob", "user": {}}]}"#;
    std::fs::write(&path, config).unwrap();
    let why = failure(plugin(&["list", "--kubeconfig", &path]));
    assert!(why.starts_with("failed to reach the API server: "), "{why}");
}

#[test]
fn a_missing_kubeconfig_is_an_error_that_says_how_to_name_one() {
    let why = failure(plugin(&["list"]));
    assert!(why.contains("name a kubeconfig with --kubeconfig or $KUBECONFIG"), "{why}");
    assert!(why.contains("/does/not/exist"), "{why}");
}
