//! Server-side apply by one manager, as far as the operator uses it.

use serde_json::{Map, Value};

/// The object `found` after an apply of `desired` by the manager whose last apply was `last`.
pub fn merge(found: &Value, last: Option<&Value>, desired: &Value) -> Value {
    merged(Some(found), last, Some(desired), "").unwrap_or_default()
}

fn merged(found: Option<&Value>, last: Option<&Value>, desired: Option<&Value>, key: &str) -> Option<Value> {
    match (found, desired) {
        // A selector is replaced as a whole, and so is every list.
        (Some(Value::Object(found)), Some(Value::Object(desired))) if key != "selector" => {
            Some(Value::Object(members(found, last, Some(desired))))
        }
        (_, Some(desired)) => Some(desired.clone()),
        (Some(Value::Object(found)), None) if last.is_some_and(Value::is_object) && key != "selector" => {
            let rest = members(found, last, None);
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        (Some(found), None) => last.is_none().then(|| found.clone()),
        (None, None) => None,
    }
}

fn members(
    found: &Map<String, Value>,
    last: Option<&Value>,
    desired: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let of = |key: &String| desired.and_then(|desired| desired.get(key));
    let added = desired.into_iter().flat_map(Map::keys).filter(|key| !found.contains_key(*key));
    found
        .keys()
        .chain(added)
        .filter_map(|key| {
            let last = last.and_then(|last| last.get(key));
            Some((key.clone(), merged(found.get(key), last, of(key), key)?))
        })
        .collect()
}

/// A merge patch (RFC 7386).
pub fn patch(object: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *object = change.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let fields = object.as_object_mut().expect("it is an object now");
    for (key, value) in change {
        if value.is_null() {
            fields.remove(key);
        } else {
            patch(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
