//! A reader of stdout or stderr may stop reading, as in `kubectl understudy list | head -1`.

use std::process::{Command, Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use crate::api_server::{ApiServer, Request, fixture, list, plugin};

/// A namespace with one deployment and two versions. The user is bob.
fn cluster() -> ApiServer {
    ApiServer::start(|request: &Request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let version = |name: &str| path.ends_with(&format!("/modelversions/{name}"));
        if path.ends_with("/selfsubjectreviews") {
            return Some(
                json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {},
                "status": {"userInfo": {"username": "bob"}}}),
            );
        }
        if path.ends_with("/modelversions") && request.target.contains("watch=true") {
            return Some(json!({"type": "MODIFIED", "object": in_production()}));
        }
        match path {
            "/version" => Some(json!({"gitVersion": "v1.36.3"})),
            path if path.ends_with("/modeldeployments") => Some(list(&[fixture("modeldeployment")])),
            path if path.ends_with("/modeldeployments/fraud") => Some(fixture("modeldeployment")),
            path if path.ends_with("/modelversions") => Some(list(&[fixture("candidate"), fixture("main")])),
            path if path.ends_with("/pods") => Some(list(&[ready_pod()])),
            _ if version("fraud-1.3.0") => Some(fixture("candidate")),
            _ if version("fraud-1.2.0") => Some(fixture("main")),
            _ => None,
        }
    })
}

fn in_production() -> Value {
    let mut version = fixture("candidate");
    version["status"]["stage"] = json!("Production");
    version["status"]["transition"] = Value::Null;
    version["metadata"]["resourceVersion"] = json!("8");
    version
}

fn ready_pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fraud-v1-2-0-x", "namespace": "risk"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

/// The writing end of a pipe without a reader.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Exit code and stderr.
fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[rstest]
#[case(&["list"])]
#[case(&["list", "-o", "json"])]
#[case(&["list", "--show-kubectl"])]
#[case(&["history", "fraud"])]
#[case(&["review", "fraud-1.3.0"])]
#[case(&["review", "fraud-1.3.0", "-o", "json"])]
#[case(&["compare", "fraud"])]
#[case(&["open", "fraud", "--no-browser"])]
#[case(&["open", "fraud", "--no-browser", "-o", "json"])]
#[case(&["doctor"])]
#[case(&["doctor", "-o", "json"])]
#[case(&["completion", "kubectl"])]
#[case(&["completion", "bash"])]
#[case(&["__complete", "review", ""])]
#[case(&["--help"])]
fn a_closed_stdout_ends_the_command_quietly(#[case] arguments: &[&str]) {
    let mut command = cluster().plugin(arguments);
    command.stdout(closed());
    assert_eq!(ended(command), (Some(0), String::new()));
}

#[test]
fn a_closed_stdout_does_not_prevent_the_write() {
    let cluster = cluster();
    let mut command = cluster.plugin(&["approve", "fraud-1.3.0", "--yes", "-o", "json"]);
    command.stdout(closed());
    assert_eq!(ended(command), (Some(0), String::new()));
    let patches = cluster.received("PATCH");
    assert!(patches[0].body.contains(r#""understudy.dev/approve":"6f1c2b3d4e5f""#), "{patches:?}");
}

#[test]
fn a_closed_stderr_does_not_end_the_wait() {
    let mut command = cluster().plugin(&["approve", "fraud-1.3.0", "--yes", "--wait", "-o", "json"]);
    let output = command.stdin(Stdio::null()).stderr(closed()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["outcome"]["reason"], "Production");
}

#[test]
fn a_closed_stderr_does_not_change_the_exit_code_of_a_refusal() {
    let mut command = plugin(&["list"]);
    command.stderr(closed());
    assert_eq!(ended(command).0, Some(1));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let mut command = cluster().plugin(&["list"]);
    command.stdout(std::fs::File::create("/dev/full").unwrap());
    let (code, why) = ended(command);
    assert_eq!(code, Some(1));
    assert!(why.contains("failed to print to stdout: No space left on device"), "{why}");
}
