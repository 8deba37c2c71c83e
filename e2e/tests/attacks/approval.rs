//! A1, A3, A4, A6, A11, A19, A20: approvals that are not a second person's, or not of what was asked.

use serde_json::json;

use crate::{
    people::{ALICE, ALICE_ADMIN, BOB, CAROL, OPERATOR, PIPELINE, ROOT},
    world::{World, approve, entry, refused, reject, request, transition},
};

const NOT_PENDING: &str = "this approval matches no pending transition";
const SOMETHING_ELSE: &str = "this approval changes something else";

#[tokio::test]
async fn an_approval_by_a_second_person_passes() {
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
async fn a1_not_even_as_cluster_admin() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let asked = w.edit(ROOT, request("Production", "root")).await.unwrap();
    let mut pending = transition("6f1c2b", asked.metadata.generation.unwrap());
    pending["requestedBy"] = json!("root");
    w.record(json!({"transition": pending})).await.unwrap();
    refused(w.annotate(ROOT, approve("6f1c2b", "root")).await, 403, "four eyes");
}

#[tokio::test]
async fn a3_an_approval_in_somebody_elses_name_is_refused() {
    let w = World::new().await;
    w.pending().await;
    refused(w.annotate(ALICE, approve("6f1c2b", "bob")).await, 403, "understudy.dev/approved-by: alice");
    refused(w.annotate(BOB, approve("6f1c2b", "carol")).await, 403, "understudy.dev/approved-by: bob");
    let unsigned = json!({"understudy.dev/approve": "6f1c2b"});
    refused(w.annotate(BOB, unsigned).await, 403, "understudy.dev/approved-by: bob");
}

#[tokio::test]
async fn a3_an_approvers_name_cannot_be_put_in_afterwards() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let stolen = json!({"understudy.dev/approved-by": "carol"});
    refused(w.annotate(ALICE, stolen).await, 403, "understudy.dev/approved-by: alice");
    let alone = json!({"understudy.dev/approved-by": null});
    refused(w.annotate(ALICE, alone).await, 403, "understudy.dev/approved-by: alice");
}

#[tokio::test]
async fn an_approval_can_be_taken_back_whole() {
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
async fn a4_an_approval_cannot_ask_for_another_stage_in_the_same_write() {
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
async fn a4_the_bytes_cannot_change_at_all() {
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
async fn a6_an_old_approval_does_not_serve_a_later_request() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    w.record(json!({"transition": null, "history": [entry("6f1c2b", "alice", "Withdrawn", "alice")]}))
        .await
        .unwrap();
    w.request_production("a77e01").await;
    // The annotation of the first request still stands there; writing it once more changes nothing and says nothing.
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
    // Withdrawn and asked again before the operator has seen either: the id that it shows is of the first request.
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    let after = w.edit(ALICE, request("Production", "alice")).await.unwrap();
    assert!(after.metadata.generation > before.metadata.generation);
    refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 403, NOT_PENDING);
}

#[tokio::test]
async fn a11_the_operators_account_neither_requests_nor_approves_even_with_the_verbs() {
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
async fn a11_the_operators_role_does_not_let_it_write_a_version_at_all() {
    let w = World::new().await;
    w.pending().await;
    refused(w.annotate(OPERATOR, approve("6f1c2b", OPERATOR.name)).await, 403, "cannot patch resource");
}

#[tokio::test]
async fn a19_a_service_account_does_not_approve() {
    let w = World::new().await;
    w.pending().await;
    w.bind("understudy-approver", PIPELINE).await;
    let words = "service accounts may neither approve nor reject";
    refused(w.annotate(PIPELINE, approve("6f1c2b", PIPELINE.name)).await, 403, words);
    refused(w.annotate(PIPELINE, reject("6f1c2b", PIPELINE.name)).await, 403, words);
}

#[tokio::test]
async fn a19_two_accounts_of_one_person_are_one_pair_of_eyes() {
    let w = World::new().await;
    w.pending().await;
    w.bind("understudy-approver", ALICE_ADMIN).await;
    refused(w.annotate(ALICE_ADMIN, approve("6f1c2b", "alice-admin")).await, 403, "four eyes");
}

#[tokio::test]
async fn a20_what_was_rejected_expired_or_withdrawn_cannot_be_approved() {
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
async fn a20_a_withdrawal_counts_at_once_not_only_when_the_operator_has_seen_it() {
    let w = World::new().await;
    w.pending().await;
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
    refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 403, NOT_PENDING);
}

#[tokio::test]
async fn a20_what_is_approved_is_not_decided_again() {
    let w = World::new().await;
    let pending = w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let mut granted = transition("6f1c2b", pending.metadata.generation.unwrap());
    granted["approval"] = json!({"by": "bob", "at": "2026-11-21T10:00:00Z"});
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
async fn approving_takes_the_verb_on_that_very_stage() {
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
async fn an_admin_of_the_namespace_cannot_make_themselves_approver() {
    use k8s_openapi::api::rbac::v1::RoleBinding;
    use kube::{Api, api::PostParams};
    let w = World::new().await;
    // No controller fills the role `admin` here; this is what it is filled with.
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
