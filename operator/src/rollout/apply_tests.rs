//! The order in which callers and pods are told, and what becomes of a Service that is in the way.

use http::Method;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

use super::*;
use crate::mock_api::{Handle, answer, answer_at, api, context, failure};

const OWNER: &str = "0e1f";

fn pod(name: &str, hash: Option<&str>) -> Arc<Pod> {
    let annotations: Value = hash.map_or(json!({}), |hash| json!({ROUTING: hash}));
    let pod =
        json!({"metadata": {"name": name, "namespace": "risk", "uid": name, "annotations": annotations}});
    Arc::new(serde_json::from_value(pod).expect("a pod"))
}

/// A deployment with one pod of main and these others.
fn observed(pods: Vec<Arc<Pod>>) -> Observed {
    let md = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {"name": "fraud", "namespace": "risk", "uid": OWNER},
        "spec": {"replicas": 1, "challenger": {"version": "1.3.0"}},
    });
    let md: ModelDeployment = serde_json::from_value(md).expect("a ModelDeployment");
    Observed::new(Arc::new(md), vec![], pods, BTreeMap::new())
}

fn accepted() -> Challenger {
    let version = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": "fraud-1.3.0", "namespace": "risk"},
        "spec": {"deployment": "fraud", "version": "1.3.0", "artifact": {"uri": "s3://m/m", "sha256": "0"}},
    });
    let version: ModelVersion = serde_json::from_value(version).expect("a ModelVersion");
    Challenger::Accepted(Arc::new(version))
}

/// The API server has no such object, and makes it.
async fn makes(handle: &mut Handle, path: &str) -> Value {
    answer_at(handle, Method::GET, path, 404, failure(404, "NotFound", "not found")).await;
    let made = json!({"metadata": {"name": "made", "namespace": "risk"}});
    answer_at(handle, Method::PATCH, path, 201, made).await
}

#[tokio::test]
async fn pods_are_notified_after_the_file_is_written_and_only_those_that_have_another_one() {
    let (client, mut handle) = api();
    let ctx = context(&client);
    let challenger = accepted();
    let told = challenger.accepted().map(AsRef::as_ref);
    let md = observed(vec![]).md;
    let routing = build::routing(&md, Some("1.2.0"), None, told);
    let hash = build::hash(&routing);
    let observed = observed(vec![pod("knows", Some(&hash)), pod("old", Some("0ld")), pod("new", None)]);

    let server = async {
        makes(&mut handle, "/services/fraud").await;
        let file = makes(&mut handle, "/configmaps/fraud-routing").await;
        assert_eq!(file["data"]["routing.json"], serde_json::to_string(&routing).expect("JSON"));
        for name in ["old", "new"] {
            let path = format!("/pods/{name}");
            let sent = answer_at(&mut handle, Method::PATCH, &path, 200, json!({"metadata": {}})).await;
            assert_eq!(sent["metadata"]["annotations"], json!({"understudy.dev/routing": hash}));
            assert_eq!(sent["metadata"]["uid"], name, "a new pod of that name is not meant");
        }
    };
    let (routed, ()) = tokio::join!(super::routing(&ctx, &observed, Some("1.2.0"), &routing), server);
    routed.expect("all are notified");
    drop((ctx, client));
    assert!(handle.next_request().await.is_none(), "a request was sent");
}

#[tokio::test]
async fn a_pod_that_cannot_be_notified_keeps_no_other_from_it_and_is_notified_again_later() {
    let (client, mut handle) = api();
    let ctx = context(&client);
    let observed = observed(vec![pod("broken", None), pod("gone", None), pod("fine", None)]);
    let routing = build::routing(&observed.md, Some("1.2.0"), None, None);
    let server = async {
        makes(&mut handle, "/services/fraud").await;
        makes(&mut handle, "/configmaps/fraud-routing").await;
        let broken = failure(500, "InternalError", "no");
        answer_at(&mut handle, Method::PATCH, "/pods/broken", 500, broken).await;
        let gone = failure(404, "NotFound", "not found");
        answer_at(&mut handle, Method::PATCH, "/pods/gone", 404, gone).await;
        answer_at(&mut handle, Method::PATCH, "/pods/fine", 200, json!({"metadata": {}})).await;
    };
    let (routed, ()) = tokio::join!(super::routing(&ctx, &observed, Some("1.2.0"), &routing), server);
    let error = routed.expect_err("the pass fails, and the next one goes on");
    assert_eq!(
        (error.reason(), error.to_string().as_str()),
        ("NotifyFailed", "failed to notify pod broken of the new routing")
    );
}

#[tokio::test]
async fn the_service_of_a_challenger_is_there_before_any_pod_sends_copies_to_it() {
    let (client, mut handle) = api();
    let ctx = context(&client);
    let observed = observed(vec![]);
    let server = async {
        let sent = makes(&mut handle, "/services/fraud-challenger").await;
        assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "1.3.0");
        assert_eq!(sent["spec"]["ports"][0]["targetPort"], "challenger");
    };
    let ((judged, result), ()) = tokio::join!(challenger(&ctx, &observed, accepted()), server);
    result.expect("it is made");
    assert!(judged.accepted().is_some());
}

#[tokio::test]
async fn a_service_of_somebody_else_gets_no_copies_only_because_of_its_name() {
    let (client, mut handle) = api();
    let ctx = context(&client);
    let observed = observed(vec![]);
    let theirs = json!({"metadata": {"name": "fraud-challenger", "namespace": "risk", "ownerReferences": [
        {"apiVersion": "v1", "kind": "Shop", "name": "theirs", "uid": "7h31r5", "controller": true},
    ]}});
    let server = async {
        answer(&mut handle, Method::GET, 200, theirs).await;
    };
    let ((judged, result), ()) = tokio::join!(challenger(&ctx, &observed, accepted()), server);
    assert_eq!(result.expect_err("it is foreign").reason(), "NameConflict");
    let Challenger::Refused(refusal) = judged else { panic!("{judged:?}") };
    assert_eq!(refusal.reason, "NameConflict");
    assert!(refusal.message.contains("Service fraud-challenger exists"), "{}", refusal.message);
    drop((ctx, client));
    assert!(handle.next_request().await.is_none(), "a request was sent");
}

#[tokio::test]
async fn without_an_accepted_challenger_nothing_is_made_for_one() {
    let (client, mut handle) = api();
    let ctx = context(&client);
    let observed = observed(vec![]);
    let (judged, result) = challenger(&ctx, &observed, Challenger::NotNamed).await;
    result.expect("there is nothing to do");
    assert!(judged.accepted().is_none());
    drop((ctx, client));
    assert!(handle.next_request().await.is_none(), "a request was sent");
}
