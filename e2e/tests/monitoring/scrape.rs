//! The scrape jobs that the Prometheus operator generates from a `PodMonitor` and a `ServiceMonitor`.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Scrape interval.
const INTERVAL: &str = "1s";

/// A complete configuration for a Prometheus outside the cluster.
pub fn configuration(jobs: &[Value], rules: &[&Path]) -> Value {
    json!({
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": rules,
        "scrape_configs": jobs,
    })
}

/// One job for each endpoint of a `PodMonitor`.
pub fn pod_monitor(monitor: &Value, kubeconfig: &Path) -> Result<Vec<Value>> {
    jobs(monitor, "podMetricsEndpoints", |place, port| {
        let mut relabel = vec![drop_finished()];
        relabel.extend(keep_labelled(monitor, "pod"));
        relabel.push(keep("__meta_kubernetes_pod_container_port_name", port));
        relabel.extend([
            copy("__meta_kubernetes_namespace", "namespace"),
            copy("__meta_kubernetes_pod_container_name", "container"),
            copy("__meta_kubernetes_pod_name", "pod"),
            set("job", place),
            set("endpoint", port),
        ]);
        json!({
            "job_name": format!("podMonitor/{place}"),
            "kubernetes_sd_configs": [discovery("pod", monitor, kubeconfig)],
            "relabel_configs": relabel,
        })
    })
}

/// One job for each endpoint of a `ServiceMonitor`.
pub fn service_monitor(monitor: &Value, kubeconfig: &Path) -> Result<Vec<Value>> {
    jobs(monitor, "endpoints", |place, port| {
        let mut relabel = keep_labelled(monitor, "service");
        relabel.push(keep("__meta_kubernetes_endpointslice_port_name", port));
        relabel.push(drop_finished());
        relabel.extend([
            copy("__meta_kubernetes_namespace", "namespace"),
            copy("__meta_kubernetes_service_name", "service"),
            copy("__meta_kubernetes_pod_name", "pod"),
            copy("__meta_kubernetes_pod_container_name", "container"),
            copy("__meta_kubernetes_service_name", "job"),
            set("endpoint", port),
        ]);
        json!({
            "job_name": format!("serviceMonitor/{place}"),
            "kubernetes_sd_configs": [discovery("endpointslice", monitor, kubeconfig)],
            "relabel_configs": relabel,
        })
    })
}

/// The jobs of a configuration that was written for a Prometheus in the cluster, changed to run outside.
pub fn from_outside(configuration: &Value, kubeconfig: &Path) -> Result<Vec<Value>> {
    let mut jobs =
        configuration["scrape_configs"].as_array().context("scrape_configs is not a list")?.clone();
    for job in &mut jobs {
        for discovery in
            job["kubernetes_sd_configs"].as_array_mut().context("kubernetes_sd_configs is not a list")?
        {
            discovery["kubeconfig_file"] = json!(kubeconfig);
        }
    }
    Ok(jobs)
}

fn jobs(monitor: &Value, list: &str, job: impl Fn(&str, &str) -> Value) -> Result<Vec<Value>> {
    let meta = &monitor["metadata"];
    let (namespace, name) = meta["namespace"]
        .as_str()
        .zip(meta["name"].as_str())
        .context("the monitor has no namespace and name")?;
    let endpoints = monitor["spec"][list].as_array().context("the monitor has no endpoints")?;
    let jobs = endpoints.iter().map(|endpoint| {
        let port = endpoint["port"].as_str().context("the endpoint has no named port")?;
        Ok(job(&format!("{namespace}/{name}"), port))
    });
    jobs.collect()
}

/// Discovery in the namespaces of the selector, or else in the monitor's own namespace.
fn discovery(role: &str, monitor: &Value, kubeconfig: &Path) -> Value {
    let selector = &monitor["spec"]["namespaceSelector"];
    let mut discovery = json!({"role": role, "kubeconfig_file": kubeconfig});
    if selector["any"] != true {
        let own = json!([monitor["metadata"]["namespace"]]);
        let names = selector.get("matchNames").cloned().unwrap_or(own);
        discovery["namespaces"] = json!({"names": names});
    }
    discovery
}

fn keep_labelled(monitor: &Value, kind: &str) -> Vec<Value> {
    let none = Map::new();
    let labels = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap_or(&none);
    let meta = |label: &str| {
        let safe: String = label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        format!("__meta_kubernetes_{kind}_label_{safe}")
    };
    labels.iter().map(|(label, value)| keep(&meta(label), value.as_str().unwrap_or_default())).collect()
}

fn keep(source: &str, regex: &str) -> Value {
    json!({"source_labels": [source], "regex": regex, "action": "keep"})
}

fn drop_finished() -> Value {
    json!({"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Failed|Succeeded", "action": "drop"})
}

fn copy(source: &str, target: &str) -> Value {
    json!({"source_labels": [source], "target_label": target})
}

fn set(target: &str, value: &str) -> Value {
    json!({"target_label": target, "replacement": value})
}
