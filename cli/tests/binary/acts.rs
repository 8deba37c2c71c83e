//! Acts of people on a cluster whose policy knows them by other names, requires comments, or needs several approvers.

use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::api_server::{ApiServer, Request, fixture};

const DENIED: &str =
    "ValidatingAdmissionPolicy 'understudy-approval' with binding 'understudy-approval' denied request: ";
/// Bob's name in the record.
const BOB: &str = "arn:aws:iam::111122223333:role/bob";

/// A cluster with `fraud`. `answer` is the response to a patch; the user is `user`.
fn cluster(
    user: &'static str,
    candidate: Value,
    answer: impl Fn(&Value) -> Result<Value, Value> + Send + Sync + 'static,
) -> ApiServer {
    ApiServer::start(move |request: &Request| {
        let path = request.target.split('?').next().unwrap_or_default();
        if request.method == "PATCH" {
            return Some(match answer(&serde_json::from_str(&request.body).unwrap()) {
                Ok(object) | Err(object) => object,
            });
        }
        match path {
            "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Some(json!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {},
                "status": {"userInfo": {"username": user}},
            })),
            path if path.ends_with("/modelversions/fraud-1.3.0") => Some(candidate.clone()),
            path if path.ends_with("/modelversions/fraud-1.2.0") => Some(fixture("main")),
            path if path.ends_with("/modeldeployments/fraud") => Some(fixture("modeldeployment")),
            _ => None,
        }
    })
}

fn refusal(code: u16, message: &str) -> Value {
    let words = format!("{DENIED}{message}");
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": format!("x is forbidden: {words}"),
        "details": {"causes": [{"message": words}]}})
}

/// The object after a patch of its annotations.
fn patched(object: &str, patch: &Value) -> Value {
    let mut after = fixture(object);
    after["metadata"]["annotations"] = patch["metadata"]["annotations"].clone();
    after
}

fn run(cluster: &ApiServer, arguments: &[&str]) -> Output {
    cluster.plugin(arguments).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_approval_is_written_once_more_with_the_name_that_the_policy_demands() {
    let cluster = cluster("bob", fixture("candidate"), |patch| {
        let by = &patch["metadata"]["annotations"]["understudy.dev/approved-by"];
        if by != BOB {
            let words = format!("this approval must carry the annotation understudy.dev/approved-by: {BOB}");
            return Err(refusal(403, &words));
        }
        Ok(patched("candidate", patch))
    });
    let done: Value =
        serde_json::from_str(&stdout(&run(&cluster, &["approve", "fraud-1.3.0", "--yes", "-o", "json"])))
            .unwrap();
    assert_eq!((&done["by"], &done["approvalsNeeded"]), (&json!(BOB), &json!(0)));
    assert!(
        done["kubectl"][0].as_str().unwrap().contains(&format!("understudy.dev/approved-by={BOB}")),
        "{done}"
    );
    assert_eq!(cluster.received("PATCH").len(), 2);
}

#[test]
fn a_rollback_is_written_once_more_with_the_name_that_the_policy_demands() {
    let cluster = cluster("bob", fixture("candidate"), |patch| {
        let by = &patch["metadata"]["annotations"]["understudy.dev/rollback-by"];
        if by != BOB {
            let words = "a rollback consists of the annotations understudy.dev/rollback: <version>#<new suffix> and understudy.dev/rollback-by: ";
            return Err(refusal(403, &format!("{words}{BOB}")));
        }
        Ok(patched("modeldeployment", patch))
    });
    let done = stdout(&run(&cluster, &["rollback", "fraud", "1.1.0", "--reason", "too slow", "--yes"]));
    assert_eq!(done, format!("{BOB} requested the rollback of fraud: 1.2.0 -> 1.1.0: too slow\n"));
}

#[test]
fn a_name_that_the_policy_refuses_twice_is_not_written_a_third_time() {
    let cluster = cluster("bob", fixture("candidate"), |_| {
        let words = format!("this approval must carry the annotation understudy.dev/approved-by: {BOB}");
        Err(refusal(403, &words))
    });
    let why = stderr(&run(&cluster, &["approve", "fraud-1.3.0", "--yes"]));
    assert!(why.contains(&format!("must carry the annotation understudy.dev/approved-by: {BOB}")), "{why}");
    assert_eq!(cluster.received("PATCH").len(), 2);
}

#[test]
fn another_refusal_is_not_answered_with_a_second_write() {
    let words = "bob may not decide on the stage Production (needs the verb approve on stages/production)";
    let cluster = cluster("bob", fixture("candidate"), |_| Err(refusal(403, words)));
    let why = stderr(&run(&cluster, &["approve", "fraud-1.3.0", "--yes"]));
    assert!(why.contains("refused: bob may not decide on the stage Production"), "{why}");
    assert_eq!(cluster.received("PATCH").len(), 1);
}

#[test]
fn the_name_that_the_api_server_wrote_is_the_one_that_is_printed() {
    let cluster = cluster("bob", fixture("candidate"), |patch| {
        let mut after = patched("candidate", patch);
        after["metadata"]["annotations"]["understudy.dev/rejected-by"] = json!(BOB);
        Ok(after)
    });
    let done = stdout(&run(&cluster, &["reject", "fraud-1.3.0", "--reason", "recall fell", "--yes"]));
    assert!(done.starts_with(&format!("{BOB} rejected 6f1c2b3d4e5f")), "{done}");
}

#[test]
fn a_cluster_that_requires_a_comment_gets_it_by_the_flag() {
    let cluster = cluster("bob", fixture("candidate"), |patch| {
        if patch["metadata"]["annotations"]["understudy.dev/reason"].is_string() {
            return Ok(patched("candidate", patch));
        }
        Err(refusal(422, "this cluster requires a comment: set the annotation understudy.dev/reason"))
    });
    let why = stderr(&run(&cluster, &["approve", "fraud-1.3.0", "--yes"]));
    assert!(
        why.contains("refused: this cluster requires a comment") && why.contains("add --reason"),
        "{why}"
    );
    let done = stdout(&run(&cluster, &["approve", "fraud-1.3.0", "--reason", "recall is back", "--yes"]));
    assert!(
        done.starts_with("bob approved 6f1c2b3d4e5f, fraud 1.3.0: Staging -> Production: recall is back\n"),
        "{done}"
    );
}

#[test]
fn a_second_approval_under_the_name_that_the_api_server_writes_is_not_shown_as_one() {
    let mut candidate = fixture("candidate");
    candidate["status"]["transition"]["approvals"][0]["by"] = json!(BOB);
    let cluster = cluster("bob", candidate, |patch| {
        let mut after = patched("candidate", patch);
        after["metadata"]["annotations"]["understudy.dev/approved-by"] = json!(BOB);
        Ok(after)
    });
    let why = stderr(&run(&cluster, &["approve", "fraud-1.3.0", "--yes"]));
    let words =
        format!("refused: {BOB} has approved this transition, and nobody counts twice: 1 of 2 people");
    assert!(why.contains(&words), "{why}");
}

#[test]
fn an_approval_that_is_not_the_last_one_prints_the_command_for_the_next_person() {
    let mut candidate = fixture("candidate");
    candidate["status"]["transition"]["approvers"] = json!(3);
    let written = candidate.clone();
    let cluster = cluster("bob", candidate, move |_| Ok(written.clone()));
    let done = stdout(&run(&cluster, &["approve", "fraud-1.3.0", "--yes"]));
    let rest = "1 more person must review and approve it, with:\n  kubectl understudy review fraud-1.3.0 -n risk\n  kubectl understudy approve fraud-1.3.0 --id 6f1c2b3d4e5f -n risk\n";
    assert!(done.ends_with(rest), "{done}");
}

#[test]
fn a_person_who_cannot_approve_learns_that_before_the_write() {
    for (user, words) in [
        ("alice", "refused: four eyes: alice requested this transition, somebody else must approve it"),
        (
            "carol",
            "refused: carol has approved this transition, and nobody counts twice: 1 of 2 people have approved (carol)",
        ),
    ] {
        let cluster = cluster(user, fixture("candidate"), |patch| Ok(patched("candidate", patch)));
        let why = stderr(&run(&cluster, &["approve", "fraud-1.3.0", "--yes"]));
        assert!(why.contains(words), "{why}");
        assert_eq!(cluster.received("PATCH").len(), 0);
    }
}
