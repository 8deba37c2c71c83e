//! A25: requests that need several approvers. Each approval is one write by one person.

use serde_json::{Value, json};

use crate::{
    people::{ALICE, ALICE_ADMIN, BOB, CAROL, PIPELINE, ROLE, SESSION_ONE, SESSION_TWO, TESS},
    world::{WHEN, World, approvals, approve, entry, refused, reject, request, transition},
};

const TOO_FEW: &str = "a request cannot be recorded as approved by fewer people than it needs";
const NOT_GIVEN: &str = "an approval that nobody gave cannot be recorded";

/// Alice's request for Production, which needs two approvers. Bob has approved, and the operator has recorded that.
async fn half_approved(w: &World) -> i64 {
    let generation = w.pending().await.metadata.generation.unwrap();
    w.bind("understudy-approver", CAROL).await;
    w.record(json!({"transition": approvals("6f1c2b", generation, &[])})).await.unwrap();
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    w.record(json!({"transition": approvals("6f1c2b", generation, &["bob"])})).await.unwrap();
    generation
}

/// The status once these people have approved Alice's request.
fn complete(people: &[&str]) -> Value {
    let mut approved = entry("6f1c2b", "alice", "Approved", people.last().unwrap());
    approved["approvals"] = people.iter().map(|by| json!({"by": by, "at": WHEN})).collect();
    json!({"history": [approved]})
}

#[tokio::test]
async fn two_people_approve_one_after_the_other() {
    let w = World::new().await;
    let generation = half_approved(&w).await;
    w.annotate(CAROL, approve("6f1c2b", "carol")).await.unwrap();
    let mut open = approvals("6f1c2b", generation, &["bob", "carol"]);
    open["approval"] = json!({"by": "carol", "at": WHEN});
    let mut status = complete(&["bob", "carol"]);
    status["transition"] = open;
    w.record(status).await.unwrap();
}

#[tokio::test]
async fn nobody_approves_twice() {
    let w = World::new().await;
    half_approved(&w).await;
    let words = "bob has approved this transition, and nobody counts twice";
    w.annotate(CAROL, approve("6f1c2b", "carol")).await.unwrap();
    refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 403, words);
}

#[tokio::test]
async fn a_recorded_approval_does_not_allow_the_requester_to_be_the_second_approver() {
    let w = World::new().await;
    half_approved(&w).await;
    refused(w.annotate(ALICE, approve("6f1c2b", "alice")).await, 403, "four eyes");
    w.bind("understudy-approver", ALICE_ADMIN).await;
    refused(w.annotate(ALICE_ADMIN, approve("6f1c2b", "alice")).await, 403, "four eyes");
}

#[tokio::test]
async fn an_approval_does_not_overwrite_one_that_is_not_recorded_yet() {
    let w = World::new().await;
    w.pending().await;
    w.bind("understudy-approver", CAROL).await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let words = "the approval of bob is not recorded yet";
    refused(w.annotate(CAROL, approve("6f1c2b", "carol")).await, 403, words);
}

#[tokio::test]
async fn the_operator_cannot_record_fewer_approvals_than_a_request_needs_nor_remove_one() {
    let w = World::new().await;
    let generation = half_approved(&w).await;
    let mut open = approvals("6f1c2b", generation, &["bob"]);
    open["approval"] = json!({"by": "bob", "at": WHEN});
    refused(w.record(json!({"transition": open})).await, 403, TOO_FEW);
    refused(w.record(complete(&["bob"])).await, 403, TOO_FEW);
    refused(w.record(complete(&["bob", "carol"])).await, 403, NOT_GIVEN);
    let none = approvals("6f1c2b", generation, &[]);
    refused(w.record(json!({"transition": none})).await, 403, "a recorded approval cannot be removed");
    let both = approvals("6f1c2b", generation, &["bob", "tess"]);
    refused(w.record(json!({"transition": both})).await, 403, NOT_GIVEN);
}

#[tokio::test]
async fn the_operator_cannot_open_a_request_with_approvals_in_it() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let requested = w.edit(ALICE, request("Production", "alice")).await.unwrap();
    let open = approvals("6f1c2b", requested.metadata.generation.unwrap(), &["bob"]);
    refused(w.record(json!({"transition": open})).await, 403, NOT_GIVEN);
}

/// An admin of the namespace can act as any of its service accounts. One such person must not be enough.
#[tokio::test]
async fn a25_a_request_by_a_service_account_cannot_be_recorded_as_approved_by_one_person() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.bind("understudy-requester", PIPELINE).await;
    let requested = w.edit(PIPELINE, request("Production", PIPELINE.name)).await.unwrap();
    let mut open = transition("6f1c2b", requested.metadata.generation.unwrap());
    open["requestedBy"] = json!(PIPELINE.name);
    w.record(json!({"transition": open})).await.unwrap();
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    refused(
        w.record(json!({"history": [entry("6f1c2b", PIPELINE.name, "Approved", "bob")]})).await,
        403,
        TOO_FEW,
    );
}

#[tokio::test]
async fn a34_a_pending_approval_is_taken_back_by_its_author_or_by_somebody_who_may_decide() {
    let gone = json!({"understudy.dev/approve": null, "understudy.dev/approved-by": null});
    for person in [BOB, ALICE] {
        let w = World::new().await;
        w.pending().await;
        w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
        w.bind("understudy-requester", CAROL).await;
        let words = "carol may not take back the approval of bob";
        refused(w.annotate(CAROL, gone.clone()).await, 403, words);
        w.bind("understudy-tester", TESS).await;
        refused(w.annotate(TESS, gone.clone()).await, 403, "tess may not take back the approval of bob");
        w.annotate(person, gone.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn leftover_annotations_of_a_decision_that_was_recorded_can_be_removed() {
    let w = World::new().await;
    half_approved(&w).await;
    w.bind("understudy-requester", CAROL).await;
    let gone = json!({"understudy.dev/approve": null, "understudy.dev/approved-by": null});
    w.annotate(CAROL, gone).await.unwrap();
}

#[tokio::test]
async fn the_minimum_of_the_cluster_holds_whatever_the_operator_records_as_needed() {
    let w = World::strict().await;
    w.in_stage("Staging").await;
    let generation = w.commented_request("6f1c2b").await;
    let mut approval = approve("6f1c2b", "bob");
    approval["understudy.dev/reason"] = json!("auc is better");
    w.annotate(BOB, approval).await.unwrap();
    refused(w.record(complete(&["bob"])).await, 403, TOO_FEW);
    w.record(json!({"transition": approvals("6f1c2b", generation, &["bob"])})).await.unwrap();
}

#[tokio::test]
async fn where_comments_are_required_every_act_needs_one_of_its_own() {
    let w = World::strict().await;
    let words = "this cluster requires a comment: set the annotation understudy.dev/reason";
    w.in_stage("Staging").await;
    refused(w.edit(ALICE, request("Production", "alice")).await, 422, words);
    let mut blank = request("Production", "alice");
    blank["metadata"]["annotations"]["understudy.dev/reason"] = json!("  ");
    refused(w.edit(ALICE, blank).await, 422, words);
    w.commented_request("6f1c2b").await;
    // The comment of the request is not that of the approval.
    refused(w.annotate(BOB, approve("6f1c2b", "bob")).await, 422, words);
    let unexplained = json!({"understudy.dev/reject": "6f1c2b", "understudy.dev/rejected-by": "bob"});
    refused(w.annotate(BOB, unexplained).await, 422, words);
    w.annotate(BOB, reject("6f1c2b", "bob")).await.unwrap();
    // To withdraw a request needs none.
    w.edit(ALICE, request("Staging", "alice")).await.unwrap();
}

#[tokio::test]
async fn a_comment_changes_only_with_an_act_of_its_author() {
    let w = World::new().await;
    w.pending().await;
    let words = "understudy.dev/reason is the comment of an act";
    refused(w.annotate(ALICE, json!({"understudy.dev/reason": "by the way"})).await, 403, words);
    let mut approval = approve("6f1c2b", "bob");
    approval["understudy.dev/reason"] = json!("auc is better");
    w.annotate(BOB, approval).await.unwrap();
    refused(w.annotate(ALICE, json!({"understudy.dev/reason": "alice was here"})).await, 403, words);
    w.annotate(BOB, json!({"understudy.dev/reason": "auc is better by 2 points"})).await.unwrap();
}

/// On EKS, the user name contains a session name that its owner chooses.
#[tokio::test]
async fn a19_two_sessions_of_one_role_are_one_person() {
    let w = World::new().await;
    for person in [SESSION_ONE, SESSION_TWO] {
        w.bind("understudy-requester", person).await;
        w.bind("understudy-approver", person).await;
    }
    w.in_stage("Staging").await;
    let words = "understudy.dev/requested-by: arn:aws:iam::111122223333:role/ml-lead";
    refused(w.edit(SESSION_ONE, request("Production", SESSION_ONE.name)).await, 403, words);
    let requested = w.edit(SESSION_ONE, request("Production", ROLE)).await.unwrap();
    let mut open = transition("6f1c2b", requested.metadata.generation.unwrap());
    open["requestedBy"] = json!(ROLE);
    w.record(json!({"transition": open})).await.unwrap();
    refused(w.annotate(SESSION_TWO, approve("6f1c2b", ROLE)).await, 403, "four eyes");
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
}
