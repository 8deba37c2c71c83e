//! Traces that once broke a promise, as small as the search could make them.

use rstest::rstest;

use super::play::{Trace, play};

#[rstest]
#[case::a_main_that_is_deleted_and_made_again_with_other_bytes(
    r#"{"start":"Approved","rules":{"unsettled":false,"authors":true,"guard":true},"steps":[
    {"Act":["Gina",{"Delete":{"version":0}}]},{"Act":["Alice",{"Create":{"version":0,"bytes":200,"staging":true}}]}]}"#
)]
#[case::a_version_that_is_deleted_right_after_the_switch_and_made_again_and_let_into_staging(
    r#"{"start":"Approved","rules":{"unsettled":false,"authors":false,"guard":true},"steps":[
    {"Pass":["Deployment","None"]},"Settle","SeeAll",{"Pass":["Deployment","None"]},
    {"Act":["Alice",{"Delete":{"version":1}}]},{"Act":["Alice",{"Create":{"version":1,"bytes":201,"staging":true}}]},
    "SeeAll",{"Pass":[{"Version":1},"None"]},{"Act":["Bea",{"Approve":{"version":1}}]},"SeeAll",
    {"Pass":[{"Version":1},"None"]}]}"#
)]
#[case::the_same_while_nobody_has_recorded_the_switch(
    r#"{"start":"Approved","rules":{"unsettled":false,"authors":false,"guard":true},"steps":[
    {"Pass":["Deployment","None"]},"Settle","SeeAll",{"Pass":["Deployment",{"Crash":0}]},
    {"Act":["Alice",{"Delete":{"version":1}}]},{"Act":["Alice",{"Create":{"version":1,"bytes":201,"staging":true}}]},
    "SeeAll",{"Pass":[{"Version":1},"None"]},{"Act":["Bea",{"Approve":{"version":1}}]},"SeeAll",
    {"Pass":[{"Version":1},"None"]}]}"#
)]
#[case::a_main_that_is_deleted_and_made_again_and_let_into_staging(
    r#"{"start":"Serving","rules":{"unsettled":false,"authors":true,"guard":true},"steps":[
    {"Act":["Gina",{"Delete":{"version":0}}]},{"Act":["Alice",{"Create":{"version":0,"bytes":200,"staging":true}}]},
    "SeeAll",{"Pass":[{"Version":0},"None"]},{"Act":["Bea",{"Approve":{"version":0}}]},"SeeAll",
    {"Pass":[{"Version":0},"None"]}]}"#
)]
#[case::a_previous_main_that_is_deleted_while_it_is_kept_warm_and_made_again(
    r#"{"start":"Replaced","rules":{"unsettled":true,"authors":true,"guard":true},"steps":[
    {"Act":["Alice",{"Delete":{"version":0}}]},{"Act":["Bob",{"Create":{"version":0,"bytes":200,"staging":true}}]}]}"#
)]
#[case::a_request_that_is_withdrawn_after_its_approval(
    r#"{"start":"Approved","rules":{"unsettled":false,"authors":true,"guard":true},"steps":[
    {"Act":["Rita",{"Withdraw":{"version":1}}]}]}"#
)]
#[case::a_deployment_that_waits_for_a_finalizer(
    r#"{"start":"Replaced","rules":{"unsettled":false,"authors":true,"guard":true},"steps":[
    {"Act":["Alice",{"Finalize":{"version":null,"kept":true}}]},{"Act":["Gina","DeleteDeployment"]}]}"#
)]
#[case::a_version_that_waits_for_a_finalizer(
    r#"{"start":"Approved","rules":{"unsettled":false,"authors":false,"guard":true},"steps":[
    {"Pass":["Deployment","None"]},"Settle",{"Act":["Alice",{"Finalize":{"version":1,"kept":true}}]},"SeeAll",
    {"Pass":["Deployment","None"]},{"Act":["Alice",{"Delete":{"version":1}}]}]}"#
)]
#[case::a_deployment_that_is_made_again_while_no_operator_runs(
    r#"{"start":"Approved","rules":{"unsettled":true,"authors":true,"guard":true},"steps":[
    {"Act":["Gina","DeleteDeployment"]},
    {"Act":["Gina",{"CreateDeployment":{"replicas":1,"required":true,"approvers":1}}]}]}"#
)]
#[case::a_deployment_that_is_made_again_and_looked_at_before_its_versions(
    r#"{"start":"Approved","rules":{"unsettled":false,"authors":true,"guard":true},"steps":[
    {"Act":["Gina","DeleteDeployment"]},
    {"Act":["Gina",{"CreateDeployment":{"replicas":2,"required":true,"approvers":1}}]},"Settle","SeeAll",
    {"Pass":["Deployment","None"]}]}"#
)]
#[case::a_verdict_and_an_approval_while_nobody_looks(
    r#"{"start":"Serving","rules":{"unsettled":false,"authors":true,"guard":true},"steps":[
    {"Act":["Rita",{"Request":{"version":1,"to":"Production"}}]},"SeeAll",{"Pass":[{"Version":1},"None"]},
    {"Act":["Tess",{"Accept":{"version":1,"passed":false}}]},{"Act":["Bob",{"Approve":{"version":1}}]}]}"#
)]
fn a_hole_that_is_mended_stays_mended(#[case] trace: &str) {
    let trace: Trace = serde_json::from_str(trace).expect("a trace");
    let played = play(&trace);
    assert_eq!(played.violation, None, "\n{}", played.sketch);
}
