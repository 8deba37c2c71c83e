//! The bare loop: the operator's writes again, by nobody who decides anything, on other objects of the same content. They
//! have the same number, kinds and sizes, and the same account, order for each object and number in flight.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use http::{Method, Request, header::CONTENT_TYPE};
use kube::{
    Client, ResourceExt,
    api::{ListParams, ObjectMeta},
};
use serde_json::Value;
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{
    audit::Write,
    fleet::{CONCURRENCY, Fleet},
};
use crate::awaited::Namespaced;

/// Repeats these writes on `twin`, which has models with the names of `fleet` that no operator has seen. Returns how long it
/// took.
pub async fn replay(client: &Client, writes: &[Write], fleet: &Fleet, twin: &Fleet) -> Result<Duration> {
    let mut twins = all_metadata(twin).await?;
    let uids = uids(&all_metadata(fleet).await?, &twins)?;
    let places = [fleet.namespace(), twin.namespace()].map(|name| format!("/namespaces/{name}/"));
    let mut bodies: BTreeMap<String, Vec<(Write, Value)>> = BTreeMap::new();
    for write in writes {
        let mut body = write.body.clone();
        exchange(&mut body, &uids, (fleet.namespace(), twin.namespace()));
        let object = format!("{}/{}", write.resource.split('/').next().unwrap_or_default(), write.name);
        bodies.entry(object).or_default().push((write.clone(), body));
    }
    let begun = Instant::now();
    let all = bodies.into_iter().map(|(object, steps)| {
        let version = twins.remove(&object).and_then(|twin| twin.resource_version);
        let places = &places;
        async move {
            let mut version = version;
            for (write, mut body) in steps {
                expect_version(&mut body, version.as_deref());
                let uri = write.uri.replace(&places[0], &places[1]);
                let answer: Value = client
                    .request(request(&write, &uri, &body)?)
                    .await
                    .with_context(|| format!("failed to repeat {} {}", write.verb, write.uri))?;
                version = answer["metadata"]["resourceVersion"].as_str().map(str::to_owned);
            }
            anyhow::Ok(())
        }
    });
    stream::iter(all).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
    Ok(begun.elapsed())
}

fn request(write: &Write, uri: &str, body: &Value) -> Result<Request<Vec<u8>>> {
    let (method, content) = match write.verb.as_str() {
        "create" => (Method::POST, "application/json"),
        "update" => (Method::PUT, "application/json"),
        "patch" if body.is_array() => (Method::PATCH, "application/json-patch+json"),
        "patch" if body.get("apiVersion").is_some() => (Method::PATCH, "application/apply-patch+yaml"),
        "patch" => (Method::PATCH, "application/merge-patch+json"),
        "delete" => (Method::DELETE, "application/json"),
        other => anyhow::bail!("the operator does not {other}"),
    };
    let body = serde_json::to_vec(body)?;
    Ok(Request::builder().method(method).uri(uri).header(CONTENT_TYPE, content).body(body)?)
}

/// The metadata of each model and version, by resource and name.
async fn all_metadata(fleet: &Fleet) -> Result<BTreeMap<String, ObjectMeta>> {
    let mut all = metadata::<ModelDeployment>(fleet).await?;
    all.extend(metadata::<ModelVersion>(fleet).await?);
    Ok(all)
}

async fn metadata<K: Namespaced>(fleet: &Fleet) -> Result<BTreeMap<String, ObjectMeta>> {
    let list = fleet.api::<K>().list_metadata(&ListParams::default()).await?;
    let key = |name: String| format!("{}/{name}", K::plural(&()));
    Ok(list.into_iter().map(|object| (key(object.name_any()), object.metadata)).collect())
}

/// The uid of each twin, by the uid of its model.
fn uids(
    models: &BTreeMap<String, ObjectMeta>,
    twins: &BTreeMap<String, ObjectMeta>,
) -> Result<BTreeMap<String, String>> {
    let pair =
        |(object, model): (&String, &ObjectMeta)| Some((model.uid.clone()?, twins.get(object)?.uid.clone()?));
    let known: BTreeMap<_, _> = models.iter().filter_map(pair).collect();
    ensure!(!known.is_empty(), "no model has a twin");
    Ok(known)
}

/// Puts the uids and the namespace of the twins into a body.
fn exchange(value: &mut Value, uids: &BTreeMap<String, String>, namespaces: (&str, &str)) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "namespace" && value.as_str() == Some(namespaces.0) {
                    *value = namespaces.1.into();
                }
                exchange(value, uids, namespaces);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| exchange(value, uids, namespaces)),
        Value::String(text) => {
            if let Some(twin) = uids.get(text) {
                text.clone_from(twin);
            }
        }
        _ => {}
    }
}

/// Puts the present resource version where the operator had put the one that it had read.
fn expect_version(body: &mut Value, version: Option<&str>) {
    let Some(version) = version else { return };
    if let Value::Array(operations) = body {
        for operation in operations {
            if operation["path"] == "/metadata/resourceVersion" {
                operation["value"] = version.into();
            }
        }
    } else if body["metadata"]["resourceVersion"].is_string() {
        body["metadata"]["resourceVersion"] = version.into();
    }
}
