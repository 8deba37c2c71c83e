//! Passes over a deployment, request by request.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::runtime::reflector::ObjectRef;
use serde_json::{Value, json};
use understudy_crds::Stage;

use super::{
    scenario::{
        NEW, OLD, REFUSAL, STATUS, candidate, condition, direct, follows, forbidden_write, main_version,
        notified, pass, policy_refuses, promoting, reads, records_the_promotion, see_pods, selecting_main,
        selects, serving, switches, waits,
    },
    *,
};
use crate::{
    cluster::key::Key,
    fixtures::{
        approved, deployment, main_is, proven, request, rollback_to, rolled_out, staged, version, with,
    },
    mock_api::{Cluster, Scenario, delete, event, get, patch, write_status},
};

#[tokio::test]
async fn a_new_deployment_gets_its_file_then_pods_then_a_service_that_selects_nobody_then_its_status() {
    let mut cluster = Cluster::new();
    cluster.sees(&deployment(json!({})));
    cluster.sees(&version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")})));
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let file = build::config_map(&md, &build::routing(&md, None, None, None), None);
    let scenario = Scenario::new()
        .then_creates("/configmaps/fraud-routing", |sent| {
            assert_eq!(sent["data"]["routing.json"], r#"{"main":null}"#);
        })
        .then_creates("/deployments/fraud-v1-3-0", |sent| assert_eq!(sent["spec"]["replicas"], 1))
        .then_creates("/services/fraud-v1-3-0", |sent| {
            assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "1.3.0");
        })
        .then_creates("/services/fraud", |sent| {
            assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "none");
        })
        .then(get("/configmaps/fraud-routing").finds(&file))
        .then(write_status(STATUS).with(|sent| {
            assert_eq!(
                (&sent["status"]["main"], condition(sent, "Deployed")["reason"].as_str()),
                (&Value::Null, Some("NoMain"))
            );
            assert_eq!(sent["status"]["staging"][0]["modelVersion"], "fraud-1.3.0");
        }));
    let state = Arc::default();
    pass(&mut cluster, &state, scenario).await.expect("all is created");

    cluster.sees_what_was_written();
    pass(&mut cluster, &state, Scenario::new()).await.expect("nothing to do");
}

#[tokio::test]
async fn a_deployment_that_serves_costs_only_the_probe_of_its_service() {
    let (mut cluster, pods) = serving(&[]).await;
    let state = Arc::default();
    let conditions = write_status(STATUS).with(|sent| {
        assert_eq!(
            (&condition(sent, "Ready")["status"], &sent["status"]["main"]["readyReplicas"]),
            (&json!("True"), &json!(2))
        );
        let of_main = "understudy.dev/deployment=fraud,understudy.dev/version=1.2.0";
        let selector = sent["status"]["selector"].as_str().unwrap_or_default();
        assert!(selector.ends_with(of_main), "an autoscaler finds the pods of main: {selector}");
    });
    pass(&mut cluster, &state, Scenario::new().then(conditions)).await.expect("its conditions are written");
    cluster.sees_what_was_written();
    pods.probed();

    pass(&mut cluster, &state, Scenario::new()).await.expect("nothing to do");
    assert_eq!(pods.probed(), [""; 0], "the newest answer is from a moment ago");
}

#[tokio::test]
async fn a_new_leader_that_has_not_checked_the_policy_yet_keeps_what_the_leader_before_found() {
    let (mut before, _pods) = serving(&[]).await;
    let (ctx, main) = (Arc::clone(&before.ctx), main_version());
    let refused = patch("/modelversions/fraud-1.2.0/status").in_a_dry_run().fails(422, "Invalid", REFUSAL);
    before.play(Scenario::new().then(refused), ctx.policy.check(Some(&main))).await;
    let conditions = write_status(STATUS)
        .with(|sent| assert_eq!(condition(sent, "ApprovalPolicyActive")["reason"], "Enforced", "{sent}"));
    pass(&mut before, &Arc::default(), Scenario::new().then(conditions)).await.expect("it serves");
    before.sees_what_was_written();

    let (mut after, _pods) = serving(&[]).await;
    after.sees(ctx.cache.deployment("risk", "fraud").expect("it was seen").as_ref());
    pass(&mut after, &Arc::default(), Scenario::new()).await.expect("nothing to do");
}

#[tokio::test]
async fn a_promotion_switches_callers_is_recorded_and_then_switches_the_file_and_the_pods() {
    let (mut cluster, pods) = promoting().await;
    let scenario = Scenario::new().concurrently(reads(&cluster, policy_refuses()));
    let scenario = follows(switches(scenario, records_the_promotion(), "Promoted"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("1.3.0 is main");
    assert_eq!(pods.probed(), direct(NEW), "every pod of the new main answered a real inference first");

    let deployment = Key::new("risk", "fraud");
    assert!(
        cluster.ctx.cache.deployments.is_behind(&deployment),
        "no pass gets a view from before the switch"
    );
}

#[tokio::test]
async fn callers_stay_with_main_while_the_approval_policy_is_not_in_force() {
    let (mut cluster, pods) = promoting().await;
    let passes = forbidden_write().finds(&candidate());
    let scenario = Scenario::new()
        .concurrently(reads(&cluster, passes))
        .then(waits("ApprovalPolicyInactive"))
        .then(event("NotEnforced"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it waits");
    assert_eq!(pods.probed(), [&direct(NEW)[..], &["fraud.risk.svc".to_owned()]].concat());
}

#[tokio::test]
async fn callers_stay_with_main_while_a_pod_of_the_next_one_serves_other_bytes() {
    let (mut cluster, pods) = promoting().await;
    pods.answer("10.0.0.8:8082", "1.3.0", "1.2.0");
    pass(&mut cluster, &Arc::default(), Scenario::new().then(waits("NoAnswer"))).await.expect("it waits");
    assert_eq!(pods.probed(), [&direct(NEW)[..], &["fraud.risk.svc".to_owned()]].concat());
}

#[tokio::test]
async fn callers_stay_with_main_while_a_pod_of_the_next_one_is_missing() {
    let (mut cluster, pods) = promoting().await;
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let mut workload = rolled_out(&build::workload(&md, &candidate(), 2, &cluster.ctx.config));
    workload.status.get_or_insert_default().ready_replicas = Some(1);
    cluster.sees(&workload);
    pass(&mut cluster, &Arc::default(), Scenario::new().then(waits("PodsNotReady"))).await.expect("it waits");
    assert_eq!(pods.probed(), ["fraud.risk.svc"], "no pod is probed in vain");
}

#[tokio::test]
async fn callers_stay_with_main_if_the_request_was_withdrawn_a_moment_ago() {
    let (mut cluster, _pods) = promoting().await;
    let mut withdrawn = candidate();
    withdrawn.spec.stage = Stage::Staging;
    let [_, deployment, policy] = reads(&cluster, policy_refuses());
    let scenario = Scenario::new()
        .concurrently([get("/modelversions/fraud-1.3.0").finds(&withdrawn), deployment, policy])
        .then(waits("RequestChanged"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it waits");
}

#[tokio::test]
async fn a_service_that_cannot_be_switched_is_neither_recorded_nor_followed_by_the_pods() {
    let (mut cluster, _pods) = promoting().await;
    let scenario = Scenario::new()
        .concurrently(reads(&cluster, policy_refuses()))
        .then(patch("/services/fraud").fails(500, "InternalError", "no"))
        .then(get("/services/fraud").finds(&selecting_main(&cluster)))
        .then(write_status(STATUS).with(|sent| {
            assert_eq!(sent["status"]["main"]["version"], "1.2.0");
            assert_eq!(condition(sent, "Stalled")["reason"], "ApplyFailed");
        }))
        .then(event("ApplyFailed"));
    let error = pass(&mut cluster, &Arc::default(), scenario).await.expect_err("the pass failed");
    assert_eq!(error.reason(), "ApplyFailed");
}

#[tokio::test]
async fn a_switch_whose_record_met_a_conflict_is_recorded_by_the_next_pass() {
    let (mut cluster, pods) = promoting().await;
    let state = Arc::default();
    let scenario = Scenario::new().concurrently(reads(&cluster, policy_refuses()));
    let conflict = write_status(STATUS).fails(409, "Conflict", "the object has been modified");
    let scenario = follows(scenario.then(selects("/services/fraud", "1.3.0")).then(conflict));
    let error = pass(&mut cluster, &state, scenario).await.expect_err("a conflict");
    assert!(error.had_no_effect(), "{error}");

    cluster.sees_what_was_written();
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let routing = build::routing(&md, Some("1.3.0"), Some(&candidate()), None);
    see_pods(&mut cluster, "1.2.0", OLD, &routing);
    see_pods(&mut cluster, "1.3.0", NEW, &routing);
    pods.probed();
    let service =
        cluster.ctx.cache.services.get(&ObjectRef::new("fraud").within("risk")).expect("it was seen");
    let [version, deployment, _] = reads(&cluster, policy_refuses());
    let scenario = Scenario::new()
        .concurrently([version, deployment, get("/services/fraud").finds(service.as_ref())])
        .then(records_the_promotion())
        .then(event("Promoted"));
    pass(&mut cluster, &state, scenario).await.expect("1.3.0 is main");
    assert_eq!(pods.probed(), [""; 0], "its pods were probed before callers were switched");
}

#[tokio::test]
async fn a_rollback_switches_as_a_promotion_does_and_is_recorded_with_the_person_who_rolled_back() {
    let (mut cluster, pods) = promoting().await;
    let earlier =
        version("1.3.0", json!({"spec": {"stage": "Archived"}, "status": proven("1.3.0", "Archived")}));
    cluster.sees(&earlier);
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let annotations = serde_json::from_value(rollback_to("1.3.0")).expect("annotations");
    let metadata = ObjectMeta { annotations: Some(annotations), ..md.metadata.clone() };
    cluster.sees(&ModelDeployment { metadata, ..md.as_ref().clone() });

    let [_, deployment, policy] = reads(&cluster, policy_refuses());
    let scenario =
        Scenario::new().concurrently([get("/modelversions/fraud-1.3.0").finds(&earlier), deployment, policy]);
    let recorded = write_status(STATUS).with(|sent| {
        let status = &sent["status"];
        assert_eq!(
            (&status["main"]["version"], &status["main"]["transition"], &status["rollback"]["result"]),
            (&json!("1.3.0"), &json!("rollback:1.3.0#1"), &json!("Done"))
        );
        let record = &status["history"][1];
        assert_eq!((&record["reason"], &record["requestedBy"]), (&json!("RolledBack"), &json!("carol")));
    });
    let scenario = follows(switches(scenario, recorded, "RolledBack"));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("1.3.0 is main again");
    assert_eq!(pods.probed(), direct(NEW), "every pod answered a real inference first");
}

#[tokio::test]
async fn a_main_that_leaves_production_has_no_callers_before_the_record_and_its_pods_say_so() {
    let (mut cluster, _pods) = serving(&[]).await;
    let transition = json!({"transition": approved(request("1.2.0", "Production", "Archived"))});
    let leaving = version(
        "1.2.0",
        json!({
            "spec": {"stage": "Archived"}, "status": with(proven("1.2.0", "Production"), transition),
        }),
    );
    cluster.sees(&leaving);
    let md = cluster.ctx.cache.deployment("risk", "fraud").expect("it was seen");
    let deleted = json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
    let scenario = Scenario::new()
        .then(get("/modelversions/fraud-1.2.0").finds(&leaving))
        .then(get("/modeldeployments/fraud").finds(md.as_ref()))
        .then(selects("/services/fraud", "none"))
        .then(write_status(STATUS).with(|sent| {
            let status = &sent["status"];
            assert_eq!((&status["main"], &status["previous"]["version"]), (&Value::Null, &json!("1.2.0")));
        }))
        .then(event("TakenDown"))
        .then(patch("/configmaps/fraud-routing").with(|sent| {
            assert_eq!(sent["data"]["routing.json"], r#"{"main":null}"#);
        }))
        .then(delete("/poddisruptionbudgets/fraud").finds(&deleted))
        .concurrently(notified(&OLD));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("no version is main");
}

#[tokio::test]
async fn an_object_that_is_not_needed_and_lost_its_labels_is_deleted_by_its_uid_before_its_record_goes() {
    let (mut cluster, _pods) = serving(&[]).await;
    let lost = json!({"kind": "Deployment", "name": "fraud-v1-1-0", "uid": "5e5e"});
    let status = with(main_is("1.2.0"), json!({"objects": [lost]}));
    cluster.sees(&deployment(json!({"spec": {"replicas": 2}, "status": status})));
    let deleted = json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
    let scenario = Scenario::new()
        .then(
            delete("/deployments/fraud-v1-1-0")
                .with(|sent| assert_eq!(sent["preconditions"]["uid"], "5e5e"))
                .finds(&deleted),
        )
        .then(write_status(STATUS).with(|sent| {
            let names: Vec<_> =
                sent["status"]["objects"].as_array().into_iter().flatten().map(|o| &o["name"]).collect();
            assert!(!names.contains(&&json!("fraud-v1-1-0")), "{names:?}");
        }));
    pass(&mut cluster, &Arc::default(), scenario).await.expect("it is forgotten");
}
