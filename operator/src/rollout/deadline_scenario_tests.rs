//! Passes over a deployment whose change of main takes too long.

use serde_json::{Value, json};

use super::{
    scenario::{STATUS, candidate, condition, pass, promoting},
    *,
};
use crate::{
    fixtures::{proven, rollback_to, rolled_out, version},
    mock_api::{Cluster, Scenario, event, patch, write_status},
};

/// The cache has the candidate's Deployment with one ready pod of two.
fn misses_a_pod(cluster: &mut Cluster) {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let mut workload = rolled_out(&build::workload(&md, &candidate(), 2, &cluster.ctx.config));
    workload.status.get_or_insert_default().ready_replicas = Some(1);
    cluster.sees(&workload);
}

/// How many promotions and how many rollbacks the metrics count as over.
fn timed_out(cluster: &Cluster) -> [usize; 2] {
    let page = cluster.ctx.metrics.render();
    ["Promoted", "RolledBack"].map(|reason| {
        let name = format!(r#"understudy_rollouts_timed_out_total{{reason="{reason}"}} "#);
        let count = page.lines().find_map(|line| line.strip_prefix(&name)).expect("the page has the metric");
        count.parse().expect("a number")
    })
}

/// The state of a leader that has led for hours.
fn leads_long() -> Arc<State> {
    Arc::new(State::since("2020-01-01T00:00:00Z".parse().expect("a time")))
}

#[tokio::test]
async fn a_promotion_that_is_not_complete_in_time_is_recorded_as_over_and_never_happens_after_that() {
    let (mut cluster, pods) = promoting().await;
    misses_a_pod(&mut cluster);
    let state = leads_long();
    let mut md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen").as_ref().clone();
    md.status.get_or_insert_default().rollout = Some(
        serde_json::from_value(json!({
            "version": "1.3.0", "modelVersion": "fraud-1.3.0", "transition": "6f1c2b", "message": "m",
            "since": "2020-01-01T00:00:00Z",
        }))
        .expect("a rollout"),
    );
    cluster.sees(&md);
    let over = write_status(STATUS).with(|sent| {
        let rollout = &sent["status"]["rollout"];
        assert_eq!((&rollout["transition"], &rollout["deadlineExceeded"]), (&json!("6f1c2b"), &json!(true)));
        assert_eq!(
            (&rollout["since"], &sent["status"]["main"]["version"]),
            (&json!("2020-01-01T00:00:00Z"), &json!("1.2.0"))
        );
    });
    let scenario = Scenario::new().then(over).then(event("RolloutTimedOut"));
    pass(&mut cluster, &state, scenario).await.expect("it is over");
    assert_eq!(timed_out(&cluster), [1, 0]);

    // All pods are ready a moment later, and the request is not closed yet.
    cluster.sees_what_was_written();
    let workload = build::workload(&md, &candidate(), 2, &cluster.ctx.config);
    cluster.sees(&rolled_out(&workload));
    pods.probed();
    let settled = write_status(STATUS).with(|sent| {
        assert_eq!(sent["status"]["rollout"]["deadlineExceeded"], true, "{sent}");
        assert_eq!(condition(sent, "Reconciling"), &Value::Null);
    });
    let staged = patch("/deployments/fraud-v1-3-0").with(|sent| assert_eq!(sent["spec"]["replicas"], 1));
    let scenario = Scenario::new().then(staged).then(settled);
    pass(&mut cluster, &state, scenario).await.expect("it is not promoted");
    assert_eq!(pods.probed(), [""; 0], "none of its pods");
    assert_eq!(timed_out(&cluster), [1, 0], "it is counted once");
}

#[tokio::test]
async fn a_rollback_that_is_not_complete_in_time_ends_and_main_stays() {
    let (mut cluster, _pods) = promoting().await;
    misses_a_pod(&mut cluster);
    cluster.sees(&version(
        "1.3.0",
        json!({"spec": {"stage": "Archived"}, "status": proven("1.3.0", "Archived")}),
    ));
    let mut md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen").as_ref().clone();
    md.metadata.annotations = serde_json::from_value(rollback_to("1.3.0")).expect("annotations");
    md.status.get_or_insert_default().rollback = Some(serde_json::from_value(json!({
        "request": "1.3.0#1", "by": "carol", "at": "2020-01-01T00:00:00Z", "result": "Pending", "message": "m",
    })).expect("a rollback"));
    cluster.sees(&md);
    let over = write_status(STATUS).with(|sent| {
        let rollback = &sent["status"]["rollback"];
        assert_eq!((&rollback["result"], &sent["status"]["rollout"]), (&json!("TimedOut"), &Value::Null));
        assert!(
            rollback["message"].as_str().is_some_and(|m| m.contains("1 of 2 pods of 1.3.0 are ready")),
            "{rollback}"
        );
    });
    let scenario = Scenario::new().then(over).then(event("RolloutTimedOut"));
    pass(&mut cluster, &leads_long(), scenario).await.expect("it is over");
    assert_eq!(timed_out(&cluster), [0, 1]);
}
