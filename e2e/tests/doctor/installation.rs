//! A sound installation: the charts, and what an operator and a cluster would add.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    kubectl::{Printed, apply, checkout, kubectl, plugin, rendered, run, status},
    models,
    operator_pages::{Pages, metrics},
};

pub const SYSTEM: &str = "understudy-system";
const IMAGE: &str = "localhost/understudy-operator:0.1.0";
pub const SERVER_IMAGE: &str = "localhost/understudy-server:0.1.0";
/// Much longer than the API server takes to apply a policy or to serve a CRD.
const DEADLINE: Duration = Duration::from_mins(2);

/// CRDs and policies exist once in a cluster, so one test at a time uses it.
static CLUSTER: Mutex<()> = Mutex::new(());

/// A sound installation. The next test repairs whatever this one breaks.
pub struct Installation {
    pub leader: Pages,
    _alone: MutexGuard<'static, ()>,
}

/// What the charts install.
fn charts() -> &'static [String; 2] {
    static CHARTS: OnceLock<[String; 2]> = OnceLock::new();
    CHARTS.get_or_init(|| {
        let chart = |name: &str| checkout().join("charts").join(name).display().to_string();
        let api = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy";
        [
            rendered(&["understudy-crds", &chart("understudy-crds")]),
            rendered(&[
                "understudy",
                &chart("understudy"),
                "-n",
                SYSTEM,
                "--api-versions",
                api,
                "--skip-tests",
                // It plays the controllers of Kubernetes.
                "--set",
                "guard.writers={admin}",
            ]),
        ]
    })
}

impl Installation {
    /// Repairs what the last test broke.
    pub fn sound() -> Self {
        let alone = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
        // The first call builds it, and a Lease does not last that long.
        understudy_e2e::plugin::binary().unwrap();
        apply(&[json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}})]);
        for chart in charts() {
            // A replacement also removes what a test added, and fails if a test deleted something.
            if !run("kubectl".as_ref(), &["replace", "-f", "-"], chart).status.success() {
                kubectl(&["apply", "--server-side", "--force-conflicts", "-f", "-"], chart);
                kubectl(&["replace", "-f", "-"], chart);
            }
        }
        kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"], "");
        kubectl(&["delete", "pods,leases", "--all", "-n", SYSTEM, "--force", "--grace-period=0"], "");
        until("the API server serves both kinds", || {
            run("kubectl".as_ref(), &["get", "mv,mdep", "-A"], "").status.success()
        });
        models::empty();
        // The stamping policy learns the schema of a new CRD some seconds later. Until then the API server answers 503.
        until("the admission of a new kind", || {
            let probe = json!({"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
                "metadata": {"name": "probe", "namespace": models::NAMESPACE}, "spec": {}});
            run("kubectl".as_ref(), &["apply", "--dry-run=server", "-f", "-"], &probe.to_string())
                .status
                .success()
        });
        models::create(SERVER_IMAGE);
        until("the approval policy is in force", forbidden_write_is_refused);
        node();
        let leader = operator();
        Self { leader, _alone: alone }
    }
}

/// Runs the doctor.
pub fn doctor(arguments: &[&str]) -> Diagnosis {
    let printed = plugin(&[&["doctor", "-o", "json"], arguments].concat());
    let json = serde_json::from_str(&printed.stdout).unwrap_or(Value::Null);
    Diagnosis { printed, json }
}

fn forbidden_write_is_refused() -> bool {
    let forged = json!({"status": {"stage": "Staging"}}).to_string();
    let output = run(
        "kubectl".as_ref(),
        &[
            "patch",
            "mv",
            "fraud-1.2.0",
            "-n",
            models::NAMESPACE,
            "--subresource=status",
            "--type=merge",
            "--dry-run=server",
            "-p",
            &forged,
        ],
        "",
    );
    String::from_utf8_lossy(&output.stderr).contains("only the operator writes the status")
}

fn node() {
    apply(&[json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}})]);
    status(
        &["node", "node-1"],
        &json!({"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}),
    );
}

/// Two pods, of which the first leads. Returns its pages.
fn operator() -> Pages {
    let pages = [("op-a", Pages::serve(metrics(true))), ("op-b", Pages::serve(metrics(false)))];
    for (name, pages) in &pages {
        apply(&[pod(name, pages.port)]);
        status(
            &["pod", name, "-n", SYSTEM],
            &json!({"phase": "Running", "podIP": pages.address, "podIPs": [{"ip": pages.address}],
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [running()]}),
        );
    }
    status(
        &["deployment", "understudy-operator", "-n", SYSTEM],
        &json!({"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
    );
    lease(&json!({"holderIdentity": "op-a", "leaseDurationSeconds": 15, "renewTime": now()}));
    let [(_, leader), _] = pages;
    leader
}

/// The status of a container that runs.
pub fn running() -> Value {
    json!({"name": "operator", "image": IMAGE, "imageID": "", "ready": true, "restartCount": 0,
        "state": {"running": {"startedAt": "2026-11-21T09:00:00Z"}}})
}

fn pod(name: &str, port: u16) -> Value {
    let labels =
        json!({"app.kubernetes.io/name": "understudy-operator", "app.kubernetes.io/instance": "understudy"});
    // The protocol is part of the key of a port: one number needs two protocols.
    let ports = json!([{"name": "metrics", "containerPort": port}, {"name": "health", "containerPort": port, "protocol": "UDP"}]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SYSTEM, "labels": labels},
        "spec": {"serviceAccountName": "understudy-operator", "nodeName": "node-1",
            "containers": [{"name": "operator", "image": IMAGE, "ports": ports}]}})
}

/// Writes the Lease.
pub fn lease(spec: &Value) {
    apply(&[json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "understudy-operator", "namespace": SYSTEM}, "spec": spec})]);
}

/// The present time, as a Lease has it.
pub fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

/// Repeats `done` until it is true.
fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < DEADLINE, "timed out: {what}");
        std::thread::yield_now();
    }
}

/// The result of the doctor.
#[derive(Debug)]
pub struct Diagnosis {
    pub printed: Printed,
    json: Value,
}

impl Diagnosis {
    /// Names and messages of the checks that ended in this way.
    pub fn checks(&self, level: &str) -> Vec<(String, String)> {
        let checks = self.json["installations"][0]["checks"].as_array().cloned().unwrap_or_default();
        let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
        checks.iter().filter(|c| c["level"] == level).map(|c| (text(c, "name"), text(c, "message"))).collect()
    }

    /// Asserts that the problems are those of these checks, in this order, and that the first has these words and a
    /// command.
    #[track_caller]
    pub fn finds(&self, names: &[&str], words: &str) {
        let problems = [self.checks("fail"), self.checks("warn")].concat();
        let found: Vec<&str> = problems.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(found, names, "{problems:#?} {}", self.printed.stderr);
        assert!(problems[0].1.contains(words), "{problems:#?}");
        assert_eq!(self.printed.code, 1);
        let checks = self.json["installations"][0]["checks"].as_array().unwrap();
        let first = checks.iter().find(|c| c["name"] == names[0] && c["level"] == "fail").unwrap();
        assert!(first["commands"][0].is_string() && first["meaning"].is_string(), "{first}");
    }
}
