//! `kubectl understudy report`: what is in it, and what is not. The tests plant a canary wherever a secret or a text of a
//! person could be.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    installation::{Installation, SYSTEM, now},
    kubectl::{Printed, apply, kubectl, plugin, run},
    models::{DIGEST, NAMESPACE, written},
};

/// Is part of every planted value.
const CANARY: &str = "canary7f3a";

fn report(folder: &Path, arguments: &[&str]) -> (Printed, String) {
    let file = folder.join("report.tar.gz").display().to_string();
    (plugin(&[&["report", "--file", &file], arguments].concat()), file)
}

/// Every file of the archive as one text, with its name before it.
fn unpacked(folder: &Path, file: &str) -> String {
    let output = run("tar".as_ref(), &["-xzf", file, "-C", &folder.display().to_string()], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut text = String::new();
    let mut folders = vec![folder.join("understudy-report")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read_to_string(&path).unwrap();
                text.extend(["== ", &path.display().to_string(), "\n", &content, "\n"]);
            }
        }
    }
    text
}

/// Plants a canary in a Secret, a variable, an annotation, a ConfigMap, a URL, a log-like Event, and in texts of people.
fn plant() {
    let value = |place: &str| format!("{CANARY}-{place}");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3", "namespace": NAMESPACE},
        "stringData": {"AWS_SECRET_ACCESS_KEY": value("secret")}});
    let mut system = secret.clone();
    system["metadata"]["namespace"] = json!(SYSTEM);
    let labels = json!({"app.kubernetes.io/managed-by": "understudy", "understudy.dev/deployment": "fraud"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fraud-x", "namespace": NAMESPACE, "labels": labels,
            "annotations": {"vault.example/token": value("annotation")}},
        "spec": {"containers": [{"name": "server", "image": "i", "args": [format!("--password={}", value("argument"))],
            "env": [{"name": "DATABASE", "value": value("variable")}]}]}});
    let version = json!({"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": "fraud-1.3.0", "namespace": NAMESPACE},
        "spec": {"deployment": "fraud", "version": "1.3.0", "documentation": {"markdown": value("documentation")},
            "provenance": {"run": format!("https://ci:{}@ci.example/run/7?key={}", value("userinfo"), value("run"))},
            "artifact": {"uri": format!("https://models.example/m.onnx?sig={}", value("query")), "sha256": DIGEST}}});
    apply(&[secret, system, pod, version]);
    // As kubectl writes it for client-side apply.
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra", "namespace": NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "understudy"}}, "data": {"kubeconfig": value("kubeconfig")}});
    kubectl(&["apply", "-f", "-"], &config.to_string());
    let at = "2026-11-21T09:00:00Z";
    let entry = json!({"id": "6f1c2b3d4e5f", "from": "None", "to": "Staging", "requestedBy": "alice", "requestedAt": at,
        "decision": "Rejected", "decidedBy": "bob", "decidedAt": at, "reason": value("reason"), "digest": format!("sha256:{DIGEST}")});
    let acceptance = json!({"verdict": "Failed", "by": "tess", "at": at, "feedback": value("feedback")});
    written("mv/fraud-1.3.0", &json!({"history": [entry], "acceptance": acceptance}));
    let note = format!("None -> Staging requested by dave, rejected by erin: {}", value("note"));
    apply(&[
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "decision", "namespace": NAMESPACE},
        "involvedObject": {"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion", "name": "fraud-1.3.0", "namespace": NAMESPACE},
        "reason": "Rejected", "message": note, "type": "Normal", "lastTimestamp": now()[..19].to_owned() + "Z"}),
    ]);
}

#[test]
fn a_report_has_the_objects_and_no_secret_no_text_and_no_name_of_a_person() {
    let _installation = Installation::sound();
    plant();
    let folder = TempDir::new().unwrap();
    let (printed, file) = report(folder.path(), &[]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let text = unpacked(folder.path(), &file);
    let leaked: Vec<&str> = text.lines().filter(|line| line.contains(CANARY)).collect();
    assert_eq!(leaked, Vec::<&str>::new());
    // Neither in base64, as a Secret has it.
    assert!(!text.contains("Y2FuYXJ5N2YzY"), "a Secret is in the report");
    for name in ["alice", "bob", "tess", "dave", "erin"] {
        assert!(!text.contains(name), "{name} is in the report");
    }
    for kept in [
        "objects/modelversions/risk/fraud-1.3.0.yaml",
        "objects/pods/risk/fraud-x.yaml",
        "objects/services/risk/fraud.yaml",
        "operator/metrics-op-a.txt",
        "operator/leases-understudy-operator.yaml",
        "doctor.txt",
        "README.txt",
        "https://models.example/m.onnx?(redacted)",
        "requestedBy: person-",
        "understudy_leader 1",
        "validationActions",
    ] {
        assert!(text.contains(kept), "{kept} is not in the report");
    }
}

#[test]
fn what_could_not_be_read_is_listed_and_the_rest_is_in_it() {
    let _installation = Installation::sound();
    let rules = json!([{"apiGroups": ["understudy.dev"], "resources": ["modelversions"], "verbs": ["list"]}]);
    let subject = json!([{"kind": "User", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}]);
    apply(&[
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader"}, "rules": rules}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "reader"},
            "subjects": subject, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"}}),
    ]);
    let folder = TempDir::new().unwrap();
    let (printed, file) = report(folder.path(), &["--as", "reader"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(
        printed.stdout.contains("pods of the operator: you may not list pods in namespace understudy-system"),
        "{}",
        printed.stdout
    );
    let text = unpacked(folder.path(), &file);
    assert!(text.contains("objects/modelversions/risk/fraud-1.2.0.yaml"), "{text}");
    assert!(text.contains("you may not list modeldeployments.understudy.dev"), "{text}");
}

#[test]
fn a_report_stays_below_its_limit() {
    let _installation = Installation::sound();
    // Random text does not shrink.

    let mut state = 7_u64;
    let mut text = String::new();
    while text.len() < 900_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&state.to_string());
    }
    for name in ["a", "b", "c"] {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/managed-by": "understudy"}}, "data": {"routing.json": text}});
        apply(&[map]);
    }
    let folder = TempDir::new().unwrap();
    let (printed, file) = report(folder.path(), &["--limit-mib", "1", "-o", "json"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let result: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert!(
        result["leftOut"].as_array().unwrap().iter().any(|file| file == "objects/configmaps/risk/a.yaml"),
        "{result}"
    );
    assert!(fs::metadata(&file).unwrap().len() <= 1 << 20);
    assert!(unpacked(folder.path(), &file).contains("README.txt"));
}

#[test]
fn a_file_that_exists_is_not_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("report.tar.gz");
    fs::write(&path, "mine").unwrap();
    let (printed, _) = report(folder.path(), &[]);
    assert_eq!(printed.code, 1);
    assert!(printed.stderr.contains("failed to write"), "{}", printed.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}
