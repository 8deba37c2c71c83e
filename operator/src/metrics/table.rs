//! The names, labels and help texts of all metrics.

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// Buckets in seconds, from a switch to running pods up to a new node that pulls a large image.
const ROLLOUT_BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
/// Buckets in seconds for one pass of a controller.
const RECONCILE_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

/// Every metric.
pub struct Table {
    pub transitions: IntCounterVec,
    pub pending: IntGaugeVec,
    pub oldest_pending: Gauge,
    pub versions: IntGaugeVec,
    pub not_serving: IntGaugeVec,
    pub not_running: IntGaugeVec,
    pub oldest_unproven: Gauge,
    pub rolling: IntGauge,
    pub outdated: IntGauge,
    pub approval_to_serving: Histogram,
    pub timed_out: IntCounterVec,
    pub reconciles: IntCounterVec,
    pub reconcile_errors: IntCounterVec,
    pub reconcile_duration: HistogramVec,
    pub invalid_objects: IntCounterVec,
    pub policy_active: IntGaugeVec,
    pub objects_guarded: IntGaugeVec,
    pub leader: IntGauge,
    pub cache_synced: IntGaugeVec,
    pub watch_failures: IntCounterVec,
    pub last_event: GaugeVec,
    pub queue_depth: IntGaugeVec,
    pub queue_oldest: GaugeVec,
    pub queue_retries: IntCounterVec,
    pub unfinished_work: GaugeVec,
    pub longest_running: GaugeVec,
}

impl Table {
    /// Registers every metric, at 0.
    #[expect(clippy::too_many_lines, reason = "a table of all metrics")]
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
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
        let gauge =
            |name: &str, help: &str| add(registry, IntGauge::new(format!("understudy_{name}"), help)?);
        let gauges = |name: &str, help: &str, label: &str| {
            add(registry, IntGaugeVec::new(Opts::new(format!("understudy_{name}"), help), &[label])?)
        };
        let seconds = |name: &str, help: &str, label: &str| {
            add(registry, GaugeVec::new(Opts::new(format!("understudy_{name}"), help), &[label])?)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            HistogramOpts::new(format!("understudy_{name}"), help).buckets(buckets.to_vec())
        };

        let transitions = counter(
            "transitions_total",
            "Transitions that ended, by decision.",
            &["from", "to", "decision"],
        )?;
        let pending = gauges(
            "pending_approvals",
            "Requests that wait for approvals, by how many people have approved and how many must, as in \"1 of 2\".",
            "approved",
        )?;
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
        let oldest_unproven = add(
            registry,
            Gauge::new(
                "understudy_oldest_unproven_version_seconds",
                "How long a version in Staging or Production has waited for a call that its model answers, at most. 0 if none waits.",
            )?,
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
        let objects_guarded = gauges(
            "objects_guarded",
            "1 while the guard around owned objects is in force, otherwise 0. Absent until that is known.",
            "watched_namespace",
        )?;
        let leader = gauge("leader", "1 on the replica that leads, otherwise 0.")?;
        let cache_synced = gauges(
            "cache_synced",
            "1 if the leader's cache of this kind contains a complete list, otherwise 0.",
            "kind",
        )?;
        let watch_failures =
            counter("watch_failures_total", "Failures of a list or watch, by kind.", &["kind"])?;
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
        Ok(Self {
            transitions,
            pending,
            oldest_pending,
            versions,
            not_serving,
            not_running,
            oldest_unproven,
            rolling,
            outdated,
            approval_to_serving,
            timed_out,
            reconciles,
            reconcile_errors,
            reconcile_duration,
            invalid_objects,
            policy_active,
            objects_guarded,
            leader,
            cache_synced,
            watch_failures,
            last_event,
            queue_depth,
            queue_oldest,
            queue_retries,
            unfinished_work,
            longest_running,
        })
    }
}
