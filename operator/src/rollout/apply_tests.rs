//! The order in which callers and pods are switched, and what becomes of a Service that is in the way.

use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::{deployment, pod, version},
    mock_api::{Cluster, Scenario, get, patch},
};

fn pod_of(name: &str, hash: Option<&str>) -> Arc<Pod> {
    let annotations: Value = hash.map_or(json!({}), |hash| json!({ROUTING: hash}));
    pod(
        "1.2.0",
        json!({"metadata": {"name": name, "uid": format!("uid-of-{name}"), "annotations": annotations}}),
    )
}

/// A deployment with these pods.
fn observed(pods: Vec<Arc<Pod>>) -> Observed {
    let md = deployment(json!({"spec": {"challenger": {"version": "1.3.0"}}}));
    Observed::new(Arc::new(md), vec![], pods, BTreeMap::new())
}

fn accepted() -> Challenger {
    Challenger::Accepted(Arc::new(version("1.3.0", json!({}))))
}

/// Switches callers to 1.2.0, and then the pods.
async fn route(ctx: Arc<Context>, observed: Observed, routing: Routing) -> Result<(), Error> {
    let answering = build::Answering { version: "1.2.0", transition: "6f1c2b" };
    let mut routed = Routed::new(super::switch(&ctx, &observed, Some(answering), true).await);
    follow(&ctx, &observed, &mut routed, Some("1.2.0"), &routing).await;
    routed.into_result()
}

/// The API server has neither Service nor routing yet.
fn switches(file: &Routing) -> Scenario {
    let file = serde_json::to_string(file).expect("JSON");
    Scenario::new()
        .then_creates("/services/fraud", |_| ())
        .then_creates("/configmaps/fraud-routing", move |sent| assert_eq!(sent["data"]["routing.json"], file))
}

#[tokio::test]
async fn pods_are_notified_after_the_file_is_written_and_only_those_that_have_another_one() {
    let mut cluster = Cluster::new();
    let challenger = accepted();
    let challenger = challenger.accepted().map(AsRef::as_ref);
    let routing = build::routing(&observed(vec![]).md, Some("1.2.0"), None, challenger);
    let hash = build::hash(&routing);
    let pods = vec![pod_of("current", Some(&hash)), pod_of("old", Some("0ld")), pod_of("new", None)];
    let observed = observed(pods);

    let notified = ["old", "new"].map(|name| {
        let annotations = json!({"understudy.dev/routing": hash});
        patch(&format!("/pods/{name}")).with(move |sent| {
            assert_eq!(sent["metadata"]["annotations"], annotations);
            assert_eq!(
                sent["metadata"]["uid"],
                format!("uid-of-{name}"),
                "a new pod of that name is not meant"
            );
        })
    });
    let ctx = Arc::clone(&cluster.ctx);
    let pass = route(ctx, observed, routing.clone());
    cluster.play(switches(&routing).concurrently(notified), pass).await.expect("all are notified");
}

#[tokio::test]
async fn a_pod_that_cannot_be_notified_does_not_stop_the_others_and_fails_the_pass() {
    let mut cluster = Cluster::new();
    let observed = observed(vec![pod_of("broken", None), pod_of("gone", None), pod_of("fine", None)]);
    let routing = build::routing(&observed.md, Some("1.2.0"), None, None);
    let notified = [
        patch("/pods/broken").fails(500, "InternalError", "no"),
        patch("/pods/gone").finds_nothing(),
        patch("/pods/fine"),
    ];
    let ctx = Arc::clone(&cluster.ctx);
    let pass = route(ctx, observed, routing.clone());
    let routed = cluster.play(switches(&routing).concurrently(notified), pass).await;
    let error = routed.expect_err("the pass fails, and the next one goes on");
    assert_eq!(
        (error.reason(), error.to_string().as_str()),
        ("NotifyFailed", "failed to notify pod broken of the new routing")
    );
}

#[tokio::test]
async fn the_service_of_a_challenger_exists_before_any_pod_sends_copies_to_it() {
    let mut cluster = Cluster::new();
    let observed = observed(vec![]);
    let scenario = Scenario::new().then_creates("/services/fraud-challenger", |sent| {
        assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "1.3.0");
        assert_eq!(sent["spec"]["ports"][0]["targetPort"], "challenger");
    });
    let ctx = Arc::clone(&cluster.ctx);
    let (judged, result) = cluster.play(scenario, challenger(&ctx, &observed, accepted())).await;
    result.expect("it is created");
    assert!(judged.accepted().is_some());
}

#[tokio::test]
async fn a_service_of_another_owner_with_the_challengers_name_gets_no_copies() {
    let mut cluster = Cluster::new();
    let observed = observed(vec![]);
    let theirs = json!({"metadata": {"name": "fraud-challenger", "namespace": "risk", "ownerReferences": [
        {"apiVersion": "v1", "kind": "Shop", "name": "theirs", "uid": "uid-of-theirs", "controller": true},
    ]}});
    let scenario = Scenario::new().then(get("/services/fraud-challenger").finds(&theirs));
    let ctx = Arc::clone(&cluster.ctx);
    let (judged, result) = cluster.play(scenario, challenger(&ctx, &observed, accepted())).await;
    assert_eq!(result.expect_err("it is foreign").reason(), "NameConflict");
    let Challenger::Refused(refusal) = judged else { panic!("{judged:?}") };
    assert_eq!(refusal.reason, "NameConflict");
    assert!(refusal.message.contains("Service fraud-challenger exists"), "{}", refusal.message);
}

#[tokio::test]
async fn without_an_accepted_challenger_nothing_is_created_for_one() {
    let mut cluster = Cluster::new();
    let observed = observed(vec![]);
    let ctx = Arc::clone(&cluster.ctx);
    let pass = challenger(&ctx, &observed, Challenger::NotNamed);
    let (judged, result) = cluster.play(Scenario::new(), pass).await;
    result.expect("nothing to do");
    assert!(judged.accepted().is_none());
}

/// Whether the pods of 1.3.0 wait, while this version is main and callers reach that one.
fn waits(main: Option<&str>, reached: &'static str, runs: &str) -> bool {
    let mut cluster = Cluster::new();
    let status = main.map_or(json!({}), crate::fixtures::main_is);
    let md = deployment(json!({"status": status}));
    let answering = build::Answering { version: reached, transition: "6f1c2b" };
    cluster.sees(&build::main_service(&md, Some(answering)));
    let wanted = version("1.3.0", json!({}));
    let parts = json!({"spec": {"artifact": {"sha256": "0".repeat(64)}}});
    let other = if runs == "others" { version("1.3.0", parts) } else { wanted.clone() };
    let config = &cluster.ctx.config;
    let found = Workload::from(build::workload(&md, &other, 1, config));
    let workload = build::workload(&md, &wanted, 1, config);
    let observed = Observed::new(Arc::new(md), vec![], vec![], BTreeMap::new());
    has_callers_of_another(&cluster.ctx, &observed, &wanted, Some(&found), &workload)
}

#[tokio::test]
async fn a_version_does_not_change_the_bytes_of_pods_that_callers_reach_by_another_one_of_its_number() {
    assert!(waits(Some("1.3.0"), "1.3.0", "others"), "another object is main, and has this number");
    assert!(waits(Some("1.2.0"), "1.3.0", "others"), "callers were switched, and nobody recorded it");
    assert!(!waits(Some("1.2.0"), "1.2.0", "others"), "nobody reaches these pods");
    assert!(!waits(Some("1.2.0"), "1.3.0", "the same"), "callers were switched to these bytes");
}
