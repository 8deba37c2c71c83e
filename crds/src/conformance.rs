//! The schemas of the CRDs for tests: whether a value fits one, an example of it, and its leaves. It knows what these
//! CRDs use, and no CEL.

use std::collections::BTreeSet;

use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

/// Key of the one entry in the maps of [`example`].
pub const KEY: &str = "key";

/// The schema of `spec` or `status` of a kind.
///
/// # Panics
/// If the kind has no such part.
#[must_use]
pub fn schema<K: CustomResourceExt>(part: &str) -> Value {
    let crd = serde_json::to_value(K::crd()).expect("a CRD serialises");
    let schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part].clone();
    assert!(schema.is_object(), "the kind has no {part}");
    schema
}

/// A field without fields of its own, or a list or map.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Where it is in [`example`], as a JSON pointer.
    pub pointer: String,
    /// Its schema.
    pub schema: Value,
}

/// Every leaf of a schema. Lists and maps are leaves, and so are those of their first entry.
#[must_use]
pub fn leaves(schema: &Value) -> Vec<Leaf> {
    let mut all = vec![];
    visit(schema, "", &mut all);
    all
}

fn visit(schema: &Value, pointer: &str, all: &mut Vec<Leaf>) {
    let leaf = || Leaf { pointer: pointer.to_owned(), schema: schema.clone() };
    if let Some(fields) = schema["properties"].as_object() {
        for (name, field) in fields {
            visit(field, &format!("{pointer}/{name}"), all);
        }
    } else if schema["items"].is_object() {
        all.push(leaf());
        visit(&schema["items"], &format!("{pointer}/0"), all);
    } else if schema["additionalProperties"].is_object() {
        all.push(leaf());
        visit(&schema["additionalProperties"], &format!("{pointer}/{KEY}"), all);
    } else {
        all.push(leaf());
    }
}

/// A value with every field of the schema, and one entry in each list and map. It ignores patterns.
#[must_use]
pub fn example(schema: &Value) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    if let Some(fields) = schema["properties"].as_object() {
        return fields
            .iter()
            .map(|(name, field)| (name.clone(), example(field)))
            .collect::<Map<_, _>>()
            .into();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => json!([example(&schema["items"])]),
        (Some("object"), _) => json!({KEY: example(&schema["additionalProperties"])}),
        (Some("boolean"), _) => json!(true),
        (Some("integer"), _) => json!(1),
        (Some("number"), _) => json!(1.5),
        (_, Some("date-time")) => json!("2026-11-21T12:00:00Z"),
        _ => json!("x".repeat(usize::try_from(schema["minLength"].as_u64().unwrap_or(1)).unwrap_or(1))),
    }
}

/// What the API server would refuse in a value, one sentence each. Empty if the value fits.
#[must_use]
pub fn flaws(schema: &Value, value: &Value) -> Vec<String> {
    let mut flaws = vec![];
    check(schema, value, "", &mut flaws);
    flaws
}

fn check(schema: &Value, value: &Value, path: &str, flaws: &mut Vec<String>) {
    let mut flaw = |text: String| flaws.push(format!("{path}: {text}"));
    if value.is_null() {
        if schema["nullable"] != json!(true) {
            flaw("it is null".to_owned());
        }
        return;
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        flaw(format!("{value} is none of {values:?}"));
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    if !fits {
        flaw(format!("it is not of type {}", schema["type"]));
        return;
    }
    let mut bounded = |size: usize, least: &str, most: &str| {
        let size = size as u64;
        if schema[least].as_u64().is_some_and(|least| size < least)
            || schema[most].as_u64().is_some_and(|most| size > most)
        {
            flaw(format!("its size is {size}, {least} is {}, {most} is {}", schema[least], schema[most]));
        }
    };
    match value {
        Value::String(text) => bounded(text.chars().count(), "minLength", "maxLength"),
        Value::Array(items) => bounded(items.len(), "minItems", "maxItems"),
        Value::Object(fields) => bounded(fields.len(), "minProperties", "maxProperties"),
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if schema["minimum"].as_f64().is_some_and(|least| number < least)
                || schema["maximum"].as_f64().is_some_and(|most| number > most)
            {
                flaw(format!("{number} is out of range"));
            }
        }
        _ => {}
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{path}[{index}]"), flaws);
    }
    if !keys_are_unique(schema, value) {
        flaws.push(format!("{path}: two entries have the same key"));
    }
    for field in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(field).is_none() {
            flaws.push(format!("{path}.{field}: it is required"));
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let inner = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
        match inner {
            Value::Object(_) => check(inner, field, &format!("{path}.{name}"), flaws),
            _ => flaws.push(format!("{path}.{name}: the schema has no such field")),
        }
    }
}

fn keys_are_unique(schema: &Value, value: &Value) -> bool {
    let Some(items) = value.as_array() else { return true };
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    let key = |item: &Value| match keys {
        Some(keys) => json!(keys.iter().filter_map(Value::as_str).map(|key| &item[key]).collect::<Vec<_>>()),
        None => item.clone(),
    };
    if keys.is_none() && schema["x-kubernetes-list-type"] != json!("set") {
        return true;
    }
    let mut seen = BTreeSet::new();
    items.iter().all(|item| seen.insert(key(item).to_string()))
}
