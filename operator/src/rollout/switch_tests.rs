//! What is recorded around the write that switches callers, whatever fails, crashes or is lost there.

use k8s_openapi::api::core::v1::Service;
use rstest::rstest;
use serde_json::json;

use super::{
    scenario::{
        NEW, OLD, STATUS, candidate, condition, follows, notified, pass, policy_refuses, promoting, reads,
        records_the_promotion, see_pods, selects, serving,
    },
    *,
};
use crate::{
    fixtures::{main_is, rolled_out, staged, starting_pod, version},
    mock_api::{Cluster, Exchange, Scenario, event, get, patch, write_status},
};

/// The stable Service while it selects the version of this number.
fn service(cluster: &Cluster, number: &'static str, transition: &'static str) -> Service {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    build::main_service(&md, Some(build::Answering { version: number, transition }))
}

/// The deployment in which 1.3.0 is recorded as main.
fn recorded(cluster: &Cluster) -> ModelDeployment {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let mut md = md.as_ref().clone();
    md.metadata.resource_version = Some("101".to_owned());
    md.status = serde_json::from_value(main_is("1.3.0")).expect("a status");
    md
}

/// Everything that allows the promotion was read, callers are switched, and that is recorded.
fn recorded_first(cluster: &Cluster) -> Scenario {
    Scenario::new()
        .concurrently(reads(cluster, policy_refuses()))
        .then(selects("/services/fraud", "1.3.0"))
        .then(records_the_promotion())
        .then(event("Promoted"))
}

/// The write that reports a failure. 1.3.0 stays recorded as main.
fn reports(reason: &'static str) -> [Exchange; 2] {
    let status = write_status(STATUS).with(move |sent| {
        let status = &sent["status"];
        assert_eq!(
            (&status["main"]["version"], &status["history"][1]["version"]),
            (&json!("1.3.0"), &json!("1.3.0"))
        );
        assert_eq!(
            status["history"].as_array().map(Vec::len),
            Some(2),
            "the change is recorded once: {sent}"
        );
        assert_eq!(condition(sent, "Stalled")["reason"], reason, "{sent}");
        assert_eq!(condition(sent, "Ready")["status"], "False", "{sent}");
    });
    [status, event(reason)]
}

fn then_all(scenario: Scenario, exchanges: impl IntoIterator<Item = Exchange>) -> Scenario {
    exchanges.into_iter().fold(scenario, Scenario::then)
}

/// The disruption budget is not ours.
fn see_foreign_budget(cluster: &mut Cluster) {
    cluster.sees(&json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "fraud", "namespace": "risk", "uid": "uid-of-theirs"},
        "spec": {"minAvailable": 1},
    }));
}

#[tokio::test]
async fn a_budget_of_a_user_with_the_models_name_is_reported_and_does_not_hide_who_is_main() {
    let (mut cluster, _pods) = promoting().await;
    see_foreign_budget(&mut cluster);
    let scenario = recorded_first(&cluster)
        .then(patch("/configmaps/fraud-routing"))
        .concurrently(notified(&OLD).into_iter().chain(notified(&NEW)));
    let state = Arc::default();
    let error = pass(&mut cluster, &state, then_all(scenario, reports("NameConflict")))
        .await
        .expect_err("the budget is retried");
    assert_eq!(error.reason(), "NameConflict");

    cluster.sees_what_was_written();
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    assert_eq!(md.main().expect("main").version, "1.3.0");
}

#[tokio::test]
async fn a_main_next_to_the_budget_of_a_user_is_still_checked_through_its_service() {
    let (mut cluster, pods) = serving(&[]).await;
    see_foreign_budget(&mut cluster);
    let status = write_status(STATUS).with(|sent| {
        assert_eq!(condition(sent, "Running")["reason"], "Answers", "{sent}");
        assert_eq!(condition(sent, "Stalled")["reason"], "NameConflict", "{sent}");
    });
    let scenario = Scenario::new().then(status).then(event("NameConflict"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the budget is retried");
    assert_eq!(pods.probed(), ["fraud.risk.svc"]);
}

#[tokio::test]
async fn a_routing_file_that_cannot_be_written_is_reported_and_no_pod_is_notified_of_it() {
    let (mut cluster, _pods) = promoting().await;
    let scenario = recorded_first(&cluster)
        .then(patch("/configmaps/fraud-routing").fails(500, "InternalError", "no"))
        .then(selects("/poddisruptionbudgets/fraud", "1.3.0"));
    let scenario = then_all(scenario, reports("ApplyFailed"));
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the file is retried");
    assert_eq!(error.reason(), "ApplyFailed");
}

#[tokio::test]
async fn a_pod_that_cannot_be_notified_is_reported_after_main_is_recorded() {
    let (mut cluster, _pods) = promoting().await;
    let [broken, old] = <[Exchange; 2]>::try_from(notified(&OLD)).expect("two pods");
    let notified = [broken.fails(403, "Forbidden", "a webhook"), old].into_iter().chain(notified(&NEW));
    let scenario = recorded_first(&cluster)
        .then(patch("/configmaps/fraud-routing"))
        .then(selects("/poddisruptionbudgets/fraud", "1.3.0"))
        .concurrently(notified);
    let scenario = then_all(scenario, reports("NotifyFailed"));
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the pod is retried");
    assert_eq!(error.reason(), "NotifyFailed");
}

#[tokio::test]
async fn pods_learn_of_the_switch_even_if_its_record_is_refused() {
    let (mut cluster, _pods) = promoting().await;
    let scenario = follows(
        Scenario::new()
            .concurrently(reads(&cluster, policy_refuses()))
            .then(selects("/services/fraud", "1.3.0"))
            .then(write_status(STATUS).fails(500, "InternalError", "no")),
    );
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the record is retried");
    assert_eq!(error.reason(), "WriteStatusFailed");
}

/// As [`promoting`], and an operator has crashed right after it had switched callers to 1.3.0.
async fn crashed_after_the_switch() -> (Cluster, crate::mock_pods::Pods) {
    let (mut cluster, pods) = promoting().await;
    let switched = service(&cluster, "1.3.0", "6f1c2b");
    cluster.sees(&switched);
    (cluster, pods)
}

/// What a new leader reads before it records a switch that it finds.
fn reads_after_a_crash(cluster: &Cluster) -> Scenario {
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    Scenario::new().concurrently([
        get("/modelversions/fraud-1.3.0").finds(&candidate()),
        get("/modeldeployments/fraud").finds(md.as_ref()),
        get("/services/fraud").finds(&service(cluster, "1.3.0", "6f1c2b")),
    ])
}

#[tokio::test]
async fn a_switch_that_a_crashed_operator_did_not_record_is_recorded_and_callers_are_not_sent_back() {
    let (mut cluster, pods) = crashed_after_the_switch().await;
    // Since then, the pods of 1.3.0 became unready, and none of them answers.
    for ip in NEW {
        let mut pod = starting_pod("1.3.0").as_ref().clone();
        pod.metadata.name = Some(format!("pod-{}", ip.replace('.', "-")));
        cluster.sees(&pod);
        pods.forget(&format!("{ip}:8082"));
    }
    let scenario =
        follows(reads_after_a_crash(&cluster).then(records_the_promotion()).then(event("Promoted")));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("1.3.0 is main");
}

#[tokio::test]
async fn a_selector_that_somebody_else_set_to_the_next_main_is_not_taken_for_a_switch() {
    let (mut cluster, pods) = promoting().await;
    let edited = service(&cluster, "1.3.0", "Production-of-1.2.0");
    cluster.sees(&edited);
    pods.answer("10.0.0.8:8082", "1.3.0", "1.2.0");
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let scenario = Scenario::new()
        .then(get("/modeldeployments/fraud").finds(md.as_ref()))
        .then(selects("/services/fraud", "1.2.0"))
        .then(super::scenario::waits("NoAnswer"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it waits");
}

#[tokio::test]
async fn a_switch_whose_request_was_withdrawn_before_it_was_recorded_is_undone() {
    let (mut cluster, _pods) = crashed_after_the_switch().await;
    cluster.sees(&version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")})));
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    // In Staging, 1.3.0 has one pod.
    let workload = build::workload(&md, &candidate(), 1, &cluster.ctx.config);
    cluster.sees(&rolled_out(&workload));
    let scenario = Scenario::new()
        .then(get("/modeldeployments/fraud").finds(md.as_ref()))
        .then(selects("/services/fraud", "1.2.0"))
        .then(write_status(STATUS).with(|sent| assert_eq!(sent["status"]["main"]["version"], "1.2.0")));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("1.2.0 is main");
}

#[rstest]
#[case::conflict(409, "Conflict")]
#[case::timeout(504, "Timeout")]
#[case::internal(500, "InternalError")]
#[tokio::test]
async fn a_switch_that_took_effect_is_recorded_even_if_its_answer_is(
    #[case] code: u16,
    #[case] reason: &str,
) {
    let (mut cluster, _pods) = promoting().await;
    let switched = service(&cluster, "1.3.0", "6f1c2b");
    let scenario = follows(
        Scenario::new()
            .concurrently(reads(&cluster, policy_refuses()))
            .then(selects("/services/fraud", "1.3.0").fails(code, reason, "the answer is lost"))
            .then(get("/services/fraud").finds(&switched))
            .then(records_the_promotion())
            .then(event("Promoted")),
    );
    pass(&mut cluster, &Arc::default(), scenario).await.expect("1.3.0 is main");
}

#[tokio::test]
async fn nothing_is_recorded_while_it_is_unknown_whether_callers_were_switched() {
    let (mut cluster, _pods) = promoting().await;
    let scenario = Scenario::new()
        .concurrently(reads(&cluster, policy_refuses()))
        .then(selects("/services/fraud", "1.3.0").fails(504, "Timeout", "the answer is lost"))
        .then(get("/services/fraud").fails(504, "Timeout", "the API server is away"));
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the pass is repeated");
    assert_eq!(error.reason(), "ApplyFailed");
}

#[tokio::test]
async fn a_switch_of_a_service_that_another_leader_has_changed_has_no_effect() {
    let (mut cluster, _pods) = promoting().await;
    let mut theirs = service(&cluster, "1.4.0", "another");
    theirs.metadata.resource_version = Some("7".to_owned());
    let mut seen = service(&cluster, "1.2.0", "Production-of-1.2.0");
    seen.metadata.resource_version = Some("5".to_owned());
    cluster.sees(&seen);
    let refused = selects("/services/fraud", "1.3.0")
        .with(|sent| assert_eq!(sent["metadata"]["resourceVersion"], "5", "only the Service that was seen"))
        .fails(409, "Conflict", "the object has been modified");
    let scenario = Scenario::new()
        .concurrently(reads(&cluster, policy_refuses()))
        .then(refused)
        .then(get("/services/fraud").finds(&theirs));
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the pass is repeated");
    assert!(error.had_no_effect(), "{error}");
}

#[tokio::test]
async fn a_record_whose_answer_is_lost_does_not_send_callers_back() {
    let (mut cluster, _pods) = promoting().await;
    let state = Arc::default();
    let scenario = follows(
        Scenario::new()
            .concurrently(reads(&cluster, policy_refuses()))
            .then(selects("/services/fraud", "1.3.0"))
            .then(records_the_promotion().fails(504, "Timeout", "the answer is lost")),
    );
    pass(&mut cluster, &state, scenario).await.expect_err("the answer is lost");

    // The cache does not have the record yet. The API server has it.
    cluster.sees_what_was_written();
    let now = recorded(&cluster);
    let scenario = Scenario::new().concurrently([
        get("/modelversions/fraud-1.3.0").finds(&candidate()),
        get("/modeldeployments/fraud").finds(&now),
        get("/services/fraud").finds(&service(&cluster, "1.3.0", "6f1c2b")),
    ]);
    let error = pass(&mut cluster, &state, scenario).await.expect_err("the view is old");
    assert!(error.had_no_effect(), "{error}");
}

#[tokio::test]
async fn a_view_from_before_the_record_does_not_send_callers_back() {
    let (mut cluster, _pods) = serving(&[]).await;
    let switched = service(&cluster, "1.3.0", "6f1c2b");
    cluster.sees(&switched);
    let now = recorded(&cluster);
    let scenario = Scenario::new().then(get("/modeldeployments/fraud").finds(&now));
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the view is old");
    assert!(error.had_no_effect(), "{error}");
}

#[tokio::test]
async fn a_selector_that_somebody_changed_is_put_back() {
    let (mut cluster, _pods) = serving(&[]).await;
    let edited = service(&cluster, "1.3.0", "Production-of-1.2.0");
    cluster.sees(&edited);
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let scenario = Scenario::new()
        .then(get("/modeldeployments/fraud").finds(md.as_ref()))
        .then(selects("/services/fraud", "1.2.0"))
        .then(write_status(STATUS).with(|sent| assert_eq!(condition(sent, "Ready")["status"], "True")));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it is put back");
}

#[tokio::test]
async fn the_pass_after_a_switch_finds_nothing_to_do() {
    let (mut cluster, pods) = promoting().await;
    let state = Arc::default();
    let scenario = follows(recorded_first(&cluster));
    pass(&mut cluster, &state, scenario).await.expect("1.3.0 is main");

    cluster.sees_what_was_written();
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let routing = build::routing(&md, Some("1.3.0"), Some(&candidate()), None);
    see_pods(&mut cluster, "1.2.0", OLD, &routing);
    see_pods(&mut cluster, "1.3.0", NEW, &routing);
    pods.answer("fraud.risk.svc", "1.3.0", "1.3.0");
    let answers =
        write_status(STATUS).with(|sent| assert_eq!(condition(sent, "Running")["reason"], "Answers"));
    pass(&mut cluster, &state, Scenario::new().then(answers)).await.expect("its conditions are written");
}
