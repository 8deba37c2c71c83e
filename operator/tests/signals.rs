//! The real binary and the signals that a kubelet sends.

use std::{
    fs::{self, File},
    io::Write as _,
    process::{Command, Stdio},
};

/// A configuration with nothing but what is required.
const CONFIG: &str = "serverImage: registry.example/server:1\n";

/// A kubeconfig whose API server does not exist: port 1 of this machine refuses connections.
const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: none
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
users: [{name: none, user: {}}]
"#;

#[test]
fn an_operator_that_is_ended_while_it_starts_shuts_down_in_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name);
    fs::write(path("kubeconfig"), KUBECONFIG).expect("the kubeconfig is written");
    // The operator waits for its configuration, so the signal arrives while it starts.
    let made = Command::new("mkfifo").arg(path("config.yaml")).status().expect("mkfifo runs");
    assert!(made.success());
    let operator = Command::new(env!("CARGO_BIN_EXE_understudy-operator"))
        .arg("--config")
        .arg(path("config.yaml"))
        .args(["--metrics-port=0", "--health-port=0", "--pod-name=one", "--pod-namespace=default"])
        .env("KUBECONFIG", path("kubeconfig"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the operator starts");
    let mut config = File::options().write(true).open(path("config.yaml")).expect("the operator reads it");
    let sent = Command::new("kill").args(["-TERM", &operator.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    config.write_all(CONFIG.as_bytes()).expect("the operator reads the configuration");
    drop(config);

    let ended = operator.wait_with_output().expect("the operator ends");

    let log = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{}: {log}", ended.status);
    assert!(log.contains("shut down"), "{log}");
}
