//! A status fits into its schema, whatever texts and lists it is made of.

use std::fmt::Debug;

use kube::CustomResourceExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, ModelDeploymentStatus, ModelVersion, ModelVersionStatus,
    conformance::{example, flaws, leaves, schema},
};

/// Conditions are a type of Kubernetes, whose schema has no limits.
const IMPORTED: &str = "/conditions";

#[test]
fn every_text_and_every_list_of_a_status_has_a_limit() {
    let mut without = vec![];
    for (kind, schema) in [
        ("ModelVersion", schema::<ModelVersion>("status")),
        ("ModelDeployment", schema::<ModelDeployment>("status")),
    ] {
        for leaf in leaves(&schema) {
            let limited = match leaf.schema["type"].as_str() {
                Some("string") => {
                    leaf.schema["maxLength"].is_u64()
                        || leaf.schema["enum"].is_array()
                        || leaf.schema["format"] == json!("date-time")
                }
                Some("array") => leaf.schema["maxItems"].is_u64(),
                _ => true,
            };
            if !limited && !leaf.pointer.starts_with(&format!("{IMPORTED}/0")) {
                without.push(format!("{kind}: {}", leaf.pointer));
            }
        }
    }
    assert!(without.is_empty(), "{}", without.join("\n"));
}

/// Makes each text and each list of the status too long, one after the other, and expects that `bounded` cuts it.
fn too_long<K, S>(bounded: impl Fn(S) -> S)
where
    K: CustomResourceExt,
    S: Serialize + DeserializeOwned + PartialEq + Clone + Debug,
{
    let schema = schema::<K>("status");
    let base = example(&schema);
    assert_eq!(flaws(&schema, &base), [""; 0], "the example fits");
    let mut tried = 0;
    for leaf in leaves(&schema) {
        let mut status = base.clone();
        let place = status.pointer_mut(&leaf.pointer).expect("the example has every leaf");
        match leaf.schema["type"].as_str() {
            Some("string") if leaf.schema["enum"].is_null() && leaf.schema["format"].is_null() => {
                *place = json!("é".repeat(40_000));
            }
            Some("array") => match many(&leaf.schema, &place[0]) {
                Some(entries) => *place = entries,
                None => continue,
            },
            _ => continue,
        }
        tried += 1;
        let status: S = serde_json::from_value(status).expect("the status is read");
        let cut = bounded(status);
        let found = flaws(&schema, &serde_json::to_value(&cut).expect("a status serialises"));
        assert!(found.is_empty(), "{}: {found:?}", leaf.pointer);
        assert_eq!(bounded(cut.clone()), cut, "{}: cut again", leaf.pointer);
    }
    assert!(tried > 20, "only {tried} texts and lists were found");
    let whole: S = serde_json::from_value(base).expect("the status is read");
    assert_eq!(bounded(whole.clone()), whole, "what fits stays as it is");
}

/// 400 entries like this one, each with a key of its own. `None` if there are not so many keys.
fn many(schema: &Value, item: &Value) -> Option<Value> {
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    let free = |key: &&str| schema["items"]["properties"][key]["enum"].is_null();
    let key = keys.and_then(|keys| keys.iter().filter_map(Value::as_str).find(free));
    if keys.is_some() && key.is_none() {
        return None;
    }
    let entry = |index: usize| {
        let mut entry = item.clone();
        if let Some(key) = key {
            entry[key] = json!(format!("{index}"));
        }
        entry
    };
    Some((0..400).map(entry).collect())
}

#[test]
fn a_status_of_a_version_fits_however_long_its_texts_and_lists_are() {
    too_long::<ModelVersion, _>(ModelVersionStatus::bounded);
}

#[test]
fn a_status_of_a_deployment_fits_however_long_its_texts_and_lists_are() {
    too_long::<ModelDeployment, _>(ModelDeploymentStatus::bounded);
}

#[test]
fn the_number_of_tensors_that_are_not_listed_is_shown() {
    let tensor = json!({"name": "x", "datatype": "FP32", "shape": [-1]});
    let many = |count| json!(vec![tensor.clone(); count]);
    let model = json!({"inputs": many(300), "outputs": many(257), "opset": 17, "bytes": 1});
    let status: ModelVersionStatus = serde_json::from_value(json!({"model": model})).expect("a status");
    let model = status.bounded().model.expect("a signature");
    assert_eq!((model.inputs.len(), model.outputs.len(), model.omitted), (256, 256, 45));
}

#[test]
fn the_newest_versions_that_were_main_stay_in_the_history() {
    let row = |index| {
        json!({"version": format!("1.{index}.0"), "modelVersion": "fraud", "digest": "d", "reason": "Promoted",
            "from": "2026-11-21T12:00:00Z", "requestedBy": "alice", "approvedBy": "bob", "transition": "6f1c2b"})
    };
    let history: Vec<_> = (0..130).map(row).collect();
    let status: ModelDeploymentStatus =
        serde_json::from_value(json!({"history": history})).expect("a status");
    let history = status.bounded().history;
    assert_eq!((history.len(), history[99].version.as_str()), (100, "1.129.0"));
}
