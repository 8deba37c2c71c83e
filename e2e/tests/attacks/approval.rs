//! A1, A3, A4, A6, A11, A19, A20: approvals without a second person, or of something that was not requested.

use serde_json::json;

use crate::{
    people::{ALICE, ALICE_ADMIN, BOB, CAROL, OPERATOR, PIPELINE, ROOT},
    world::{World, approve, entry, granted, refused, reject, request, transition},
};

const NOT_PENDING: &str = "this approval matches no pending transition";
const SOMETHING_ELSE: &str = "this approval changes something else";

#[tokio::test]
async fn a_second_person_can_approve() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
}

#[tokio::test]
async fn a1_the_requester_cannot_approve() {
    let w = World::new().await;
    w.pending().await;
    let words = "four eyes: alice requested this transition, somebody else must approve it";
    refused(w.annotate(ALICE, approve("6f1c2b", "alice")).await, 403, words);
}

#[tokio::test]
async fn a1_not_even_a_cluster_admin_can_approve_their_own_request() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let requested = w.edit(ROOT, request("Production", "root")).await.unwrap();
    let mut pending = transition("6f1c2b", requested.metadata.generation.unwrap());
    pending["requestedBy"] = json!("root");
    w.record(json!({"transition": pending})).await.unwrap();
    refused(w.annotate(ROOT, approve("6f1c2b", "root")).await, 403, "four eyes");
}

#[tokio::test]
async fn a3_an_approval_in_another_persons_name_is_refused() {
    let w = World::new().await;
    w.pending().await;
    refused(w.annotate(ALICE, approve("6f1c2b", "bob")).await, 403, "understudy.dev/approved-by: alice");
    refused(w.annotate(BOB, approve("6f1c2b", "carol")).await, 403, "understudy.dev/approved-by: bob");
    let unsigned = json!({"understudy.dev/approve": "6f1c2b"});
    refused(w.annotate(BOB, unsigned).await, 403, "understudy.dev/approved-by: bob");
}

#[tokio::test]
async fn a3_the_name_of_the_approver_cannot_be_changed_later() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let stolen = json!({"understudy.dev/approved-by": "carol"});
    refused(w.annotate(ALICE, stolen).await, 403, "understudy.dev/approved-by: alice");
    let alone = json!({"understudy.dev/approved-by": null});
    refused(w.annotate(ALICE, alone).await, 403, "understudy.dev/approved-by: alice");
}

#[tokio::test]
async fn an_approver_can_remove_both_annotations_of_an_approval() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let gone = json!({"understudy.dev/approve": null, "understudy.dev/approved-by": null});
    w.annotate(BOB, gone).await.unwrap();
}

#[tokio::test]
async fn a4_an_approval_that_changes_anything_else_is_refused() {
    let w = World::new().await;
    w.pending().await;
    let extras = [
        json!({"metadata": {"labels": {"understudy.dev/x": "y"}}}),
        json!({"metadata": {"finalizers": ["example.com/hold"]}}),
        json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"}]}}),
        json!({"metadata": {"annotations": {"understudy.dev/accept": "passed"}}}),
        json!({"metadata": {"annotations": {"understudy.dev/anything": "new"}}}),
    ];
    for mut change in extras {
        for (key, value) in approve("6f1c2b", "bob").as_object().unwrap() {
            change["metadata"]["annotations"][key] = value.clone();
        }
        let outcome = w.edit(BOB, change).await;
        let words = match &outcome {
            Err(kube::Error::Api(status)) if status.message.contains("one write does one thing") => {
                "one write does one thing"
            }
            _ => SOMETHING_ELSE,
        };
        refused(outcome, 403, words);
    }
}

#[tokio::test]
async fn a4_one_write_cannot_approve_and_request_another_stage() {
    let w = World::new().await;
    w.pending().await;
    let both = json!({
        "spec": {"stage": "Archived"},
        "metadata": {"annotations": {
            "understudy.dev/requested-by": "bob",
            "understudy.dev/approve": "6f1c2b",
            "understudy.dev/approved-by": "bob",
        }},
    });
    refused(w.edit(BOB, both).await, 403, "one write does one thing");
}

#[tokio::test]
async fn a4_the_digest_of_a_version_cannot_change() {
    let w = World::new().await;
    w.pending().await;
    let swapped = json!({
        "spec": {"artifact": {"sha256": "0".repeat(64)}},
        "metadata": {"annotations": approve("6f1c2b", "bob")},
    });
    refused(w.edit(BOB, swapped).await, 422, "immutable");
}

#[tokio::test]
async fn a6_an_approval_of_another_id_is_refused() {
    let w = World::new().await;
    w.pending().await;
    for id in ["6f1c2c", "", "6F1C2B"] {
        refused(w.annotate(BOB, approve(id, "bob")).await, 403, NOT_PENDING);
    }
}

#[tokio::test]
async fn a6_an_old_approval_does_not_count_for_a_later_request() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    w.record(json!({"transition": null, "history": [entry("6f1c2b", "alice", "Withdrawn", "alice")]}))
        .await
        .unwrap();
    w.request_production("a77e01").await;
    // The annotation of the first request is still present. Writing it again changes nothing.
    w.annotate(ALICE, approve("6f1c2b", "bob")).await.unwrap();
    refused(
        w.annotate(BOB, json!({"understudy.dev/approve": "6f1c2b", "understudy.dev/approved-by": ""})).await,
        403,
        NOT_PENDING,
    );
    w.annotate(BOB, approve("a77e01", "bob")).await.unwrap();
}

#[tokio::test]
async fn a6_an_approval_of_an_earlier_generation_is_refused() {
    let w = World::new().await;
    let before = w.pending().await;
    // Withdrawn and requested again before the operator reads either: the status still has the id of the first request.
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    let after = w.edit(ALICE, request("Production", "alice")).await.unwrap();
    assert!(after.metadata.generation > before.metadata.generation);
    refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 403, NOT_PENDING);
}

#[tokio::test]
async fn a11_the_operators_account_cannot_request_or_approve_even_with_the_verbs() {
    let w = World::new().await;
    w.pending().await;
    for role in ["understudy-requester", "understudy-approver", "understudy-tester"] {
        w.bind(role, OPERATOR).await;
    }
    let words =
        "the operator writes the status only: it neither requests, approves, rejects, accepts nor rolls back";
    refused(w.edit(OPERATOR, request("Staging", OPERATOR.name)).await, 403, words);
    refused(w.annotate(OPERATOR, approve("6f1c2b", OPERATOR.name)).await, 403, words);
    refused(w.annotate(OPERATOR, reject("6f1c2b", OPERATOR.name)).await, 403, words);
    refused(w.annotate(OPERATOR, json!({"understudy.dev/accept": "passed"})).await, 403, words);
    refused(w.edit(OPERATOR, json!({"metadata": {"labels": {"a": "b"}}})).await, 403, words);
}

#[tokio::test]
async fn a11_the_operators_role_does_not_allow_it_to_write_a_version() {
    let w = World::new().await;
    w.pending().await;
    refused(w.annotate(OPERATOR, approve("6f1c2b", OPERATOR.name)).await, 403, "cannot patch resource");
}

#[tokio::test]
async fn a19_a_service_account_cannot_approve() {
    let w = World::new().await;
    w.pending().await;
    w.bind("understudy-approver", PIPELINE).await;
    let words = "service accounts may neither approve nor reject";
    refused(w.annotate(PIPELINE, approve("6f1c2b", PIPELINE.name)).await, 403, words);
    refused(w.annotate(PIPELINE, reject("6f1c2b", PIPELINE.name)).await, 403, words);
}

#[tokio::test]
async fn a19_a_person_cannot_approve_with_a_second_account() {
    let w = World::new().await;
    w.pending().await;
    w.bind("understudy-approver", ALICE_ADMIN).await;
    refused(w.annotate(ALICE_ADMIN, approve("6f1c2b", "alice")).await, 403, "four eyes");
    let words = "understudy.dev/approved-by: alice";
    refused(w.annotate(ALICE_ADMIN, approve("6f1c2b", "alice-admin")).await, 403, words);
}

#[tokio::test]
async fn a20_a_rejected_expired_or_withdrawn_request_cannot_be_approved() {
    for decision in ["Rejected", "Expired", "Withdrawn"] {
        let w = World::new().await;
        w.pending().await;
        w.record(json!({"transition": null, "history": [entry("6f1c2b", "alice", decision, "bob")]}))
            .await
            .unwrap();
        refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 403, NOT_PENDING);
    }
}

#[tokio::test]
async fn a20_a_withdrawal_counts_before_the_operator_has_read_it() {
    let w = World::new().await;
    w.pending().await;
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 403, NOT_PENDING);
}

#[tokio::test]
async fn a20_an_approved_request_cannot_be_decided_again() {
    let w = World::new().await;
    let pending = w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let granted = granted("6f1c2b", pending.metadata.generation.unwrap(), "bob");
    w.record(json!({"transition": granted})).await.unwrap();
    w.bind("understudy-approver", CAROL).await;
    refused(w.annotate(CAROL, approve("6f1c2b", "carol")).await, 403, NOT_PENDING);
    refused(
        w.annotate(CAROL, reject("6f1c2b", "carol")).await,
        403,
        "this rejection matches no pending transition",
    );
}

#[tokio::test]
async fn an_approval_requires_the_verb_on_the_requested_stage() {
    let w = World::new().await;
    w.pending().await;
    w.allow(
        CAROL,
        &[(&["get", "patch"], &["modelversions"], &[]), (&["approve"], &["stages"], &["staging"])],
    )
    .await;
    let words = "carol may not decide on the stage Production (needs the verb approve on stages/production)";
    refused(w.annotate(CAROL, approve("6f1c2b", "carol")).await, 403, words);
}

#[tokio::test]
async fn a_namespace_admin_cannot_give_themselves_the_approver_role() {
    use k8s_openapi::api::rbac::v1::RoleBinding;
    use kube::{Api, api::PostParams};
    let w = World::new().await;
    // No controller aggregates the role `admin` here. This role has the same rules.
    w.bind("system:aggregate-to-admin", CAROL).await;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": "mine"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "understudy-approver"},
        "subjects": [{"kind": "User", "name": "carol", "apiGroup": "rbac.authorization.k8s.io"}],
    }))
    .unwrap();
    let bindings = Api::<RoleBinding>::namespaced(w.client(CAROL), &w.ns);
    refused(
        bindings.create(&PostParams::default(), &binding).await,
        403,
        "attempting to grant RBAC permissions",
    );
}
