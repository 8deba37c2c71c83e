//! Creates recorded objects again, as the operator of that release left them.

use anyhow::{Context, Result, ensure};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use understudy_crds::ModelVersion;

use super::{
    record::installed_policy,
    stand_in::{self, FINGERPRINT, NAMESPACE},
};
use crate::bare::{OPERATOR, World};

/// Creates the objects in the world's namespace, with their status. No approval policy may be in force: it would refuse a
/// history that was not written step by step. Call [`under_the_installed_policy`] when one is.
pub async fn restore(world: &World, objects: Vec<Value>) -> Result<()> {
    let client = world.server().client_of_operator()?;
    let mut objects = Value::Array(objects);
    stand_in::with_times(&mut objects, Timestamp::now())?;
    stand_in::replace(&mut objects, NAMESPACE, world.namespace());
    for index in 0..objects.as_array().map_or(0, Vec::len) {
        let created = create(&client, world.namespace(), objects[index].clone()).await?;
        let recorded = objects[index]["metadata"]["uid"].as_str().context("a recorded object has a uid")?;
        let (recorded, uid) = (recorded.to_owned(), created.uid().context("a stored object has a uid")?);
        stand_in::replace(&mut objects, &recorded, &uid);
    }
    // A status names uids of objects that were created after it.
    for object in objects.as_array().into_iter().flatten().filter(|object| !object["status"].is_null()) {
        let (api, name) = api_of(&client, world.namespace(), object)?;
        let patch = Patch::Merge(json!({"status": object["status"]}));
        api.patch_status(&name, &PatchParams::default(), &patch).await?;
    }
    Ok(())
}

/// Open requests were made under the policy that is installed now.
pub async fn under_the_installed_policy(world: &World) -> Result<()> {
    let (_, fingerprint) = installed_policy(world).await?;
    for version in world.api::<ModelVersion>().list(&kube::api::ListParams::default()).await? {
        let recorded = version.transition().and_then(|transition| transition.policy_fingerprint.as_deref());
        if recorded == Some(FINGERPRINT) {
            let status = json!({"transition": {"policyFingerprint": fingerprint}});
            world.record(&version.name_any(), &status).await?;
        }
    }
    Ok(())
}

/// The API of an object's kind, and its name.
fn api_of(client: &Client, namespace: &str, object: &Value) -> Result<(Api<DynamicObject>, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("it has apiVersion, kind and name");
    let (version, kind) = (text(&object["apiVersion"])?, text(&object["kind"])?);
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api = Api::namespaced_with(client.clone(), namespace, &resource);
    Ok((api, text(&object["metadata"]["name"])?))
}

/// Creates an object without its status.
async fn create(client: &Client, namespace: &str, mut object: Value) -> Result<DynamicObject> {
    let (api, name) = api_of(client, namespace, &object)?;
    let metadata = object["metadata"].as_object_mut().context("metadata")?;
    metadata.remove("uid");
    let generation = metadata.remove("generation").and_then(|generation| generation.as_i64());
    let field = match object["kind"].as_str().unwrap_or_default() {
        "ModelVersion" => Some(("stage", ["None", "Staging"])),
        "ModelDeployment" => Some(("description", ["earlier", "earliest"])),
        _ => None,
    };
    let Some((field, earlier)) = field else {
        // As the operator does it: what it does not want any more, it removes by server-side apply.
        let params = PatchParams::apply(OPERATOR).force();
        return Ok(api.patch(&name, &params, &Patch::Apply(&object)).await?);
    };
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    let mut values = values(&object["spec"][field], &earlier, generation.context("generation")?).into_iter();
    object["spec"][field] = values.next().context("there is a first value")?;
    let mut stored = api.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    for value in values {
        if field == "stage" {
            // The CRD allows only some steps from the stage in the status, and this one from each.
            let patch = Patch::Merge(json!({"status": {field: value}}));
            api.patch_status(&name, &PatchParams::default(), &patch).await?;
        }
        let patch = Patch::Merge(json!({"spec": {field: value}}));
        stored = api.patch(&name, &PatchParams::default(), &patch).await?;
    }
    ensure!(stored.metadata.generation == generation, "{name} has another generation: {stored:?}");
    Ok(stored)
}

/// The values of a field of the spec, one for each generation. The last is the recorded one. A request is open for the
/// generation in which it was made, so the object must have its recorded generation.
fn values(last: &Value, earlier: &[&str; 2], generation: i64) -> Vec<Value> {
    let mut values = vec![last.clone()];
    while i64::try_from(values.len()).is_ok_and(|count| count < generation) {
        let next = values.last().expect("it has the recorded value");
        values.push(json!(if next == earlier[0] { earlier[1] } else { earlier[0] }));
    }
    values.reverse();
    values
}
