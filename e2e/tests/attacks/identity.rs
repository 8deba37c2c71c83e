//! The examples of `approval.identityExpression` in docs/operations.md, as the API server evaluates them.

use std::{path::Path, process::Command};

use k8s_openapi::api::{
    admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    core::v1::ConfigMap,
};
use kube::{
    Api,
    api::{DeleteParams, ObjectMeta, PostParams},
};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    people::{Person, ROOT},
    world::World,
};

const PERSON: &[&str] = &["system:authenticated"];
const DEADLINE: std::time::Duration = std::time::Duration::from_mins(1);

const fn account(name: &'static str, extra: &'static [(&'static str, &'static str)]) -> Person {
    Person { name, groups: PERSON, extra }
}

const ROLE: &str = "arn:aws:iam::111122223333:role/ml-lead";
const EKS_ONE: Person = account(
    "arn:aws:sts::111122223333:assumed-role/ml-lead/one",
    &[("canonicalArn", ROLE), ("sessionName", "one")],
);
const EKS_TWO: Person = account(
    "arn:aws:sts::111122223333:assumed-role/ml-lead/two",
    &[("canonicalArn", ROLE), ("sessionName", "two")],
);
const SSO: Person = account(
    "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Lead_0a1b/alice@example.com",
    &[
        ("canonicalArn", "arn:aws:iam::111122223333:role/AWSReservedSSO_Lead_0a1b"),
        ("sessionName", "alice@example.com"),
    ],
);
const GOOGLE: Person = account("Alice@Example.com", &[]);
const ENTRA: Person = account("alice@example.com", &[("oid", "5c0f8f1e-0000-4000-8000-000000000001")]);
const SECOND: Person = account("alice-admin", &[]);
const EMPLOYEE: Person = account("alice", &[("example.com/employee", "4711")]);
const ROBOT: Person = account("system:serviceaccount:ci:pipeline-admin", &[("canonicalArn", ROLE)]);

/// The expression of this row of the table in docs/operations.md.
fn documented(cluster: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let row = page.lines().find(|line| line.starts_with(&format!("| {cluster} | `")));
    let row = row.unwrap_or_else(|| panic!("docs/operations.md has no row for {cluster}"));
    row.split('`').nth(1).unwrap().to_owned()
}

/// The expression by which the chart's policy knows a person, with this value.
fn rendered(expression: &str) -> String {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/understudy");
    let values = json!({"approval": {"identityExpression": expression}}).to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values).unwrap();
    let mut helm = Command::new("helm");
    helm.args([
        "template",
        "understudy",
        chart.to_str().unwrap(),
        "-s",
        "templates/approval-policy.yaml",
        "-f",
    ]);
    let output = helm.arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifests = String::from_utf8(output.stdout).unwrap();
    let policy =
        manifests.split("---").find(|text| text.contains("kind: ValidatingAdmissionPolicy\n")).unwrap();
    let policy: Value = serde_saphyr::from_str(policy).unwrap();
    let variables = policy["spec"]["variables"].as_array().unwrap();
    let me = variables.iter().find(|variable| variable["name"] == "me").unwrap();
    me["expression"].as_str().unwrap().to_owned()
}

/// Who the API server says this account is, by the refusal of a policy that only says that.
async fn person_behind(w: &World, person: Person) -> String {
    let maps = Api::<ConfigMap>::namespaced(w.client(person), &w.ns);
    let map = ConfigMap {
        metadata: ObjectMeta { name: Some("who-am-i".to_owned()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    };
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let told = timeout(DEADLINE, async {
        loop {
            match maps.create(&dry_run, &map).await {
                Err(kube::Error::Api(status)) if status.message.contains("<<") => {
                    break status.message.clone();
                }
                _ => {}
            }
        }
    });
    let told = told.await.expect("the policy takes effect in time");
    told.split("<<").nth(1).and_then(|rest| rest.split(">>").next()).unwrap().to_owned()
}

#[rstest]
#[case::eks("EKS", &[(EKS_ONE, ROLE), (EKS_TWO, ROLE), (SECOND, "alice-admin"), (ROBOT, ROBOT.name)])]
#[case::identity_center("EKS with IAM Identity Center", &[(SSO, "alice@example.com"), (EKS_ONE, ROLE), (SECOND, "alice-admin")])]
#[case::gke("GKE", &[(GOOGLE, "alice@example.com")])]
#[case::aks("AKS with Entra ID", &[(ENTRA, "5c0f8f1e-0000-4000-8000-000000000001"), (SECOND, "alice-admin")])]
#[case::second_account("OIDC", &[(SECOND, "alice"), (EMPLOYEE, "alice"), (ROBOT, ROBOT.name)])]
#[case::claim("OIDC with a claim in extra", &[(EMPLOYEE, "4711"), (SECOND, "alice-admin")])]
#[tokio::test]
async fn a19_each_documented_expression_gives_the_person_behind_an_account(
    #[case] cluster: &str,
    #[case] accounts: &[(Person, &str)],
) {
    let w = World::new().await;
    let name = format!("who-{}", w.ns);
    let expression = rendered(&documented(cluster));
    let policy: ValidatingAdmissionPolicy = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]},
            ]},
            "variables": [{"name": "me", "expression": expression}],
            "validations": [{"expression": "false", "messageExpression": "'<<' + variables.me + '>>'"}],
        },
    }))
    .unwrap();
    let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": w.ns}}},
        },
    }))
    .unwrap();
    let (policies, bindings) = (Api::all(w.client(ROOT)), Api::all(w.client(ROOT)));
    policies.create(&PostParams::default(), &policy).await.unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    for (person, expected) in accounts {
        w.allow_in(*person, &[""], &[(&["create"], &["configmaps"], &[])]).await;
        assert_eq!(person_behind(&w, *person).await, *expected, "{cluster}: {}", person.name);
    }
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    policies.delete(&name, &DeleteParams::default()).await.unwrap();
}
