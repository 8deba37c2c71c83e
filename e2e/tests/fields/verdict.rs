//! Whether the API server answers each variant as the schema says, and whether a refusal explains itself.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use kube::{CustomResourceExt, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    base,
    cluster::Cluster,
    path,
    variants::{Expected, Variant},
};

/// Requests in flight.
const CONCURRENCY: usize = 8;
/// Fewer words explain nothing.
const WORDS: usize = 4;

/// The variants that the API server accepts, with the spec that it would store. Fails with a list of everything that is
/// wrong.
pub async fn accepted<K>(cluster: &Cluster, variants: Vec<Variant>) -> Vec<(Variant, Value)>
where
    K: Resource<DynamicType = ()> + CustomResourceExt + DeserializeOwned,
{
    let count = variants.len();
    let judged: Vec<_> = stream::iter(variants)
        .map(async |variant| {
            let answer = cluster.would_create::<K>("fraud", &variant.spec).await;
            (variant, answer)
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let mut flaws = vec![];
    let mut accepted = vec![];
    for (variant, answer) in judged {
        let flaw = match &answer {
            Ok(_) if variant.expected == Expected::Refused => Some("is accepted".to_owned()),
            Ok(stored) => unreadable::<K>(stored),
            Err(error) if variant.expected == Expected::Accepted => Some(format!("is refused: {error}")),
            Err(kube::Error::Api(status)) => unexplained(&variant.pointer, status.code, &status.message),
            Err(error) => Some(format!("has no answer: {error}")),
        };
        flaws.extend(flaw.map(|flaw| format!("{} {} {flaw}", variant.pointer, variant.what)));
        if let Ok(stored) = answer {
            accepted.push((variant, stored));
        }
    }
    println!("{}: {} of {count} variants are accepted", K::kind(&()), accepted.len());
    assert!(flaws.is_empty(), "{} of {count}:\n{}", flaws.len(), flaws.join("\n"));
    accepted
}

/// Asserts that each of these leaves accepts another value.
pub fn changeable(variants: &[Variant], accepted: &[(Variant, Value)]) {
    let mut fixed = vec![];
    for pointer in variants.iter().filter(|v| v.changes).map(|v| &v.pointer) {
        if base::FIXED.contains(&pointer.as_str()) {
            continue;
        }
        if !accepted.iter().any(|(variant, _)| variant.changes && variant.pointer == *pointer) {
            fixed.push(pointer.as_str());
        }
    }
    fixed.dedup();
    assert!(fixed.is_empty(), "no change is accepted: {fixed:?}");
}

/// One variant of each spec that the API server would store: null, absence and the default are often the same.
pub fn different(accepted: Vec<(Variant, Value)>) -> Vec<Variant> {
    let mut seen = BTreeSet::new();
    accepted
        .into_iter()
        .filter(|(_, stored)| seen.insert(stored.to_string()))
        .map(|(variant, _)| variant)
        .collect()
}

fn unreadable<K: Resource<DynamicType = ()> + CustomResourceExt + DeserializeOwned>(
    stored: &Value,
) -> Option<String> {
    let object = serde_json::to_value(crate::cluster::object::<K>("fraud", stored)).expect("an object");
    serde_json::from_value::<K>(object)
        .err()
        .map(|error| format!("is accepted, and the operator cannot read it: {error}"))
}

/// A refusal names the field, and is a sentence.
fn unexplained(pointer: &str, code: u16, message: &str) -> Option<String> {
    let names = message.contains(path::field(pointer));
    let explains = message.split_whitespace().count() >= WORDS;
    let refuses = matches!(code, 400 | 403 | 422);
    (!names || !explains || !refuses)
        .then(|| format!("is refused without an explanation ({code}): {message}"))
}
