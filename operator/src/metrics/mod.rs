//! Prometheus metrics of the operator. docs/operations.md lists their names and meanings.

mod table;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use prometheus::{Encoder, Registry, TextEncoder};
use understudy_crds::{Decision, MainReason, ModelDeployment, ModelVersion, Stage, Transition};

use self::table::Table;
use crate::{
    approval,
    cluster::{cache::Cache, client::Heard, queue::QueueState, triggers::Triggers},
    outages, reasons,
};

/// The progress of a request that nobody has approved, with one approver. It has a value also while no request waits.
const NOBODY_OF_ONE: &str = "0 of 1";

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
    table: Table,
    scopes: Mutex<Vec<(Cache, Triggers)>>,
    heard: Heard,
}

impl Metrics {
    /// All metrics at 0, in a registry of their own.
    pub fn new(heard: Heard) -> Arc<Self> {
        let registry = Registry::new();
        let table = Table::register(&registry).expect("names and labels of the metrics are valid and unique");
        let metrics = Self { registry, table, scopes: Mutex::default(), heard };
        for (controller, reasons) in controllers() {
            metrics.table.reconciles.with_label_values(&[controller]);
            metrics.table.reconcile_duration.with_label_values(&[controller]);
            metrics.table.queue_retries.with_label_values(&[controller]);
            for reason in reasons {
                metrics.table.reconcile_errors.with_label_values(&[controller, reason]);
            }
        }
        for reason in MainReason::ALL {
            metrics.table.timed_out.with_label_values(&[reason.as_str()]);
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
            self.table.cache_synced.with_label_values(&[&kind]).set(is_synced.into());
        }
        for (kind, silence) in self.heard.silence() {
            self.table.last_event.with_label_values(&[&kind]).set(silence.as_secs_f64());
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
        self.table.queue_depth.with_label_values(&[name]).set(i64::try_from(depth).unwrap_or(i64::MAX));
        self.table.queue_oldest.with_label_values(&[name]).set(longest(|state| state.oldest));
        self.table.longest_running.with_label_values(&[name]).set(longest(|state| state.longest_running));
        let unfinished: Duration = states.iter().map(|state| state.unfinished).sum();
        self.table.unfinished_work.with_label_values(&[name]).set(unfinished.as_secs_f64());
    }

    fn count_objects(&self, now: Timestamp) {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let versions: Vec<Arc<ModelVersion>> =
            scopes.iter().flat_map(|(cache, _)| cache.versions.state()).collect();
        let deployments: Vec<Arc<ModelDeployment>> =
            scopes.iter().flat_map(|(cache, _)| cache.deployments.state()).collect();
        drop(scopes);
        for (reason, count) in outages::of_versions(versions.iter().map(AsRef::as_ref)) {
            self.table.not_serving.with_label_values(&[reason]).set(count);
        }
        for (reason, count) in outages::of_deployments(deployments.iter().map(AsRef::as_ref)) {
            self.table.not_running.with_label_values(&[reason]).set(count);
        }
        let mut by_stage: BTreeMap<Stage, i64> = Stage::ALL.iter().map(|s| (*s, 0)).collect();
        for version in &versions {
            *by_stage.entry(version.stage()).or_default() += 1;
        }
        for (stage, count) in by_stage {
            self.table.versions.with_label_values(&[stage.as_str()]).set(count);
        }
        let open: Vec<&Transition> =
            versions.iter().filter_map(|v| v.transition()).filter(|t| t.approval.is_none()).collect();
        let waiting = open.iter().map(|t| t.requested_at.0);
        self.table.pending.reset();
        let mut by_progress: BTreeMap<String, i64> = [(NOBODY_OF_ONE.to_owned(), 0)].into();
        for request in &open {
            let approved = request.approved.clone().unwrap_or_else(|| NOBODY_OF_ONE.to_owned());
            *by_progress.entry(approved).or_default() += 1;
        }
        for (approved, count) in by_progress {
            self.table.pending.with_label_values(&[&approved]).set(count);
        }
        self.table.oldest_pending.set(age_of_oldest(waiting, now));
        let unproven = versions.iter().filter_map(|version| approval::unproven_since(version));
        self.table.oldest_unproven.set(age_of_oldest(unproven, now));
    }

    /// Counts a transition that ended.
    pub fn decided(&self, from: Stage, to: Stage, decision: Decision) {
        self.table.transitions.with_label_values(&[from.as_str(), to.as_str(), decision.as_str()]).inc();
    }

    /// Records how long a version took to become main, `after` its approval or the request for a rollback.
    pub fn served(&self, after: Duration) {
        self.table.approval_to_serving.observe(after.as_secs_f64());
    }

    /// Counts a promotion or rollback that was not complete within its deadline.
    pub fn timed_out(&self, reason: MainReason) {
        self.table.timed_out.with_label_values(&[reason.as_str()]).inc();
    }

    /// Records one pass of a controller. `error` is its reason in CamelCase, if it failed.
    pub fn reconciled(&self, controller: &'static str, took: Duration, error: Option<&'static str>) {
        self.table.reconciles.with_label_values(&[controller]).inc();
        self.table.reconcile_duration.with_label_values(&[controller]).observe(took.as_secs_f64());
        if let Some(reason) = error {
            self.table.reconcile_errors.with_label_values(&[controller, reason]).inc();
            self.table.queue_retries.with_label_values(&[controller]).inc();
        }
    }

    /// Counts a failure of the watch of this kind.
    pub fn watch_failed(&self, kind: &str) {
        self.table.watch_failures.with_label_values(&[kind]).inc();
    }

    /// Begins to count invalid objects of this kind and failures of its watch, at 0.
    pub fn watches(&self, kind: &str) {
        self.table.watch_failures.with_label_values(&[kind]);
        self.table.invalid_objects.with_label_values(&[kind]);
    }

    /// Counts an object that could not be parsed as its kind.
    pub fn invalid_object(&self, kind: &str) {
        self.table.invalid_objects.with_label_values(&[kind]).inc();
    }

    /// Records whether the API server enforces the approval policy in `namespace`. Empty: in all namespaces.
    pub fn policy_active(&self, namespace: &str, active: bool) {
        self.table.policy_active.with_label_values(&[namespace]).set(active.into());
    }

    /// Records whether the guard around owned objects is in force in `namespace`. Empty: in all namespaces.
    pub fn objects_guarded(&self, namespace: &str, active: bool) {
        self.table.objects_guarded.with_label_values(&[namespace]).set(active.into());
    }

    /// Records how many workloads roll in a wave, and how many do not have the newest template yet.
    pub fn rolls(&self, rolling: usize, outdated: usize) {
        self.table.rolling.set(i64::try_from(rolling).unwrap_or(i64::MAX));
        self.table.outdated.set(i64::try_from(outdated).unwrap_or(i64::MAX));
    }

    /// Records whether this replica leads.
    pub fn leads(&self, leads: bool) {
        self.table.leader.set(leads.into());
    }
}

/// Seconds since the earliest of these times. 0 without one, and for a time in the future.
fn age_of_oldest(times: impl Iterator<Item = Timestamp>, now: Timestamp) -> f64 {
    times.min().map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0))
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
            "pending_approvals{approved=\"0 of 1\"} 0",
            "leader 0",
            "oldest_pending_approval_seconds 0",
            "oldest_unproven_version_seconds 0",
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
