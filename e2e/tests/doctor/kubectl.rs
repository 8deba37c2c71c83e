//! The real kubectl and helm, and the plugin of this checkout.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The kubeconfig of an administrator.
pub fn kubeconfig() -> String {
    std::env::var("BARE_KUBECONFIG").expect(
        "BARE_KUBECONFIG is not set: run e2e/cluster/doctor, which starts an API server for these tests",
    )
}

/// The root of this checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Runs a program with this standard input.
pub fn run(program: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that rejects its arguments does not read its input.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Standard output of kubectl, which must succeed.
#[track_caller]
pub fn kubectl(arguments: &[&str], input: &str) -> String {
    done("kubectl", arguments, &run(Path::new("kubectl"), arguments, input))
}

/// What helm renders of a chart.
pub fn rendered(arguments: &[&str]) -> String {
    let arguments = [&["template"], arguments].concat();
    done("helm", &arguments, &run(Path::new("helm"), &arguments, ""))
}

#[track_caller]
fn done(program: &str, arguments: &[&str], output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {}: {}", arguments.join(" "), text(&output.stderr));
    text(&output.stdout)
}

/// Creates or changes objects, in the name of the administrator.
#[track_caller]
pub fn apply(objects: &[Value]) {
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], &list.to_string());
}

/// Merges `patch` into an object.
#[track_caller]
pub fn patch(target: &[&str], patch: &Value) {
    let patch = patch.to_string();
    kubectl(&[&["patch", "--type=merge", "-p", &patch], target].concat(), "");
}

/// Merges a status into an object.
#[track_caller]
pub fn status(target: &[&str], status: &Value) {
    patch(&[&["--subresource=status"], target].concat(), &serde_json::json!({"status": status}));
}

/// What the plugin printed, and its exit code.
#[derive(Debug)]
pub struct Printed {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the plugin.
pub fn plugin(arguments: &[&str]) -> Printed {
    let output = run(understudy_e2e::plugin::binary().unwrap(), arguments, "");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Printed {
        code: output.status.code().expect("the plugin exits"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
