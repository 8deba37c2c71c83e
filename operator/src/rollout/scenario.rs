//! The scenarios of the tests: a deployment that serves, one that is being promoted, and the requests of a pass over it.

use k8s_openapi::api::core::v1::Service;
use kube::runtime::reflector::ObjectRef;
use serde_json::{Value, json};
use understudy_contract::Routing;
use understudy_crds::ModelVersion;

use super::*;
use crate::{
    fixtures::{deployment, main_is, proven, ready_pod, rolled_out, rolling_out, version},
    mock_api::{Cluster, Exchange, Scenario, event, get, patch, write_status},
    mock_pods::Pods,
};

pub(super) const STATUS: &str = "/modeldeployments/fraud/status";
/// The message of the approval policy for the forbidden write.
pub(super) const REFUSAL: &str = "four eyes: an approval by its own requester cannot be recorded";

/// The addresses of the pods of each version.
pub(super) const OLD: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
pub(super) const NEW: [&str; 2] = ["10.0.0.7", "10.0.0.8"];

/// One pass over the deployment as the cache has it.
pub(super) async fn pass(
    cluster: &mut Cluster,
    state: &Arc<State>,
    scenario: Scenario,
) -> Result<Action, Error> {
    let ctx = Arc::clone(&cluster.ctx);
    let md = ctx.cache.deployment("risk", "fraud").expect("the cache has the deployment");
    cluster.play(scenario, reconcile(md, ctx, Arc::clone(state))).await
}

pub(super) fn main_version() -> ModelVersion {
    version("1.2.0", json!({"spec": {"stage": "Production"}, "status": proven("1.2.0", "Production")}))
}

/// bob has approved 1.3.0 for Production.
pub(super) fn candidate() -> ModelVersion {
    version("1.3.0", json!({"spec": {"stage": "Production"}, "status": rolling_out("1.3.0")}))
}

/// A deployment whose main is 1.2.0, with two pods, and everything of it as it should be. Its status has no conditions
/// yet.
pub(super) async fn serving(versions: &[ModelVersion]) -> (Cluster, Pods) {
    let pods = Pods::start().await;
    let mut cluster = Cluster::with_prober(pods.prober());
    serve(&mut cluster, &pods, versions);
    (cluster, pods)
}

/// The caches have what [`serving`] says.
pub(super) fn serve(cluster: &mut Cluster, pods: &Pods, versions: &[ModelVersion]) {
    let md = deployment(json!({"spec": {"replicas": 2}, "status": main_is("1.2.0")}));
    let main = main_version();
    let routing = build::routing(&md, Some("1.2.0"), Some(&main), None);
    let workload = build::workload(&md, &main, 2, &cluster.ctx.config);
    cluster.sees(&rolled_out(&workload));
    cluster.sees(&build::version_service(&md, "1.2.0"));
    cluster.sees(&md);
    cluster.sees(&selecting_main(cluster));
    cluster.sees(&build::config_map(&md, &routing, None));
    cluster.sees(&build::budget(&md, Some("1.2.0")).expect("two pods have a budget"));
    see_pods(cluster, "1.2.0", OLD, &routing);
    for version in versions.iter().chain([&main]) {
        cluster.sees(version);
    }
    cluster.sees(&md);
    pods.answer("fraud.risk.svc", "1.2.0", "1.2.0");
}

/// The stable Service while 1.2.0 is main.
pub(super) fn selecting_main(cluster: &Cluster) -> Service {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let answering = build::Answering { version: "1.2.0", transition: "Production-of-1.2.0" };
    build::main_service(&md, Some(answering))
}

/// As [`serving`]; both pods of 1.3.0 are ready, and answer as they should.
pub(super) async fn promoting() -> (Cluster, Pods) {
    let (mut cluster, pods) = serving(&[candidate()]).await;
    promote(&mut cluster, &pods);
    (cluster, pods)
}

/// The caches have what [`promoting`] says.
pub(super) fn promote(cluster: &mut Cluster, pods: &Pods) {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let workload = build::workload(&md, &candidate(), 2, &cluster.ctx.config);
    cluster.sees(&rolled_out(&workload));
    cluster.sees(&build::version_service(&md, "1.3.0"));
    let routing = build::routing(&md, Some("1.2.0"), Some(&main_version()), None);
    see_pods(cluster, "1.3.0", NEW, &routing);
    for ip in NEW {
        pods.answer(&format!("{ip}:8082"), "1.3.0", "1.3.0");
    }
}

/// The caches have ready pods of this version, which know this routing.
pub(super) fn see_pods(cluster: &mut Cluster, number: &str, addresses: [&str; 2], routing: &Routing) {
    let file = cluster.ctx.cache.config_maps.get(&ObjectRef::new("fraud-routing").within("risk"));
    let edition = build::edition(file.as_deref().expect("it was seen"), routing);
    let annotation = ("understudy.dev/routing".to_owned(), edition);
    for ip in addresses {
        let mut pod = ready_pod(number, ip);
        Arc::make_mut(&mut pod).metadata.annotations = Some([annotation.clone()].into());
        cluster.sees(pod.as_ref());
    }
}

/// What a promotion is decided by, read from the API server, while the policy is in force or not.
pub(super) fn reads(cluster: &Cluster, policy: Exchange) -> [Exchange; 3] {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    [
        get("/modelversions/fraud-1.3.0").finds(&candidate()),
        get("/modeldeployments/fraud").finds(md.as_ref()),
        policy,
    ]
}

/// The forbidden write, tried without effect.
pub(super) fn forbidden_write() -> Exchange {
    patch("/modelversions/fraud-1.3.0/status").in_a_dry_run()
}

pub(super) fn policy_refuses() -> Exchange {
    forbidden_write().fails(422, "Invalid", REFUSAL)
}

pub(super) fn selects(path: &str, number: &'static str) -> Exchange {
    patch(path).with(move |sent| {
        let selector = &sent["spec"]["selector"];
        let labels = selector.get("matchLabels").unwrap_or(selector);
        assert_eq!(labels["understudy.dev/version"], number, "{sent}");
    })
}

/// Callers are switched to 1.3.0, and that is recorded.
pub(super) fn switches(scenario: Scenario, record: Exchange, announced: &'static str) -> Scenario {
    scenario.then(selects("/services/fraud", "1.3.0")).then(record).then(event(announced))
}

/// After callers, the pods' file and the pods themselves are switched to 1.3.0.
pub(super) fn follows(scenario: Scenario) -> Scenario {
    scenario
        .then(patch("/configmaps/fraud-routing").with(|sent| {
            assert_eq!(sent["data"]["routing.json"], r#"{"main":"1.3.0"}"#);
        }))
        .then(selects("/poddisruptionbudgets/fraud", "1.3.0"))
        .concurrently(notified(&OLD).into_iter().chain(notified(&NEW)))
}

/// The pods at these addresses learn that the file has changed.
pub(super) fn notified(addresses: &[&str]) -> Vec<Exchange> {
    addresses.iter().map(|ip| patch(&format!("/pods/pod-{}", ip.replace('.', "-")))).collect()
}

/// The write onto the deployment that was judged: 1.3.0 is main.
pub(super) fn records_the_promotion() -> Exchange {
    write_status(STATUS).with(|sent| {
        assert_eq!(sent["metadata"]["resourceVersion"], "100");
        let status = &sent["status"];
        assert_eq!(
            (&status["main"]["version"], &status["main"]["transition"], &status["previous"]["version"]),
            (&json!("1.3.0"), &json!("6f1c2b"), &json!("1.2.0"))
        );
        let record = &status["history"][1];
        assert_eq!((&record["requestedBy"], &record["approvedBy"]), (&json!("alice"), &json!("bob")));
    })
}

/// The write that says what 1.3.0 waits for. 1.2.0 stays main.
pub(super) fn waits(reason: &'static str) -> Exchange {
    write_status(STATUS).with(move |sent| {
        let status = &sent["status"];
        assert_eq!(
            (&status["main"]["version"], &status["rollout"]["version"]),
            (&json!("1.2.0"), &json!("1.3.0"))
        );
        assert_eq!(condition(sent, "Reconciling")["reason"], reason, "{sent}");
    })
}

pub(super) fn condition<'a>(sent: &'a Value, type_: &str) -> &'a Value {
    let all = sent["status"]["conditions"].as_array().expect("conditions");
    all.iter().find(|c| c["type"] == type_).unwrap_or(&Value::Null)
}

pub(super) fn direct(addresses: [&str; 2]) -> Vec<String> {
    addresses.map(|ip| format!("{ip}:8082")).to_vec()
}
