//! The whole output of `review`, `list`, `compare` and `history`. `INSTA_UPDATE=always cargo test` rewrites the snapshots.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kubectl_understudy::{
    compare::{self, CompareReport},
    history::HistoryReport,
    list::ListReport,
    review::{self, ReviewReport, ReviewedObjects},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use understudy_crds::{Decision, Grant, HistoryEntry, ModelDeployment, ModelVersion};

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/fixtures/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T04:00:00Z".parse().unwrap()
}

fn flags() -> Vec<String> {
    vec!["-n".into(), "risk".into()]
}

fn candidate_review() -> ReviewReport {
    let (version, deployment, main): (ModelVersion, ModelDeployment, ModelVersion) =
        (read("candidate"), read("modeldeployment"), read("main"));
    let objects = ReviewedObjects { version, deployment: Some(deployment), main: Some(main) };
    ReviewReport::of(&objects).with_commands(&flags(), false)
}

#[test]
fn a_review_shows_documentation_metrics_digest_requester_and_effect() {
    insta::assert_snapshot!(review::text::full(&candidate_review(), now()));
}

#[test]
fn a_review_omits_the_name_where_the_cluster_adds_it() {
    let review = candidate_review().with_commands(&flags(), true);
    let text = review::text::full(&review, now());
    let (_, decide) = text.split_once("To decide\n").unwrap();
    insta::assert_snapshot!(decide);
}

#[test]
fn programs_get_the_review_as_json() {
    insta::assert_json_snapshot!(candidate_review());
}

/// An image is code, so a reviewer sees all of it, and what runs main.
#[test]
fn a_review_shows_the_image_by_its_digest_how_it_starts_and_whether_main_has_another_one() {
    let (mut version, deployment, main): (ModelVersion, ModelDeployment, ModelVersion) =
        (read("candidate"), read("modeldeployment"), read("main"));
    let image = |digit: &str| format!("registry.example.com/ml/mlserver@sha256:{}", digit.repeat(64));
    let runtime = |image: String| {
        serde_json::from_value(serde_json::json!({
            "image": image, "args": ["start", "/mnt\n/models"], "env": [{"name": "LEVEL", "value": "a\nb"}],
        }))
        .unwrap()
    };
    version.spec.runtime = Some(runtime(image("a")));
    let with_main = |of_main: Option<understudy_crds::Runtime>| {
        let mut main = main.clone();
        main.spec.runtime = of_main;
        let (version, deployment) = (version.clone(), Some(deployment.clone()));
        let review = ReviewReport::of(&ReviewedObjects { version, deployment, main: Some(main) });
        let text = review::text::summary(&review, now());
        let from = text.find("Runtime").unwrap();
        let to = from + text[from..].find("Examples").unwrap();
        text[from..to].to_owned()
    };
    let shown = [None, Some(runtime(image("a"))), Some(runtime(image("b")))].map(with_main).join("--\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_review_without_a_request_has_no_commands() {
    let (version, deployment): (ModelVersion, ModelDeployment) = (read("fresh"), read("modeldeployment"));
    let review = ReviewReport::of(&ReviewedObjects { version, deployment: Some(deployment), main: None });
    insta::assert_snapshot!(review::text::full(&review, now()));
}

#[test]
fn a_review_of_main_does_not_compare_main_with_itself() {
    let (version, deployment): (ModelVersion, ModelDeployment) = (read("main"), read("modeldeployment"));
    let review = ReviewReport::of(&ReviewedObjects { version, deployment: Some(deployment), main: None });
    insta::assert_snapshot!(review::text::summary(&review, now()));
}

/// Every key of the object and of the objects in it, except those with the form of the API.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                if !["transition", "approvals", "acceptance", "provenance", "documentation"]
                    .contains(&key.as_str())
                {
                    keys(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn every_json_field_is_documented() {
    let documentation = include_str!("../../docs/cli.md");
    let mut review = serde_json::to_value(candidate_review()).unwrap();
    // These have the form of the API's `status.main` and `status.comparison`, and that of `history`, which follows.
    (review["main"], review["live"], review["mainRecord"]) = (Value::Null, Value::Null, Value::Null);
    let mut all = BTreeSet::new();
    let history = HistoryReport::of_deployment(&read("rolled-back"), &[read("rolled-back-to")]);
    keys(&serde_json::to_value(&history).unwrap(), &mut all);
    let entry = &history.decisions[0].entry;
    let record = &history.main.as_ref().unwrap()[0].record;
    for of_the_api in [serde_json::to_value(entry).unwrap(), serde_json::to_value(record).unwrap()] {
        all.retain(|key| of_the_api.get(key).is_none());
    }
    keys(&review, &mut all);
    keys(&serde_json::to_value(listing(false)).unwrap(), &mut all);
    let mut compared = serde_json::to_value(compare("compared")).unwrap();
    for of_the_api in ["main", "asked", "challenger", "comparison", "drift"] {
        compared[of_the_api] = Value::Null;
    }
    keys(&compared, &mut all);
    for key in all {
        let documented =
            [format!("`{key}`"), format!("`{key}[]`")].iter().any(|form| documentation.contains(form));
        assert!(documented, "docs/cli.md does not mention {key}");
    }
}

fn listing(everywhere: bool) -> ListReport {
    ListReport::of(&[read("modeldeployment")], &[read("fresh"), read("candidate"), read("main")], everywhere)
}

#[test]
fn the_list_shows_deployments_and_versions_in_the_order_of_versions() {
    insta::assert_snapshot!(listing(false).text(now()));
}

#[test]
fn the_list_of_all_namespaces_shows_the_namespace_of_each_object() {
    insta::assert_snapshot!(listing(true).text(now()));
}

#[test]
fn programs_get_the_list_as_json() {
    insta::assert_json_snapshot!(listing(false));
}

#[test]
fn the_list_of_an_empty_namespace_says_that_it_is_empty() {
    insta::assert_snapshot!(ListReport::of(&[], &[], false).text(now()));
}

fn compare(name: &str) -> CompareReport {
    CompareReport::of(&read(name), &flags())
}

#[test]
fn the_comparison_shows_agreement_both_roles_and_drift() {
    insta::assert_snapshot!(compare::text::full(&compare("compared"), now()));
}

#[test]
fn programs_get_the_comparison_as_json() {
    insta::assert_json_snapshot!(compare("compared"));
}

#[test]
fn the_comparison_explains_pairs_and_values() {
    let text = compare::text::full(&compare("compared"), now());
    assert!(
        text.contains(
            "A pair is one row of a call that both answered with a prediction. Copied calls: 5030."
        ),
        "{text}"
    );
    assert!(text.contains("label              5995     96.5 %"), "{text}");
    assert!(text.contains("Scores are compared class by class; of two classes, only the second."), "{text}");
}

#[test]
fn a_small_sample_does_not_look_like_a_result() {
    insta::assert_snapshot!(compare::text::full(&compare("few"), now()));
}

#[test]
fn a_challenger_without_calls_has_a_reason_and_the_earlier_comparison_stays() {
    insta::assert_snapshot!(compare::text::full(&compare("not-accepted"), now()));
}

#[test]
fn a_comparison_without_a_challenger_says_how_to_set_one() {
    insta::assert_snapshot!(compare::text::full(&compare("modeldeployment"), now()));
}

#[test]
fn a_comparison_without_pairs_has_no_figures() {
    let mut md: ModelDeployment = read("few");
    let status = md.status.as_mut().unwrap();
    let comparison = status.comparison.as_mut().unwrap();
    (comparison.pairs, comparison.copied) = (0, 0);
    comparison.roles.clear();
    insta::assert_snapshot!("no_pairs_yet", compare::text::full(&CompareReport::of(&md, &flags()), now()));
    md.status.as_mut().unwrap().comparison = None;
    md.spec.challenger.as_mut().unwrap().sample_percent = 0;
    insta::assert_snapshot!(
        "no_pairs_by_choice",
        compare::text::full(&CompareReport::of(&md, &flags()), now())
    );
}

#[test]
fn a_new_main_is_not_shown_with_the_figures_of_the_previous_main() {
    let mut md: ModelDeployment = read("compared");
    md.status.as_mut().unwrap().main.as_mut().unwrap().digest = "sha256:another".to_owned();
    let text = compare::text::full(&CompareReport::of(&md, &flags()), now());
    assert!(text.contains("Before          1.3.0 with main 1.2.0: 5995 pairs"), "{text}");
}

#[test]
fn a_review_of_the_challenger_shows_its_agreement_with_main() {
    let (version, deployment): (ModelVersion, ModelDeployment) = (read("candidate"), read("compared"));
    let review = ReviewReport::of(&ReviewedObjects { version, deployment: Some(deployment), main: None });
    let text = review::text::summary(&review, now());
    assert!(
        text.contains("challenger of 1.2.0, 5995 pairs as of 5s ago: label agrees 96.5 % (96.0 to 96.9)"),
        "{text}"
    );
}

#[test]
fn the_history_of_a_deployment_shows_what_was_main_and_every_decision() {
    let record = HistoryReport::of_deployment(&read("modeldeployment"), &[read("candidate"), read("main")]);
    insta::assert_snapshot!(record.text());
}

#[test]
fn the_history_of_a_version_shows_who_decided_what_when_and_why() {
    insta::assert_snapshot!(HistoryReport::of_version(&read("candidate")).text());
}

#[test]
fn programs_get_the_history_as_json() {
    insta::assert_json_snapshot!(HistoryReport::of_version(&read("candidate")));
}

#[test]
fn the_history_of_a_rollback_shows_the_user_and_the_original_approval() {
    let report = HistoryReport::of_deployment(&read("rolled-back"), &[read("rolled-back-to")]);
    insta::assert_snapshot!("the_history_of_a_rollback", report.text());
    insta::assert_json_snapshot!("the_history_of_a_rollback_as_json", report);
}

#[test]
fn the_history_of_a_rollback_is_the_same_for_records_of_older_operators() {
    let (mut newer, version): (ModelDeployment, ModelVersion) = (read("rolled-back"), read("rolled-back-to"));
    let older = HistoryReport::of_deployment(&newer, std::slice::from_ref(&version)).text();
    let record = newer.status.as_mut().unwrap().history.last_mut().unwrap();
    record.approved_by = "carol".to_owned();
    record.approved_at = Some("2026-11-01T09:00:00Z".parse::<Timestamp>().unwrap().into());
    let mut newer_version = version;
    newer_version.status.as_mut().unwrap().history.last_mut().unwrap().decided_by = "carol".to_owned();
    assert_eq!(HistoryReport::of_deployment(&newer, &[newer_version]).text(), older);
}

#[test]
fn the_history_of_a_rollback_shows_the_approver_of_a_deleted_version() {
    let mut md: ModelDeployment = read("rolled-back");
    let row = |md: &ModelDeployment| {
        let text = HistoryReport::of_deployment(md, &[]).text();
        text.lines().find(|line| line.contains("rolled back by erin")).unwrap().to_owned()
    };
    assert!(row(&md).contains("dave           carol         -"), "{}", row(&md));
    // The oldest entries of a long record are dropped: then the row of the rollback itself names the approver.
    let records = &mut md.status.as_mut().unwrap().history;
    records.remove(0);
    let record = records.last_mut().unwrap();
    record.approved_by = "carol".to_owned();
    record.approved_at = Some("2026-11-01T09:00:00Z".parse::<Timestamp>().unwrap().into());
    assert!(row(&md).contains("carol         2026-11-01 09:00:00Z"), "{}", row(&md));
}

#[test]
fn the_history_shows_comments_everybody_who_approved_and_what_callers_had_to_change() {
    let (mut md, mut version): (ModelDeployment, ModelVersion) =
        (read("rolled-back"), read("rolled-back-to"));
    let entry = &mut version.status.as_mut().unwrap().history[0];
    entry.comment = Some("retrained on October".to_owned());
    entry.breaking = Some("1.2.0 needs the input age (FP32 [-1, 1]), which main does not have".to_owned());
    let grant = |by: &str, comment: Option<&str>| Grant {
        by: by.to_owned(),
        at: entry.decided_at.clone(),
        comment: comment.map(str::to_owned),
    };
    entry.approvals = vec![grant("frank", None), grant("carol", Some("callers know"))];
    let withdrawn = HistoryEntry {
        id: "2b2b2b2b2b2b-end".to_owned(),
        decision: Decision::Withdrawn,
        reason: Some("too early".to_owned()),
        ..entry.clone()
    };
    version.status.as_mut().unwrap().history.push(withdrawn);
    let record = &mut md.status.as_mut().unwrap().history[2];
    record.comment = Some("too many false alarms".to_owned());
    record.breaking = Some("1.2.0 needs the input age (FP32 [-1, 1]), which main does not have".to_owned());
    insta::assert_snapshot!(HistoryReport::of_deployment(&md, &[version]).text());
}

#[test]
fn the_record_of_a_deleted_version_is_not_taken_from_one_that_was_created_under_its_name() {
    let (mut md, mut version): (ModelDeployment, ModelVersion) =
        (read("rolled-back"), read("rolled-back-to"));
    for record in &mut md.status.as_mut().unwrap().history {
        record.uid = Some("of-the-deleted-one".to_owned());
    }
    version.metadata.uid = Some("of-another-one".to_owned());
    let entry = &mut version.status.as_mut().unwrap().history[0];
    entry.decided_by = "mallory".to_owned();
    let rows = |md: &ModelDeployment| {
        let text = HistoryReport::of_deployment(md, std::slice::from_ref(&version)).text();
        text.split_once("What was decided").unwrap().0.to_owned()
    };
    assert!(!rows(&md).contains("mallory"), "{}", rows(&md));
    for record in &mut md.status.as_mut().unwrap().history {
        record.uid = None;
    }
    assert!(rows(&md).contains("mallory"), "a record of an older operator has no uid: {}", rows(&md));
}

#[test]
fn a_comment_cannot_look_like_an_approval() {
    let mut version: ModelVersion = read("candidate");
    let transition = version.status.as_mut().unwrap().transition.as_mut().unwrap();
    transition.approvals[0].comment = Some("fine\ndave 1m ago: fine".to_owned());
    let review = ReviewReport::of(&ReviewedObjects { version, deployment: None, main: None });
    let text = review::text::summary(&review, now());
    assert!(text.contains("carol 1h ago: fine dave 1m ago: fine\n"), "{text}");
}

#[test]
fn a_review_shows_who_rolled_main_back_and_who_approved_it() {
    let (version, deployment, main): (ModelVersion, ModelDeployment, ModelVersion) =
        (read("candidate"), read("rolled-back"), read("rolled-back-to"));
    let objects = ReviewedObjects { version, deployment: Some(deployment), main: Some(main) };
    let text = review::text::summary(&ReviewReport::of(&objects), now());
    let why = "1.2.0 (fraud-1.2.0) since 2026-11-20 15:00:00Z, rolled back by erin; carol approved it for Production at 2026-11-01 09:00:00Z";
    assert!(text.contains(why), "{text}");
}
