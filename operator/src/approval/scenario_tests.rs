//! Passes over a version, request by request.

use serde_json::{Value, json};
use understudy_contract::probe::Proof;

use super::*;
use crate::{
    fixtures::{
        NOW, approved, deployment, digest, main_is, proven, ready_pod, request, rolling_out, staged, version,
        with,
    },
    mock_api::{Cluster, Exchange, Scenario, event, get, patch, write_status},
    mock_pods::Pods,
};

const VERSION: &str = "/modelversions/fraud-1.3.0";
const STATUS: &str = "/modelversions/fraud-1.3.0/status";
const DEPLOYMENT: &str = "/modeldeployments/fraud";
/// The message of the approval policy for the forbidden write.
const REFUSAL: &str = "four eyes: an approval by its own requester cannot be recorded";

/// A cluster with the deployment and these versions in its caches.
pub(super) fn cluster(versions: &[&ModelVersion]) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.sees(&deployment(json!({})));
    for version in versions {
        cluster.sees(version);
    }
    cluster
}

/// One pass over 1.3.0 as the cache has it.
pub(super) async fn pass(cluster: &mut Cluster, scenario: Scenario) -> Result<Action, Error> {
    let ctx = Arc::clone(&cluster.ctx);
    let mv = ctx.cache.version("risk", "fraud-1.3.0").expect("the cache has the version");
    cluster.play(scenario, reconcile(mv, ctx)).await
}

/// What a decision is made by, read from the API server.
fn reads(version: &ModelVersion, more: impl IntoIterator<Item = Exchange>) -> Scenario {
    let reads = [get(VERSION).finds(version), get(DEPLOYMENT).finds(&deployment(json!({})))];
    Scenario::new().concurrently(reads.into_iter().chain(more))
}

/// The forbidden write, tried without effect: the policy refuses it.
fn policy_refuses() -> Exchange {
    patch(STATUS).in_a_dry_run().fails(422, "Invalid", REFUSAL)
}

/// The forbidden write, tried without effect: nothing refuses it.
fn nothing_refuses(version: &ModelVersion) -> Exchange {
    patch(STATUS).in_a_dry_run().finds(version)
}

/// alice requests Staging for a new version.
fn requested() -> ModelVersion {
    let annotations = json!({"understudy.dev/requested-by": "alice"});
    version("1.3.0", json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Staging"}}))
}

/// alice requests Staging, and bob has written that he approves.
fn approved_by_bob() -> ModelVersion {
    let annotations = json!({
        "understudy.dev/requested-by": "alice", "understudy.dev/approve": "6f1c2b",
        "understudy.dev/approved-by": "bob",
    });
    let status = json!({"transition": request("1.3.0", "None", "Staging")});
    let parts =
        json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Staging"}, "status": status});
    version("1.3.0", parts)
}

fn condition<'a>(sent: &'a Value, type_: &str) -> &'a Value {
    let all = sent["status"]["conditions"].as_array().expect("conditions");
    all.iter().find(|c| c["type"] == type_).unwrap_or(&Value::Null)
}

/// The write onto exactly the version that was read.
fn writes(check: impl FnOnce(&Value) + 'static) -> Exchange {
    write_status(STATUS).with(|sent| assert_eq!(sent["metadata"]["resourceVersion"], "200")).with(check)
}

fn records_the_approval() -> Exchange {
    writes(|sent| {
        let status = &sent["status"];
        assert_eq!((&status["stage"], &status["transition"]), (&json!("Staging"), &Value::Null));
        let entry = &status["history"][0];
        assert_eq!(
            (&entry["id"], &entry["decision"], &entry["requestedBy"], &entry["decidedBy"], &entry["digest"]),
            (&json!("6f1c2b"), &json!("Approved"), &json!("alice"), &json!("bob"), &json!(digest("1.3.0")))
        );
    })
}

#[tokio::test]
async fn a_request_becomes_pending_by_one_write_after_the_policy_was_tried() {
    let version = requested();
    let scenario = reads(&version, [policy_refuses()])
        .then(writes(|sent| {
            let transition = &sent["status"]["transition"];
            assert_eq!(
                (
                    &transition["from"],
                    &transition["to"],
                    &transition["requestedBy"],
                    &transition["generation"]
                ),
                (&json!("None"), &json!("Staging"), &json!("alice"), &json!(4))
            );
            assert_eq!(
                (&transition["digest"], &transition["approval"]),
                (&json!(digest("1.3.0")), &Value::Null)
            );
            assert_eq!(condition(sent, "Approvable")["status"], "True");
        }))
        .then(event("Requested"));
    pass(&mut cluster(&[&version]), scenario).await.expect("it is pending");
}

#[tokio::test]
async fn a_colleagues_approval_is_recorded_by_one_write_and_published() {
    let version = approved_by_bob();
    let scenario = reads(&version, [policy_refuses()]).then(records_the_approval()).then(event("Approved"));
    pass(&mut cluster(&[&version]), scenario).await.expect("it is approved");
}

#[tokio::test]
async fn an_approval_is_not_recorded_while_the_policy_is_not_in_force() {
    let version = approved_by_bob();
    let scenario = reads(&version, [nothing_refuses(&version)])
        .then(writes(|sent| {
            let status = &sent["status"];
            assert_eq!((&status["stage"], &status["history"]), (&json!("None"), &Value::Null));
            assert_eq!(status["transition"]["approval"], Value::Null);
            let approvable = condition(sent, "Approvable");
            assert_eq!(
                (&approvable["status"], &approvable["reason"]),
                (&json!("False"), &json!("ApprovalPolicyInactive"))
            );
        }))
        .then(event("ApprovalPolicyInactive"));
    pass(&mut cluster(&[&version]), scenario).await.expect("it waits");
}

#[tokio::test]
async fn an_approval_waits_without_a_write_while_the_api_server_does_not_answer_the_check_of_the_policy() {
    let version = approved_by_bob();
    let busy = patch(STATUS).in_a_dry_run().fails(503, "ServiceUnavailable", "etcdserver: leader changed");
    pass(&mut cluster(&[&version]), reads(&version, [busy])).await.expect("it waits");
}

#[tokio::test]
async fn a_request_does_not_become_pending_while_the_policy_is_not_in_force() {
    let version = requested();
    let scenario = reads(&version, [nothing_refuses(&version)])
        .then(writes(|sent| {
            assert_eq!(sent["status"]["transition"], Value::Null);
            assert_eq!(condition(sent, "Stalled")["reason"], "ApprovalPolicyInactive");
        }))
        .then(event("ApprovalPolicyInactive"));
    pass(&mut cluster(&[&version]), scenario).await.expect("it waits");
}

#[tokio::test]
async fn after_a_conflict_nothing_else_is_written_and_the_next_pass_records_the_approval() {
    let version = approved_by_bob();
    let mut cluster = cluster(&[&version]);
    let conflict = write_status(STATUS).fails(409, "Conflict", "the object has been modified");
    let scenario = reads(&version, [policy_refuses()]).then(conflict);
    let error = pass(&mut cluster, scenario).await.expect_err("a conflict");
    assert!(error.had_no_effect(), "{error}");

    let scenario = reads(&version, [policy_refuses()]).then(records_the_approval()).then(event("Approved"));
    pass(&mut cluster, scenario).await.expect("it is approved");
}

#[tokio::test]
async fn an_approval_that_was_taken_back_meanwhile_is_not_recorded() {
    let version = approved_by_bob();
    let mut present = version.clone();
    present.metadata.annotations =
        Some([("understudy.dev/requested-by".to_owned(), "alice".to_owned())].into());
    let scenario = reads(&present, [policy_refuses()]);
    pass(&mut cluster(&[&version]), scenario).await.expect("nothing to do");
}

#[tokio::test]
async fn nothing_is_written_to_another_version_of_the_same_name() {
    let version = approved_by_bob();
    let mut present = version.clone();
    present.metadata.uid = Some("uid-of-another".to_owned());
    let scenario = reads(&present, [policy_refuses()]);
    pass(&mut cluster(&[&version]), scenario).await.expect("nothing to do");
}

#[tokio::test]
async fn a_version_whose_status_is_up_to_date_costs_no_request_at_all() {
    let parts = json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")});
    let mut cluster = cluster(&[&version("1.3.0", parts)]);
    let conditions = writes(|sent| assert_eq!(condition(sent, "Serving")["reason"], "Starting"));
    pass(&mut cluster, Scenario::new().then(conditions)).await.expect("its conditions are written");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new()).await.expect("nothing to do");
}

#[tokio::test]
async fn an_approved_version_costs_no_request_while_the_roll_out_goes_on() {
    let parts = json!({"spec": {"stage": "Production"}, "status": rolling_out("1.3.0")});
    let mut cluster = cluster(&[&version("1.3.0", parts)]);
    pass(&mut cluster, Scenario::new().then(writes(|_| ()))).await.expect("its conditions are written");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new()).await.expect("nothing to do");
}

#[tokio::test]
async fn a_version_that_became_main_is_in_production_by_one_write() {
    let parts = json!({"spec": {"stage": "Production"}, "status": rolling_out("1.3.0")});
    let version = version("1.3.0", parts);
    let main = with(main_is("1.3.0"), json!({"main": {"transition": "6f1c2b"}}));
    let md = deployment(json!({"status": main}));
    let mut cluster = cluster(&[&version]);
    cluster.sees(&md);
    let scenario = Scenario::new()
        .concurrently([get(VERSION).finds(&version), get(DEPLOYMENT).finds(&md)])
        .then(writes(|sent| {
            let status = &sent["status"];
            assert_eq!((&status["stage"], &status["transition"]), (&json!("Production"), &Value::Null));
        }))
        .then(event("StageReached"));
    pass(&mut cluster, scenario).await.expect("it is in Production");
}

#[tokio::test]
async fn a_promoted_version_waits_without_a_request_until_the_one_before_is_archived() {
    let parts = json!({"spec": {"stage": "Production"}, "status": rolling_out("1.3.0")});
    let before = version("1.2.0", json!({"status": proven("1.2.0", "Production")}));
    let mut cluster = cluster(&[&version("1.3.0", parts), &before]);
    let main = with(main_is("1.3.0"), json!({"main": {"transition": "6f1c2b"}}));
    cluster.sees(&deployment(json!({"status": main})));
    let scenario = Scenario::new().then(writes(|sent| assert_eq!(sent["status"]["stage"], "Staging")));
    pass(&mut cluster, scenario).await.expect("its conditions are written");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new()).await.expect("it waits");
}

#[tokio::test]
async fn an_approval_by_the_requester_is_neither_recorded_nor_tried() {
    let mut version = approved_by_bob();
    let by = ("understudy.dev/approved-by".to_owned(), "alice".to_owned());
    version.metadata.annotations.get_or_insert_default().extend([by]);
    let scenario = Scenario::new()
        .then(writes(|sent| {
            assert_eq!(
                (&sent["status"]["history"], &sent["status"]["stage"]),
                (&Value::Null, &json!("None"))
            );
            assert_eq!(condition(sent, "Approvable")["reason"], "FourEyes");
        }))
        .then(event("FourEyes"));
    pass(&mut cluster(&[&version]), scenario).await.expect("it waits for somebody else");
}

#[tokio::test]
async fn the_version_that_was_replaced_is_archived_by_one_write_with_the_people_behind_it() {
    let old =
        version("1.3.0", json!({"spec": {"stage": "Production"}, "status": proven("1.3.0", "Production")}));
    let new = version("1.4.0", json!({"status": {"stage": "Staging"}}));
    let md = deployment(json!({"status": main_is("1.4.0")}));
    let mut cluster = cluster(&[&old, &new]);
    cluster.sees(&md);
    let scenario = Scenario::new()
        .concurrently([get(VERSION).finds(&old), get(DEPLOYMENT).finds(&md)])
        .then(writes(|sent| {
            let entry = &sent["status"]["history"][2];
            assert_eq!(
                (&sent["status"]["stage"], &entry["decision"]),
                (&json!("Archived"), &json!("Superseded"))
            );
            assert_eq!((&entry["requestedBy"], &entry["decidedBy"]), (&json!("alice"), &json!("bob")));
        }))
        .then(event("Superseded"));
    pass(&mut cluster, scenario).await.expect("it is archived");
}

#[tokio::test]
async fn a_metric_gate_compares_with_main_as_it_is_now() {
    let evaluated = |number: &str, auc: f64, parts: Value| {
        let evaluation = json!({"spec": {"evaluation": {"metrics": [{"name": "auc", "value": auc}]}}});
        version(number, with(evaluation, parts))
    };
    let status = with(staged("1.3.0"), json!({"transition": request("1.3.0", "Staging", "Production")}));
    let candidate = evaluated(
        "1.3.0",
        0.93,
        json!({
            "metadata": {"annotations": {
                "understudy.dev/requested-by": "alice", "understudy.dev/approve": "6f1c2b", "understudy.dev/approved-by": "bob",
            }},
            "spec": {"stage": "Production"}, "status": status,
        }),
    );
    let main = |number, auc| evaluated(number, auc, json!({"status": proven(number, "Production")}));
    let gate = json!({"metric": "auc", "notWorseThanMain": true});
    let md = |main| {
        deployment(json!({
            "spec": {"approval": {"acceptanceTest": "Optional", "gates": [gate]}}, "status": main_is(main),
        }))
    };
    let mut cluster = cluster(&[&candidate, &main("1.1.0", 0.9)]);
    cluster.sees(&md("1.1.0"));
    cluster.sees(ready_pod("1.3.0", "10.0.0.7").as_ref());
    let scenario = Scenario::new()
        .concurrently([get(VERSION).finds(&candidate), get(DEPLOYMENT).finds(&md("1.2.0")), policy_refuses()])
        .then(get("/modelversions/fraud-1.2.0").finds(&main("1.2.0", 0.95)));
    pass(&mut cluster, scenario).await.expect("it waits");
}

#[tokio::test]
async fn a_withdrawal_needs_no_policy() {
    let status = json!({"transition": approved(request("1.3.0", "None", "Staging"))});
    let annotations = json!({"understudy.dev/requested-by": "alice"});
    let parts = json!({"metadata": {"annotations": annotations, "creationTimestamp": NOW}, "status": status});
    let version = version("1.3.0", parts);
    let scenario = reads(&version, [])
        .then(writes(|sent| {
            assert_eq!(sent["status"]["transition"], Value::Null);
            assert_eq!(sent["status"]["history"][0]["decision"], "Withdrawn");
        }))
        .then(event("Withdrawn"));
    pass(&mut cluster(&[&version]), scenario).await.expect("it is withdrawn");
}

/// A version with one ready pod, which answers nothing yet.
async fn with_a_silent_pod(version: &ModelVersion) -> (Cluster, Pods) {
    let pods = Pods::start().await;
    let mut cluster = Cluster::with_prober(pods.prober());
    cluster.sees(&deployment(json!({})));
    cluster.sees(version);
    cluster.sees(ready_pod("1.3.0", "10.0.0.7").as_ref());
    (cluster, pods)
}

#[tokio::test]
async fn a_pod_that_did_not_return_the_signature_is_asked_again_until_it_does() {
    let staged = version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")}));
    let (mut cluster, pods) = with_a_silent_pod(&staged).await;
    let unknown = writes(|sent| assert_eq!(sent["status"]["model"], Value::Null));
    let scenario = Scenario::new().then(unknown).then(event("Serving"));
    let action = pass(&mut cluster, scenario).await.expect("the pod does not answer");
    assert_eq!(action, Action::requeue(Duration::from_secs(1)));

    cluster.sees_what_was_written();
    pods.answer("10.0.0.7:8082", "1.3.0", "1.3.0");
    // The pause after the failure.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
    pass(&mut cluster, Scenario::new()).await.expect("the pod is asked again");
    let queued = cluster.triggers.versions.next().await;
    queued.succeeded(None);
    let known = write_status(STATUS).with(|sent| assert_eq!(sent["status"]["model"]["opset"], 17));
    let action = pass(&mut cluster, Scenario::new().then(known)).await.expect("it is known");
    assert_eq!(action, Action::await_change());
}

#[tokio::test]
async fn a_version_whose_request_waits_gets_its_signature_too() {
    let status = with(staged("1.3.0"), json!({"transition": request("1.3.0", "Staging", "Production")}));
    let waiting = version("1.3.0", json!({"spec": {"stage": "Production"}, "status": status}));
    let (mut cluster, pods) = with_a_silent_pod(&waiting).await;
    pods.answer("10.0.0.7:8082", "1.3.0", "1.3.0");
    let known = writes(|sent| {
        assert_eq!(condition(sent, "Approvable")["reason"], "AcceptanceMissing");
        assert_eq!(sent["status"]["model"]["opset"], 17);
    });
    let scenario = Scenario::new().then(known).then(event("Serving")).then(event("AcceptanceMissing"));
    pass(&mut cluster, scenario).await.expect("it waits");
}

#[tokio::test]
async fn a_version_without_a_proof_is_proven_by_a_call_that_any_of_its_pods_has_answered() {
    let staged = version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")}));
    let (mut cluster, pods) = with_a_silent_pod(&staged).await;
    cluster.sees(ready_pod("1.3.0", "10.0.0.8").as_ref());
    for host in ["10.0.0.7:8082", "10.0.0.8:8082"] {
        pods.answer(host, "1.3.0", "1.3.0");
        pods.report(host, Proof::Missing { error: "Gather: out of bounds".to_owned() });
    }
    let unproven = writes(|sent| assert_eq!(condition(sent, "Proven")["reason"], "NoInputWorked"));
    let scenario = Scenario::new().then(unproven).then(event("Serving")).then(event("NoInputWorked"));
    let action = pass(&mut cluster, scenario).await.expect("a pod has answered the probe");
    assert_eq!(action, Action::requeue(Duration::from_secs(5)));

    cluster.sees_what_was_written();
    pods.report("10.0.0.8:8082", Proof::Call);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    let proven =
        write_status(STATUS).with(|sent| assert_eq!(condition(sent, "Proven")["reason"], "CallAnswered"));
    let scenario = Scenario::new().then(proven).then(event("CallAnswered"));
    let action = pass(&mut cluster, scenario).await.expect("both pods have answered the probe");
    assert_eq!(action, Action::await_change());

    // The pods are started again, and are not asked any more.
    cluster.sees_what_was_written();
    pods.probed();
    pass(&mut cluster, Scenario::new()).await.expect("nothing to do");
    assert_eq!(pods.probed(), Vec::<String>::new());
}
