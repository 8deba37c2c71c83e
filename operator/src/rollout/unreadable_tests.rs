//! Passes over a deployment some of whose versions cannot be parsed, as after a downgrade of the operator.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    scenario::{STATUS, candidate, condition, main_version, pass, promoting, serving},
    *,
};
use crate::{
    fixtures::{deployment, main_is, proven, rollback_to, unreadable_version, version, with},
    mock_api::{Cluster, Scenario, delete, write_status},
};

/// The conditions of a deployment that serves 1.2.0.
async fn settle(cluster: &mut Cluster, state: &Arc<State>) {
    let settled = write_status(STATUS).with(|sent| {
        assert_eq!(sent["status"]["main"]["version"], "1.2.0", "{sent}");
        assert_eq!(condition(sent, "Running")["status"], "True", "{sent}");
    });
    pass(cluster, state, Scenario::new().then(settled)).await.expect("its conditions are written");
    cluster.sees_what_was_written();
    pass(cluster, state, Scenario::new()).await.expect("nothing to do");
}

/// The Deployment and the Service of 1.1.0 exist.
fn runs_1_1_0(cluster: &mut Cluster) {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let staged = version("1.1.0", json!({}));
    let mut workload = build::workload(&md, &staged, 1, &cluster.ctx.config);
    workload.metadata.uid = Some("uid-of-the-workload".to_owned());
    cluster.sees(&workload);
    let mut service = build::version_service(&md, "1.1.0");
    service.metadata.uid = Some("uid-of-the-service".to_owned());
    cluster.sees(&service);
}

#[tokio::test]
async fn what_a_version_runs_that_cannot_be_read_stays() {
    let (mut cluster, _pods) = serving(&[]).await;
    cluster.sees(&unreadable_version("1.1.0"));
    runs_1_1_0(&mut cluster);
    settle(&mut cluster, &Arc::default()).await;
}

#[tokio::test]
async fn nothing_is_deleted_while_it_is_unknown_which_version_cannot_be_read() {
    let (mut cluster, _pods) = serving(&[]).await;
    cluster.sees(&with(unreadable_version("1.0.0"), json!({"spec": {"version": 7}})));
    runs_1_1_0(&mut cluster);
    settle(&mut cluster, &Arc::default()).await;
}

#[tokio::test]
async fn what_no_version_runs_is_deleted_although_another_version_cannot_be_read() {
    let (mut cluster, _pods) = serving(&[]).await;
    cluster.sees(&unreadable_version("1.0.0"));
    runs_1_1_0(&mut cluster);
    let gone = || json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
    let scenario = Scenario::new()
        .then(write_status(STATUS))
        .then(delete("/deployments/fraud-v1-1-0").finds(&gone()))
        .then(delete("/services/fraud-v1-1-0").finds(&gone()));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it is deleted");
}

#[tokio::test]
async fn a_main_that_cannot_be_read_stays_main_with_its_pods_and_their_routing() {
    let (mut cluster, _pods) = serving(&[]).await;
    cluster.sees(&unreadable_version("1.2.0"));
    settle(&mut cluster, &Arc::default()).await;
}

#[tokio::test]
async fn callers_stay_with_main_while_a_version_that_may_be_in_production_cannot_be_read() {
    let (mut cluster, _pods) = promoting().await;
    cluster.sees(&unreadable_version("1.1.0"));
    let waits = write_status(STATUS).with(|sent| {
        assert_eq!(sent["status"]["main"]["version"], "1.2.0");
        let reconciling = condition(sent, "Reconciling");
        assert_eq!(reconciling["reason"], "VersionUnreadable");
        assert!(reconciling["message"].as_str().is_some_and(|m| m.contains("fraud-1.1.0")), "{reconciling}");
        assert_eq!(sent["status"]["rollout"]["deadlineExceeded"], Value::Null);
    });
    let long_ago = Arc::new(State::since(crate::fixtures::at("2020-01-01T00:00:00Z")));
    pass(&mut cluster, &long_ago, Scenario::new().then(waits)).await.expect("it waits");
}

/// The deployment as the cache has it, whose versions with these numbers cannot be read.
fn observed(annotations: &Value, unreadable: &[&str]) -> observe::Observed {
    let mut cluster = Cluster::new();
    let parts = json!({"metadata": {"annotations": annotations}, "status": main_is("1.2.0")});
    cluster.sees(&deployment(parts));
    let earlier = version("1.1.0", json!({"status": proven("1.1.0", "Archived")}));
    for version in [main_version(), earlier, candidate()] {
        if !unreadable.contains(&version.spec.version.as_str()) {
            cluster.sees(&version);
        }
    }
    for number in unreadable {
        cluster.sees(&unreadable_version(number));
    }
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    observe::observe(&md, &cluster.ctx)
}

fn plan_of(observed: &observe::Observed) -> plan::Plan {
    plan::plan(observed, &challenger::Challenger::NotNamed, crate::fixtures::now())
}

#[tokio::test]
async fn a_rollback_to_a_version_that_cannot_be_read_says_so() {
    let rollback = plan_of(&observed(&rollback_to("1.1.0"), &["1.1.0"])).rollback.expect("a rollback");
    assert_eq!(rollback.result, understudy_crds::RollbackResult::Refused);
    assert!(
        rollback.message.contains("cannot read ModelVersion fraud-1.1.0: upgrade"),
        "{}",
        rollback.message
    );
}

#[tokio::test]
async fn a_rollback_leaves_a_main_that_cannot_be_read() {
    let plan = plan_of(&observed(&rollback_to("1.1.0"), &["1.2.0"]));
    let plan::Next::Promote(candidate) = plan.next else { panic!("no rollback: {:?}", plan.next) };
    assert_eq!(candidate.version.name_any(), "fraud-1.1.0");
}
