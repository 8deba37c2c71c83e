//! The commands that `review` suggests and `--show-kubectl` prints work on the present cluster.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::api_server::{ApiServer, Request, fixture};

/// A cluster whose API server serves these resources of `admissionregistration.k8s.io/v1`.
fn cluster(resources: &'static [&'static str]) -> ApiServer {
    ApiServer::start(move |request: &Request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let resources = || -> Vec<Value> {
            let resource = |name: &&str| json!({"name": name, "singularName": "", "namespaced": false, "kind": "Any", "verbs": ["get", "list"]});
            resources.iter().map(resource).collect()
        };
        match path {
            "/apis/authentication.k8s.io/v1/selfsubjectreviews" => Some(json!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {},
                "status": {"userInfo": {"username": "bob"}},
            })),
            "/apis/admissionregistration.k8s.io/v1" if !resources().is_empty() => Some(json!({
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "admissionregistration.k8s.io/v1",
                "resources": resources(),
            })),
            path if path.ends_with("/modelversions/fraud-1.3.0") => Some(fixture("candidate")),
            path if path.ends_with("/modelversions/fraud-1.2.0") => Some(fixture("main")),
            path if path.ends_with("/modeldeployments/fraud") => Some(fixture("modeldeployment")),
            _ => None,
        }
    })
}

const BEFORE_1_36: &[&str] = &["validatingadmissionpolicies", "validatingadmissionpolicybindings"];
const SINCE_1_36: &[&str] =
    &["mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "validatingadmissionpolicies"];

fn stdout(cluster: &ApiServer, arguments: &[&str]) -> String {
    let output = cluster.plugin(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn commands(cluster: &ApiServer) -> Value {
    let review: Value =
        serde_json::from_str(&stdout(cluster, &["review", "fraud-1.3.0", "-o", "json"])).unwrap();
    review["commands"].clone()
}

#[test]
fn a_cluster_that_adds_the_name_gets_a_command_without_it() {
    let cluster = cluster(SINCE_1_36);
    let commands = commands(&cluster);
    assert_eq!(
        commands["kubectlApprove"],
        "kubectl annotate mv fraud-1.3.0 --overwrite understudy.dev/approve=6f1c2b3d4e5f -n risk"
    );
    assert_eq!(
        commands["kubectlReject"],
        "kubectl annotate mv fraud-1.3.0 --overwrite understudy.dev/reason=WHY understudy.dev/reject=6f1c2b3d4e5f -n risk"
    );
    let text = stdout(&cluster, &["review", "fraud-1.3.0"]);
    assert!(!text.contains("YOUR-NAME understudy"), "{text}");
    assert!(text.contains("add understudy.dev/approved-by=YOUR-NAME"), "{text}");
}

#[test]
fn other_clusters_get_a_command_with_the_name_of_the_approver() {
    // Without a result of the discovery too: the name is valid on every cluster.
    for resources in [BEFORE_1_36, &[]] {
        let commands = commands(&cluster(resources));
        assert_eq!(
            commands["kubectlApprove"],
            "kubectl annotate mv fraud-1.3.0 --overwrite understudy.dev/approve=6f1c2b3d4e5f understudy.dev/approved-by=YOUR-NAME -n risk"
        );
    }
}

#[test]
fn show_kubectl_prints_the_name_of_the_user_which_is_valid_on_every_cluster() {
    for resources in [BEFORE_1_36, SINCE_1_36] {
        let shown = stdout(&cluster(resources), &["approve", "fraud-1.3.0", "--show-kubectl"]);
        assert_eq!(
            shown,
            "kubectl annotate mv fraud-1.3.0 --overwrite understudy.dev/approve=6f1c2b3d4e5f understudy.dev/approved-by=bob -n risk\n"
        );
    }
}
