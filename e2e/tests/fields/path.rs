//! Places in a spec, by the JSON pointers of [`understudy_crds::conformance::leaves`].

use serde_json::Value;
use understudy_crds::conformance::KEY;

/// The pointer into `spec`: entries of maps have the key that the map has there.
pub fn resolve(spec: &Value, pointer: &str) -> String {
    let mut resolved = String::new();
    for segment in pointer.split('/').skip(1) {
        let parent = spec.pointer(&resolved).unwrap_or(&Value::Null);
        let segment = match parent.as_object() {
            Some(fields) if segment == KEY && !fields.contains_key(KEY) => {
                fields.keys().next().map_or(segment, String::as_str)
            }
            _ => segment,
        };
        resolved = format!("{resolved}/{}", segment.replace('~', "~0").replace('/', "~1"));
    }
    resolved
}

/// The name of the field: the last segment that is neither an index nor the key of a map.
pub fn field(pointer: &str) -> &str {
    pointer.rsplit('/').find(|s| *s != KEY && s.parse::<usize>().is_err()).unwrap_or(pointer)
}

/// The outermost field.
pub fn top(pointer: &str) -> &str {
    pointer.split('/').nth(1).unwrap_or(pointer)
}

/// `spec` with another value at a resolved pointer.
pub fn with(spec: &Value, pointer: &str, value: Value) -> Value {
    let mut spec = spec.clone();
    *spec.pointer_mut(pointer).expect("the base has every leaf") = value;
    spec
}

/// `spec` without the value at a resolved pointer.
pub fn without(spec: &Value, pointer: &str) -> Value {
    let mut spec = spec.clone();
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer has a segment");
    match spec.pointer_mut(parent).expect("the base has every leaf") {
        Value::Object(fields) => {
            fields.remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Value::Array(items) => {
            items.remove(last.parse().expect("a list has indices"));
        }
        other => unreachable!("{other} has no fields"),
    }
    spec
}
