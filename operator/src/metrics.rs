//! Prometheus metrics of the operator. docs/operations.md lists their names and meanings.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::runtime::reflector::Store;
use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};
use understudy_crds::{Decision, ModelDeployment, ModelVersion, Stage};

use crate::{outages, reasons};

/// Buckets in seconds, from a switch to running pods up to a new node that pulls a large image.
const ROLLOUT_BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// Buckets in seconds for one pass of a controller.
const RECONCILE_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

/// Controllers and the reasons of their errors. Counters begin at 0, because Prometheus only sees changes: it would
/// miss the first event of a counter that begins at 1.
fn controllers() -> [(&'static str, Vec<&'static str>); 2] {
    let kinds: Vec<_> = reasons::Kinds::ALL.iter().map(|reason| reason.as_str()).collect();
    let apply = reasons::Apply::ALL.iter().map(|reason| reason.as_str());
    let notify = reasons::Notify::ALL.iter().map(|reason| reason.as_str());
    let all = kinds.iter().copied().chain(apply).chain(notify).collect();
    [("modelversion", kinds), ("modeldeployment", all)]
}

/// The operator's metrics.
pub struct Metrics {
    registry: Registry,
    transitions: IntCounterVec,
    pending: IntGauge,
    oldest_pending: Gauge,
    versions: IntGaugeVec,
    not_serving: IntGaugeVec,
    not_running: IntGaugeVec,
    approval_to_serving: Histogram,
    reconciles: IntCounterVec,
    reconcile_errors: IntCounterVec,
    reconcile_duration: HistogramVec,
    invalid_objects: IntCounterVec,
    policy_active: IntGaugeVec,
    leader: IntGauge,
    stores: Mutex<Vec<(Store<ModelVersion>, Store<ModelDeployment>)>>,
}

impl Metrics {
    /// All metrics at 0, in a registry of their own.
    pub fn new() -> Arc<Self> {
        let registry = Registry::new();
        let metrics =
            build(&registry).expect("names and labels of the metrics are valid and unique")(registry);
        for (controller, reasons) in controllers() {
            metrics.reconciles.with_label_values(&[controller]);
            metrics.reconcile_duration.with_label_values(&[controller]);
            for reason in reasons {
                metrics.reconcile_errors.with_label_values(&[controller, reason]);
            }
        }
        Arc::new(metrics)
    }

    /// The metrics in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.count_objects(Timestamp::now());
        let mut page = vec![];
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut page)
            .expect("gathered metrics of this registry can be written as text");
        String::from_utf8(page).expect("the text format is UTF-8")
    }

    /// Counts objects in these caches whenever the metrics are read, so that the metrics always agree with the objects.
    pub fn watch(&self, versions: Store<ModelVersion>, deployments: Store<ModelDeployment>) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push((versions, deployments));
    }

    fn count_objects(&self, now: Timestamp) {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let versions: Vec<Arc<ModelVersion>> =
            stores.iter().flat_map(|(versions, _)| versions.state()).collect();
        let deployments: Vec<Arc<ModelDeployment>> = stores.iter().flat_map(|(_, all)| all.state()).collect();
        for (reason, count) in outages::of_versions(versions.iter().map(AsRef::as_ref)) {
            self.not_serving.with_label_values(&[reason]).set(count);
        }
        for (reason, count) in outages::of_deployments(deployments.iter().map(AsRef::as_ref)) {
            self.not_running.with_label_values(&[reason]).set(count);
        }
        let mut by_stage: BTreeMap<Stage, i64> = Stage::ALL.iter().map(|s| (*s, 0)).collect();
        for version in &versions {
            *by_stage.entry(version.stage()).or_default() += 1;
        }
        for (stage, count) in by_stage {
            self.versions.with_label_values(&[stage.as_str()]).set(count);
        }
        let waiting: Vec<Timestamp> = versions
            .iter()
            .filter_map(|v| v.transition())
            .filter(|t| t.approval.is_none())
            .map(|t| t.requested_at.0)
            .collect();
        self.pending.set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
        let oldest = waiting.iter().min().map_or(0.0, |at| now.duration_since(*at).as_secs_f64().max(0.0));
        self.oldest_pending.set(oldest);
    }

    /// Counts a transition that ended.
    pub fn decided(&self, from: Stage, to: Stage, decision: Decision) {
        self.transitions.with_label_values(&[from.as_str(), to.as_str(), decision.as_str()]).inc();
    }

    /// Records how long a version took to become main, `after` its approval or the request for a rollback.
    pub fn served(&self, after: Duration) {
        self.approval_to_serving.observe(after.as_secs_f64());
    }

    /// Records one pass of a controller. `error` is its reason in CamelCase, if it failed.
    pub fn reconciled(&self, controller: &'static str, took: Duration, error: Option<&'static str>) {
        self.reconciles.with_label_values(&[controller]).inc();
        self.reconcile_duration.with_label_values(&[controller]).observe(took.as_secs_f64());
        if let Some(reason) = error {
            self.reconcile_errors.with_label_values(&[controller, reason]).inc();
        }
    }

    /// Begins to count invalid objects of this kind, at 0.
    pub fn watches(&self, kind: &str) {
        self.invalid_objects.with_label_values(&[kind]);
    }

    /// Counts an object that could not be parsed as its kind.
    pub fn invalid_object(&self, kind: &str) {
        self.invalid_objects.with_label_values(&[kind]).inc();
    }

    /// Records whether the API server enforces the approval policy in `namespace`. Empty: in all namespaces.
    pub fn policy_active(&self, namespace: &str, active: bool) {
        self.policy_active.with_label_values(&[namespace]).set(active.into());
    }

    /// Records whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }
}

fn build(registry: &Registry) -> prometheus::Result<impl FnOnce(Registry) -> Metrics + use<>> {
    fn add<M: prometheus::core::Collector + Clone + 'static>(
        registry: &Registry,
        metric: M,
    ) -> prometheus::Result<M> {
        registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
    let counter = |name: &str, help: &str, labels: &[&str]| {
        add(registry, IntCounterVec::new(Opts::new(format!("understudy_{name}"), help), labels)?)
    };
    let gauge = |name: &str, help: &str| add(registry, IntGauge::new(format!("understudy_{name}"), help)?);
    let gauges = |name: &str, help: &str, label: &str| {
        add(registry, IntGaugeVec::new(Opts::new(format!("understudy_{name}"), help), &[label])?)
    };
    let histogram = |name: &str, help: &str, buckets: &[f64]| {
        HistogramOpts::new(format!("understudy_{name}"), help).buckets(buckets.to_vec())
    };

    let transitions =
        counter("transitions_total", "Transitions that ended, by decision.", &["from", "to", "decision"])?;
    let pending = gauge("pending_approvals", "Requests that wait for the decision of a second person.")?;
    let oldest_pending = add(
        registry,
        Gauge::new(
            "understudy_oldest_pending_approval_seconds",
            "Age of the oldest request that waits for a decision. 0 if no request waits.",
        )?,
    )?;
    let versions = gauges("model_versions", "Model versions by stage.", "stage")?;
    let not_serving = gauges(
        "model_versions_not_serving",
        "Model versions that should serve and have no ready pod, by reason.",
        "reason",
    )?;
    let not_running = gauges(
        "model_deployments_not_running",
        "Model deployments that have a main and do not answer through their Service, by reason.",
        "reason",
    )?;
    let approval_to_serving = add(
        registry,
        Histogram::with_opts(histogram(
            "approval_to_serving_seconds",
            "Time from the approval for Production, or from the request for a rollback, to the switch of the Service.",
            &ROLLOUT_BUCKETS,
        ))?,
    )?;
    let reconciles = counter("reconciles_total", "Passes of a controller.", &["controller"])?;
    let reconcile_errors = counter(
        "reconcile_errors_total",
        "Passes of a controller that failed, by reason.",
        &["controller", "reason"],
    )?;
    let reconcile_duration = add(
        registry,
        HistogramVec::new(
            histogram(
                "reconcile_duration_seconds",
                "Duration of one pass of a controller.",
                &RECONCILE_BUCKETS,
            ),
            &["controller"],
        )?,
    )?;
    let invalid_objects =
        counter("invalid_objects_total", "Objects that could not be parsed as their kind.", &["kind"])?;
    let policy_active = gauges(
        "approval_policy_active",
        "1 while the API server enforces the approval policy, otherwise 0. Absent until that is known.",
        "watched_namespace",
    )?;
    let leader = gauge("leader", "1 on the replica that leads, otherwise 0.")?;
    Ok(move |registry| Metrics {
        registry,
        transitions,
        pending,
        oldest_pending,
        versions,
        not_serving,
        not_running,
        approval_to_serving,
        reconciles,
        reconcile_errors,
        reconcile_duration,
        invalid_objects,
        policy_active,
        leader,
        stores: Mutex::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_counted_by_where_it_came_from_where_it_went_and_how_it_ended() {
        let metrics = Metrics::new();
        metrics.decided(Stage::Staging, Stage::Production, Decision::Rejected);
        let page = metrics.render();
        assert!(
            page.contains(
                r#"understudy_transitions_total{decision="Rejected",from="Staging",to="Production"} 1"#
            ),
            "{page}"
        );
    }

    #[test]
    fn one_watched_namespace_does_not_hide_that_the_policy_of_another_is_not_in_force() {
        let metrics = Metrics::new();
        metrics.policy_active("risk", false);
        metrics.policy_active("fraud", true);
        let page = metrics.render();
        assert!(page.contains(r#"understudy_approval_policy_active{watched_namespace="risk"} 0"#), "{page}");
    }

    #[test]
    fn the_page_shows_gauges_and_errors_before_anything_happened() {
        let metrics = Metrics::new();
        metrics.watches("ModelVersion");
        let page = metrics.render();
        for name in [
            "pending_approvals 0",
            "leader 0",
            "oldest_pending_approval_seconds 0",
            r#"model_versions_not_serving{reason="LoadFailed"} 0"#,
            r#"model_deployments_not_running{reason="NoAnswer"} 0"#,
            r#"reconcile_errors_total{controller="modeldeployment",reason="ApplyFailed"} 0"#,
            r#"invalid_objects_total{kind="ModelVersion"} 0"#,
        ] {
            assert!(page.contains(&format!("understudy_{name}")), "{name} is missing in {page}");
        }
    }
}
