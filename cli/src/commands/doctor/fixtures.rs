//! Facts of a sound installation, for unit tests. A test changes what it is about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    config::Config,
    expected,
    facts::{DryRun, Facts, GuardPart, Nodes, Pages},
    models::Models,
    seen::Blind,
};

pub const NOW: &str = "2026-11-21T12:00:00Z";
pub const SYSTEM: &str = "understudy-system";
pub const POLICY: &str = r#"{"failurePolicy": "Fail", "validations": [{"expression": "a"}]}"#;
pub const BINDING: &str = r#"{"policyName": "understudy-approval", "validationActions": ["Deny", "Audit"]}"#;

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn config() -> Config {
    Config {
        release: "understudy".to_owned(),
        fullname: "understudy".to_owned(),
        operator: "understudy-operator".to_owned(),
        account: "understudy-operator".to_owned(),
        chart: Some("0.1.0".to_owned()),
        image: Some("registry/understudy-operator:0.1.0".to_owned()),
        read: Ok(()),
        server_image: Some("registry/understudy-server:0.1.0".to_owned()),
        watched: vec![],
        policy: "understudy-approval".to_owned(),
        lease: "understudy-operator".to_owned(),
        lease_seconds: 15,
        stamps: true,
    }
}

fn spec(text: &str) -> Value {
    json!({"spec": serde_json::from_str::<Value>(text).unwrap()})
}

fn guard() -> Vec<GuardPart> {
    let part = |kind: &str, text: &str| GuardPart {
        kind: kind.to_owned(),
        name: "understudy-guard".to_owned(),
        wanted: spec(text)["spec"].clone(),
        found: Some(spec(text)),
    };
    vec![part("ValidatingAdmissionPolicy", POLICY), part("ValidatingAdmissionPolicyBinding", BINDING)]
}

pub fn crd(plural: &str) -> Value {
    let mut crd = expected::crd(plural).unwrap().clone();
    crd["status"] = json!({"storedVersions": ["v1alpha1"], "conditions": [
        {"type": "Established", "status": "True"}, {"type": "NamesAccepted", "status": "True"}]});
    crd
}

pub fn operator() -> Value {
    json!({
        "metadata": {"name": "understudy-operator", "namespace": SYSTEM, "generation": 1,
            "labels": {"app.kubernetes.io/version": "0.1.0"}},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": "registry/understudy-operator:0.1.0"}]}}},
        "status": {"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 2},
    })
}

pub fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": SYSTEM},
        "spec": {"containers": [{"image": "registry/understudy-operator:0.1.0"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"restartCount": 0, "state": {"running": {}}}]},
    })
}

pub fn lease() -> Value {
    json!({"metadata": {"name": "understudy-operator"}, "spec": {"holderIdentity": "op-a",
        "leaseDurationSeconds": 15, "renewTime": "2026-11-21T11:59:58.000000Z"}})
}

pub fn metrics(leader: u8) -> String {
    let mut lines = vec![format!("understudy_leader {leader}")];
    for kind in ["ModelVersion", "ModelDeployment", "Pod"] {
        lines.push(format!("understudy_cache_synced{{kind=\"{kind}\"}} {leader}"));
        lines.push(format!("understudy_watch_last_event_seconds{{kind=\"{kind}\"}} 12.5"));
    }
    lines.push("understudy_workqueue_depth{name=\"modelversion\"} 3".to_owned());
    lines.push("understudy_workqueue_oldest_seconds{name=\"modelversion\"} 0.2".to_owned());
    let longest = "understudy_workqueue_longest_running_processor_seconds";
    lines.push(format!("{longest}{{name=\"modelversion\"}} 2"));
    lines.push(format!("understudy_approval_policy_active{{watched_namespace=\"\"}} {leader}"));
    lines.join("\n") + "\n"
}

pub fn pages(pod: &str, leader: u8) -> Pages {
    Pages {
        pod: pod.to_owned(),
        metrics: Ok(metrics(leader)),
        livez: Ok((200, "ok".to_owned())),
        readyz: Ok((200, "ok".to_owned())),
    }
}

pub fn facts() -> Facts {
    let crds = ["modelversions", "modeldeployments"].map(|plural| (plural, Ok(Some(crd(plural)))));
    let mut models = Models::new(now(), config().server_image);
    models.versions = Ok(0);
    models.deployments = Ok(0);
    models.pods = Ok(0);
    models.slices = Ok(());
    models.objects = Ok(0);
    Facts {
        plugin: "0.1.0".to_owned(),
        now: now(),
        server: "v1.36.3".to_owned(),
        system: SYSTEM.to_owned(),
        crds: BTreeMap::from(crds),
        operator: Ok(Some(operator())),
        config: config(),
        reference: Ok(Some(json!({"data": {"policy.json": POLICY, "binding.json": BINDING}}))),
        policy: Ok(Some(spec(POLICY))),
        binding: Ok(Some(spec(BINDING))),
        stamp: Ok((Some(json!({})), Some(json!({})))),
        guard: Ok(Some(guard())),
        dry_run: Ok(DryRun::Refused),
        pods: Ok(vec![pod("op-a"), pod("op-b")]),
        missing_rights: Ok(vec![]),
        lease: Ok(Some(lease())),
        lease_changed: false,
        pages: vec![pages("op-a", 1), pages("op-b", 0)],
        models,
        nodes: Ok(Nodes { total: 1, ..Nodes::default() }),
        daemon_sets: Err(Blind::Denied("list daemonsets.apps in namespace kube-system".to_owned())),
    }
}
