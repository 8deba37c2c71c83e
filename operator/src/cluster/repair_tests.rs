//! What others add is removed; what the API server adds is not.

use rstest::rstest;

use super::*;

/// A Deployment as the operator wants it.
fn wanted() -> Value {
    json!({
        "metadata": {
            "name": "fraud-v1-2-0", "labels": {"a": "b"}, "ownerReferences": [{"kind": "ModelDeployment", "uid": "u"}],
            "annotations": {"understudy.dev/template": "{}"},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {
                    "volumes": [{"name": "routing", "configMap": {"name": "fraud-routing"}}],
                    "containers": [{
                        "name": "server", "image": "s:1", "resources": {"limits": {"cpu": "0.5"}},
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "metrics"}, "periodSeconds": 2},
                    }],
                },
            },
        },
    })
}

/// The same as the API server stores it.
fn stored() -> Value {
    let mut stored = wanted();
    stored["metadata"]["uid"] = json!("5e5e");
    stored["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("3");
    stored["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = json!(true);
    stored["spec"]["progressDeadlineSeconds"] = json!(600);
    stored["status"] = json!({"replicas": 2});
    let pod = &mut stored["spec"]["template"]["spec"];
    pod["restartPolicy"] = json!("Always");
    pod["dnsPolicy"] = json!("ClusterFirst");
    pod["schedulerName"] = json!("default-scheduler");
    pod["securityContext"] = json!({});
    pod["volumes"][0]["configMap"]["defaultMode"] = json!(420);
    let server = &mut pod["containers"][0];
    server["terminationMessagePath"] = json!("/dev/termination-log");
    server["terminationMessagePolicy"] = json!("File");
    server["resources"]["limits"]["cpu"] = json!("500m");
    server["readinessProbe"]["successThreshold"] = json!(1);
    server["readinessProbe"]["failureThreshold"] = json!(3);
    server["readinessProbe"]["timeoutSeconds"] = json!(1);
    server["readinessProbe"]["httpGet"]["scheme"] = json!("HTTP");
    stored
}

/// The stored object, with this value at this place.
fn edited(place: &str, value: Value) -> Value {
    let mut edited = stored();
    let mut at = &mut edited;
    for key in place.split('/') {
        at = match key.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[key],
        };
    }
    *at = value;
    edited
}

/// The merge patch that removes something.
fn merged(kind: &str, desired: &Value, actual: &Value) -> Value {
    match repair(kind, desired, actual) {
        Repair::Merge { patch, .. } => patch,
        other => panic!("nothing is removed: {other:?}"),
    }
}

#[test]
fn the_places_of_what_is_removed_are_few_and_short_whatever_others_choose() {
    let mut keys = json!({"routing.json": "{}"});
    for number in 0..100 {
        keys[format!("{number}-{}", "x".repeat(250))] = json!("y");
    }
    let found = repair("ConfigMap", &json!({"data": {"routing.json": "{}"}}), &json!({"data": keys}));
    let Repair::Merge { places, .. } = found else { panic!("nothing is removed") };
    assert_eq!(places.len(), PLACES);
    assert!(places.iter().all(|place| place.starts_with("data.") && place.len() <= LONGEST), "{places:?}");
}

#[test]
fn what_the_api_server_sets_costs_no_write() {
    assert_eq!(repair("Deployment", &wanted(), &stored()), Repair::Nothing);
}

#[test]
fn a_changed_field_is_applied_alone() {
    let scaled = edited("spec/replicas", json!(0));
    assert_eq!(repair("Deployment", &wanted(), &scaled), Repair::Requested);
}

#[rstest]
#[case::a_label("metadata/labels/more", json!("x"), json!({"metadata": {"labels": {"more": null}}}))]
#[case::a_host_setting("spec/template/spec/hostNetwork", json!(true), json!({"spec": {"template": {"spec": {"hostNetwork": null}}}}))]
#[case::another_default("spec/template/spec/dnsPolicy", json!("None"), json!({"spec": {"template": {"spec": {"dnsPolicy": null}}}}))]
#[case::a_paused_roll("spec/paused", json!(true), json!({"spec": {"paused": null}}))]
#[case::an_annotation_of_pods("spec/template/metadata/annotations", json!({"inject": "true"}), json!({"spec": {"template": {"metadata": {"annotations": null}}}}))]
#[case::owners("metadata/ownerReferences", Value::Null, json!({"metadata": {"ownerReferences": wanted()["metadata"]["ownerReferences"]}}))]
fn what_others_added_is_removed(#[case] place: &str, #[case] value: Value, #[case] patch: Value) {
    assert_eq!(merged("Deployment", &wanted(), &edited(place, value)), patch);
}

#[rstest]
#[case::env("spec/template/spec/containers/0/env", json!([{"name": "A", "value": "b"}]))]
#[case::command("spec/template/spec/containers/0/command", json!(["sh"]))]
#[case::image("spec/template/spec/containers/0/lifecycle", json!({"preStop": {}}))]
#[case::probe("spec/template/spec/containers/0/readinessProbe/exec", json!({"command": ["sh"]}))]
fn a_list_with_something_added_is_written_as_a_whole(#[case] place: &str, #[case] value: Value) {
    let patch = merged("Deployment", &wanted(), &edited(place, value));
    let pod = &patch["spec"]["template"]["spec"];
    assert_eq!(pod["containers"], wanted()["spec"]["template"]["spec"]["containers"]);
}

/// A31.
#[test]
fn text_that_reads_like_the_same_quantity_is_a_change() {
    let wanted = json!({"spec": {"template": {"spec": {"nodeSelector": {"release": "1.10"}}}}});
    let edited = json!({"spec": {"template": {"spec": {"nodeSelector": {"release": "1.1"}}}}});
    assert_eq!(repair("Deployment", &wanted, &edited), Repair::Requested);
}

#[test]
fn another_volume_or_container_is_removed() {
    let mut more = stored();
    let pod = &mut more["spec"]["template"]["spec"];
    pod["volumes"].as_array_mut().unwrap().push(json!({"name": "theirs", "emptyDir": {}}));
    let patch = merged("Deployment", &wanted(), &more);
    assert_eq!(patch["spec"]["template"]["spec"]["volumes"], wanted()["spec"]["template"]["spec"]["volumes"]);
}

#[test]
fn a_restart_by_kubectl_is_not_undone() {
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-21T12:00:00Z"});
    let place = "spec/template/metadata/annotations";
    assert_eq!(repair("Deployment", &wanted(), &edited(place, restarted)), Repair::Nothing);
}

#[rstest]
#[case::node_port("type", json!("NodePort"), "type")]
#[case::external_ips("externalIPs", json!(["192.0.2.1"]), "externalIPs")]
#[case::affinity("sessionAffinity", json!("ClientIP"), "sessionAffinity")]
#[case::not_ready("publishNotReadyAddresses", json!(true), "publishNotReadyAddresses")]
fn a_service_leads_where_the_operator_says(#[case] key: &str, #[case] value: Value, #[case] removed: &str) {
    let wanted = json!({"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}});
    let mut stored = wanted.clone();
    for (key, value) in [
        ("clusterIP", json!("10.96.0.7")),
        ("clusterIPs", json!(["10.96.0.7"])),
        ("ipFamilies", json!(["IPv4"])),
        ("ipFamilyPolicy", json!("SingleStack")),
        ("internalTrafficPolicy", json!("Cluster")),
        ("sessionAffinity", json!("None")),
        ("type", json!("ClusterIP")),
    ] {
        stored["spec"][key] = value;
    }
    assert_eq!(repair("Service", &wanted, &stored), Repair::Nothing);
    stored["spec"][key] = value;
    let removed = json!({"spec": {removed: null}});
    assert_eq!(merged("Service", &wanted, &stored), removed);
}

#[test]
fn an_extra_label_in_a_selector_or_an_extra_key_of_data_is_removed() {
    let wanted = json!({"spec": {"selector": {"a": "b"}}, "data": {"routing.json": "{}"}});
    let found = json!({"spec": {"selector": {"a": "b", "c": "d"}}, "data": {"routing.json": "{}", "more": "x"}, "binaryData": {"x": "eA=="}});
    let patch = json!({"spec": {"selector": {"c": null}}, "data": {"more": null}, "binaryData": null});
    assert_eq!(merged("ConfigMap", &wanted, &found), patch);
}
