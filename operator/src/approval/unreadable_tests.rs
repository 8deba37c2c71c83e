//! What happens to a version while its deployment, or another version, cannot be parsed.

use serde_json::{Value, json};
use understudy_crds::ModelVersion;

use super::*;
use crate::{
    cluster::cache::Cache,
    fixtures::{
        deployment, now, proven, ready_pod, request, rolling_out, staged, unreadable_version, version, with,
    },
    mock_api::{Cluster, Scenario, event, write_status},
};

/// The passes of a test read these caches.
fn cluster(deployment: &Value, versions: &[&Value]) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.sees(deployment);
    for version in versions {
        cluster.sees(version);
    }
    cluster.sees(ready_pod("1.3.0", "10.0.0.7").as_ref());
    cluster
}

fn observed(cluster: &Cluster) -> Observed {
    let cache: &Cache = &cluster.ctx.cache;
    let mv = cache.version("risk", "fraud-1.3.0").expect("the cache has the version");
    observe::from_cache(&mv, &cluster.ctx)
}

fn json_of(object: &impl serde::Serialize) -> Value {
    serde_json::to_value(object).expect("JSON")
}

fn hold(cluster: &Cluster) -> reasons::Hold {
    match decide::decide(&observed(cluster), now()) {
        NextStep::Hold(hold) => {
            assert!(hold.message.contains("this operator cannot read Model"), "{}", hold.message);
            hold.reason
        }
        other => panic!("expected a hold, found {other:?}"),
    }
}

fn unreadable_deployment() -> Value {
    with(json_of(&deployment(json!({}))), json!({"status": {"rollback": {"result": "Postponed"}}}))
}

#[tokio::test]
async fn a_deployment_that_cannot_be_read_retires_none_of_its_versions() {
    let statuses = [staged("1.3.0"), proven("1.3.0", "Production"), rolling_out("1.3.0")];
    for status in statuses {
        let mv = json_of(&version("1.3.0", json!({"spec": {"stage": "Production"}, "status": status})));
        assert_eq!(hold(&cluster(&unreadable_deployment(), &[&mv])), reasons::Hold::DeploymentUnreadable);
    }
}

#[tokio::test]
async fn a_version_says_that_its_deployment_cannot_be_read_and_keeps_its_stage() {
    let mv = json_of(&version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")})));
    let mut cluster = cluster(&unreadable_deployment(), &[&mv]);
    let ctx = Arc::clone(&cluster.ctx);
    let mv = ctx.cache.version("risk", "fraud-1.3.0").expect("the cache has the version");
    let holds = write_status("/modelversions/fraud-1.3.0/status").with(|sent| {
        assert_eq!(sent["status"]["stage"], "Staging");
        let conditions = sent["status"]["conditions"].as_array().expect("conditions");
        let stalled = conditions.iter().find(|c| c["type"] == "Stalled").expect("a condition");
        assert_eq!(stalled["reason"], "DeploymentUnreadable");
    });
    let scenario = Scenario::new().then(holds).then(event("Serving")).then(event("DeploymentUnreadable"));
    cluster.play(scenario, reconcile(mv, ctx)).await.expect("it waits");
}

#[tokio::test]
async fn nothing_is_approved_past_a_version_that_cannot_be_read() {
    let annotations = json!({
        "understudy.dev/requested-by": "alice", "understudy.dev/approve": "6f1c2b",
        "understudy.dev/approved-by": "bob",
    });
    let verdict = json!({"acceptance": {"verdict": "Passed", "by": "tess", "at": "2026-11-21T11:30:00Z"}});
    let status = with(
        with(staged("1.3.0"), verdict),
        json!({"transition": request("1.3.0", "Staging", "Production")}),
    );
    let parts =
        json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Production"}, "status": status});
    let mv = json_of(&version("1.3.0", parts));
    let md = json_of(&deployment(json!({})));
    assert_eq!(hold(&cluster(&md, &[&mv, &unreadable_version("1.2.0")])), reasons::Hold::VersionUnreadable);
    let free = cluster(&md, &[&mv]);
    assert_eq!(
        decide::decide(&observed(&free), now()),
        NextStep::Act(Step::Approve { by: "bob".to_owned(), comment: None })
    );
}

#[tokio::test]
async fn a_version_that_cannot_be_read_may_be_in_production_and_keeps_its_number() {
    let mv = json_of(&version("1.3.0", json!({"metadata": {"creationTimestamp": "2026-11-21T10:00:00Z"}})));
    let mut other: Value = unreadable_version("1.3.0");
    other["metadata"]["name"] = json!("fraud-older");
    other["metadata"]["creationTimestamp"] = json!("2026-11-21T09:00:00Z");
    let md = json_of(&deployment(json!({})));
    let observed = observed(&cluster(&md, &[&mv, &other]));
    assert!(observed.other_in_production);
    assert_eq!(observed.duplicate_of.as_deref(), Some("fraud-older"));
}

#[test]
fn the_tests_object_is_one_that_cannot_be_read() {
    assert!(serde_json::from_value::<ModelVersion>(unreadable_version("1.2.0")).is_err());
    assert!(serde_json::from_value::<understudy_crds::ModelDeployment>(unreadable_deployment()).is_err());
}
