//! Prometheus metrics of the operator. docs/operations.md lists their names and meanings.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};
use understudy_crds::{Decision, MainReason, ModelDeployment, ModelVersion, Stage};

use crate::{
    cluster::{cache::Cache, client::Heard, queue::QueueState, triggers::Triggers},
    outages, reasons,
};

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
    let pass = reasons::Pass::ALL.iter().map(|reason| reason.as_str());
    let versions = kinds.iter().copied().chain(pass.clone()).collect();
    let deployments = kinds.iter().copied().chain(apply).chain(notify).chain(pass).collect();
    [("modelversion", versions), ("modeldeployment", deployments)]
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
    rolling: IntGauge,
    outdated: IntGauge,
    approval_to_serving: Histogram,
    timed_out: IntCounterVec,
    reconciles: IntCounterVec,
    reconcile_errors: IntCounterVec,
    reconcile_duration: HistogramVec,
    invalid_objects: IntCounterVec,
    policy_active: IntGaugeVec,
    leader: IntGauge,
    cache_synced: IntGaugeVec,
    watch_failures: IntCounterVec,
    last_event: GaugeVec,
    queue_depth: IntGaugeVec,
    queue_oldest: GaugeVec,
    queue_retries: IntCounterVec,
    unfinished_work: GaugeVec,
    longest_running: GaugeVec,
    scopes: Mutex<Vec<(Cache, Triggers)>>,
    heard: Heard,
}

impl Metrics {
    /// All metrics at 0, in a registry of their own.
    pub fn new(heard: Heard) -> Arc<Self> {
        let registry = Registry::new();
        let metrics =
            build(&registry).expect("names and labels of the metrics are valid and unique")(registry, heard);
        for (controller, reasons) in controllers() {
            metrics.reconciles.with_label_values(&[controller]);
            metrics.reconcile_duration.with_label_values(&[controller]);
            metrics.queue_retries.with_label_values(&[controller]);
            for reason in reasons {
                metrics.reconcile_errors.with_label_values(&[controller, reason]);
            }
        }
        for reason in MainReason::ALL {
            metrics.timed_out.with_label_values(&[reason.as_str()]);
        }
        Arc::new(metrics)
    }

    /// The metrics in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.count_objects(Timestamp::now());
        self.measure_progress();
        let mut page = vec![];
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut page)
            .expect("gathered metrics of this registry can be written as text");
        String::from_utf8(page).expect("the text format is UTF-8")
    }

    /// Counts objects in these caches whenever the metrics are read, so that the metrics always agree with the objects.
    pub fn watch(&self, cache: Cache, triggers: Triggers) {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).push((cache, triggers));
    }

    /// Reads caches, watches and queues. With several watched namespaces, a kind or queue is as good as its worst one.
    fn measure_progress(&self) {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut synced: BTreeMap<String, bool> = BTreeMap::new();
        for (kind, is_synced) in scopes.iter().flat_map(|(cache, _)| cache.sync_state()) {
            *synced.entry(kind).or_insert(true) &= is_synced;
        }
        for (kind, is_synced) in synced {
            self.cache_synced.with_label_values(&[&kind]).set(is_synced.into());
        }
        for (kind, silence) in self.heard.silence() {
            self.last_event.with_label_values(&[&kind]).set(silence.as_secs_f64());
        }
        let queues = [
            ("modeldeployment", scopes.iter().map(|(_, t)| t.deployments.state()).collect::<Vec<_>>()),
            ("modelversion", scopes.iter().map(|(_, t)| t.versions.state()).collect()),
        ];
        for (name, states) in queues {
            self.measure_queue(name, &states);
        }
    }

    fn measure_queue(&self, name: &str, states: &[QueueState]) {
        let longest =
            |of: fn(&QueueState) -> Duration| states.iter().map(of).max().unwrap_or_default().as_secs_f64();
        let depth: usize = states.iter().map(|state| state.depth).sum();
        self.queue_depth.with_label_values(&[name]).set(i64::try_from(depth).unwrap_or(i64::MAX));
        self.queue_oldest.with_label_values(&[name]).set(longest(|state| state.oldest));
        self.longest_running.with_label_values(&[name]).set(longest(|state| state.longest_running));
        let unfinished: Duration = states.iter().map(|state| state.unfinished).sum();
        self.unfinished_work.with_label_values(&[name]).set(unfinished.as_secs_f64());
    }

    fn count_objects(&self, now: Timestamp) {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let versions: Vec<Arc<ModelVersion>> =
            scopes.iter().flat_map(|(cache, _)| cache.versions.state()).collect();
        let deployments: Vec<Arc<ModelDeployment>> =
            scopes.iter().flat_map(|(cache, _)| cache.deployments.state()).collect();
        drop(scopes);
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

    /// Counts a promotion or rollback that was not complete within its deadline.
    pub fn timed_out(&self, reason: MainReason) {
        self.timed_out.with_label_values(&[reason.as_str()]).inc();
    }

    /// Records one pass of a controller. `error` is its reason in CamelCase, if it failed.
    pub fn reconciled(&self, controller: &'static str, took: Duration, error: Option<&'static str>) {
        self.reconciles.with_label_values(&[controller]).inc();
        self.reconcile_duration.with_label_values(&[controller]).observe(took.as_secs_f64());
        if let Some(reason) = error {
            self.reconcile_errors.with_label_values(&[controller, reason]).inc();
            self.queue_retries.with_label_values(&[controller]).inc();
        }
    }

    /// Counts a failure of the watch of this kind.
    pub fn watch_failed(&self, kind: &str) {
        self.watch_failures.with_label_values(&[kind]).inc();
    }

    /// Begins to count invalid objects of this kind and failures of its watch, at 0.
    pub fn watches(&self, kind: &str) {
        self.watch_failures.with_label_values(&[kind]);
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

    /// Records how many workloads roll in a wave, and how many do not have the newest template yet.
    pub fn rolls(&self, rolling: usize, outdated: usize) {
        self.rolling.set(i64::try_from(rolling).unwrap_or(i64::MAX));
        self.outdated.set(i64::try_from(outdated).unwrap_or(i64::MAX));
    }

    /// Records whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }
}

#[expect(clippy::too_many_lines, reason = "a table of all metrics")]
fn build(registry: &Registry) -> prometheus::Result<impl FnOnce(Registry, Heard) -> Metrics + use<>> {
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
    let seconds = |name: &str, help: &str, label: &str| {
        add(registry, GaugeVec::new(Opts::new(format!("understudy_{name}"), help), &[label])?)
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
    let rolling = gauge(
        "workloads_rolling",
        "Deployments of versions that roll to another server image or configuration and are not finished.",
    )?;
    let outdated = gauge(
        "workloads_outdated",
        "Deployments of versions that do not have the newest server image or configuration yet.",
    )?;
    let approval_to_serving = add(
        registry,
        Histogram::with_opts(histogram(
            "approval_to_serving_seconds",
            "Time from the approval for Production, or from the request for a rollback, to the switch of the Service.",
            &ROLLOUT_BUCKETS,
        ))?,
    )?;
    let timed_out = counter(
        "rollouts_timed_out_total",
        "Promotions and rollbacks that were not complete within spec.rollout.deadline, by what was requested.",
        &["reason"],
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
    let cache_synced = gauges(
        "cache_synced",
        "1 if the leader's cache of this kind contains a complete list, otherwise 0.",
        "kind",
    )?;
    let watch_failures = counter("watch_failures_total", "Failures of a list or watch, by kind.", &["kind"])?;
    let last_event = seconds(
        "watch_last_event_seconds",
        "Time since the API server was last heard about this kind. It sends a bookmark every minute.",
        "kind",
    )?;
    let queue_depth = gauges("workqueue_depth", "Objects that wait for a pass now.", "name")?;
    let queue_oldest = seconds(
        "workqueue_oldest_seconds",
        "How long the object that waits longest has waited for a pass. 0 if none waits.",
        "name",
    )?;
    let queue_retries =
        counter("workqueue_retries_total", "Passes that failed and are repeated.", &["name"])?;
    let unfinished_work = seconds(
        "workqueue_unfinished_work_seconds",
        "How long the passes in progress have run, in total.",
        "name",
    )?;
    let longest_running = seconds(
        "workqueue_longest_running_processor_seconds",
        "How long the longest pass in progress has run.",
        "name",
    )?;
    Ok(move |registry, heard| Metrics {
        registry,
        transitions,
        pending,
        oldest_pending,
        versions,
        not_serving,
        not_running,
        rolling,
        outdated,
        approval_to_serving,
        timed_out,
        reconciles,
        reconcile_errors,
        reconcile_duration,
        invalid_objects,
        policy_active,
        leader,
        cache_synced,
        watch_failures,
        last_event,
        queue_depth,
        queue_oldest,
        queue_retries,
        unfinished_work,
        longest_running,
        scopes: Mutex::default(),
        heard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_counted_by_where_it_came_from_where_it_went_and_how_it_ended() {
        let metrics = Metrics::new(Heard::default());
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
        let metrics = Metrics::new(Heard::default());
        metrics.policy_active("risk", false);
        metrics.policy_active("fraud", true);
        let page = metrics.render();
        assert!(page.contains(r#"understudy_approval_policy_active{watched_namespace="risk"} 0"#), "{page}");
    }

    #[test]
    fn the_page_shows_gauges_and_errors_before_anything_happened() {
        let metrics = Metrics::new(Heard::default());
        metrics.watches("ModelVersion");
        let page = metrics.render();
        for name in [
            "pending_approvals 0",
            "leader 0",
            "oldest_pending_approval_seconds 0",
            r#"model_versions_not_serving{reason="LoadFailed"} 0"#,
            r#"model_deployments_not_running{reason="NoAnswer"} 0"#,
            r#"reconcile_errors_total{controller="modeldeployment",reason="ApplyFailed"} 0"#,
            r#"rollouts_timed_out_total{reason="RolledBack"} 0"#,
            r#"invalid_objects_total{kind="ModelVersion"} 0"#,
        ] {
            assert!(page.contains(&format!("understudy_{name}")), "{name} is missing in {page}");
        }
    }
}
