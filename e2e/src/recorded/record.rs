//! Reads what an operator has left behind in a namespace.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    jiff::Timestamp,
};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{
    stand_in::{self, FINGERPRINT, NAMESPACE},
    state::State,
};
use crate::bare::World;

/// Name of the approval policy and of its binding.
const POLICY: &str = "understudy-approval";
/// The kinds in the order in which their objects are created again. Pods follow from Deployments.
const KINDS: [&str; 6] =
    ["ModelDeployment", "ModelVersion", "Deployment", "Service", "ConfigMap", "PodDisruptionBudget"];
/// Metadata that the API server sets.
const SET: [&str; 3] = ["creationTimestamp", "namespace", "selfLink"];
/// Stands for the policy in a history.
const NO_POLICY: &str = "00000000-0000-0000-0000-000000000000";

/// The objects of a model, with stand-ins for what is different on each run.
pub async fn record(world: &World, state: &State) -> Result<Vec<Value>> {
    let mut objects = Value::Array(KINDS.iter().flat_map(|kind| ordered(state, kind)).collect());
    let (policy, fingerprint) = installed_policy(world).await?;
    stand_in::replace(&mut objects, &fingerprint, FINGERPRINT);
    stand_in::replace(&mut objects, &policy, NO_POLICY);
    stand_in::replace(&mut objects, world.namespace(), NAMESPACE);
    for (from, to) in uids(&objects)?.into_iter().chain(pods(state)).chain(transitions(&objects)) {
        stand_in::replace(&mut objects, &from, &to);
    }
    stand_in::without_times(&mut objects, Timestamp::now())?;
    let Value::Array(mut objects) = objects else { unreachable!("it is made as an array above") };
    for object in &mut objects {
        plain(object)?;
    }
    Ok(objects)
}

/// The oldest first: the operator's order of versions follows from their age.
fn ordered(state: &State, kind: &str) -> Vec<Value> {
    let mut all: Vec<Value> = state.of_kind(kind).map(|(_, object)| object.clone()).collect();
    all.sort_by_key(|object| object["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned());
    all
}

/// The uid of the approval policy, and the identity of policy and binding as the operator writes it.
pub(super) async fn installed_policy(world: &World) -> Result<(String, String)> {
    let client = world.server().admin()?;
    let policy = Api::<ValidatingAdmissionPolicy>::all(client.clone()).get(POLICY).await?;
    let binding = Api::<ValidatingAdmissionPolicyBinding>::all(client).get(POLICY).await?;
    let uid = policy.uid().context("a stored object has a uid")?;
    let identity = |uid: Option<String>, generation: Option<i64>| {
        format!("{}/{}", uid.unwrap_or_default(), generation.unwrap_or_default())
    };
    let of_policy = identity(policy.uid(), policy.metadata.generation);
    Ok((uid, format!("{of_policy} {}", identity(binding.uid(), binding.metadata.generation))))
}

fn uids(objects: &Value) -> Result<Vec<(String, String)>> {
    let of = |object: &Value| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (kind, metadata) = (text(&object["kind"])?, &object["metadata"]);
        Some((text(&metadata["uid"])?, stand_in::uid(&kind, &text(&metadata["name"])?)))
    };
    list(objects).iter().map(|object| of(object).context("each object has kind, name and uid")).collect()
}

/// The generated names of pods, which are in messages.
fn pods(state: &State) -> Vec<(String, String)> {
    let prefix = |pod: &Value| pod["metadata"]["generateName"].as_str().unwrap_or("pod-").to_owned();
    state.of_kind("Pod").map(|(name, pod)| (name.to_owned(), format!("{}pod", prefix(pod)))).collect()
}

/// The ids of transitions, which are random, in the order in which the objects name them.
fn transitions(objects: &Value) -> Vec<(String, String)> {
    let mut known = BTreeMap::new();
    for version in list(objects) {
        let status = &version["status"];
        let history = status["history"].as_array().into_iter().flatten();
        for id in history.chain([&status["transition"]]).filter_map(|record| record["id"].as_str()) {
            let next = known.len() + 1;
            // The end of an approved request has the id of the approval, and a suffix.
            known
                .entry(id.split('-').next().unwrap_or(id).to_owned())
                .or_insert_with(|| stand_in::transition(next));
        }
    }
    known.into_iter().collect()
}

fn list(objects: &Value) -> &[Value] {
    objects.as_array().map_or(&[], Vec::as_slice)
}

/// Removes what the API server or a controller sets.
fn plain(object: &mut Value) -> Result<()> {
    let is_ours = object["apiVersion"].as_str().is_some_and(|version| version.starts_with("understudy.dev/"));
    let fields = object.as_object_mut().context("an object")?;
    if !is_ours {
        fields.remove("status");
    }
    let metadata = fields["metadata"].as_object_mut().context("metadata")?;
    ensure!(!metadata.contains_key("deletionTimestamp"), "{metadata:?} is being deleted");
    for field in SET.iter().chain((!is_ours).then_some(&"generation")) {
        metadata.remove(*field);
    }
    for entry in
        fields.get_mut("status").and_then(|status| status["history"].as_array_mut()).into_iter().flatten()
    {
        if let Some(version) = entry.pointer_mut("/policy/resourceVersion") {
            *version = json!("1");
        }
    }
    if fields["kind"] == "Service"
        && let Some(spec) = fields["spec"].as_object_mut()
        && spec.get("clusterIP").is_some_and(|address| address != "None")
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    Ok(())
}
