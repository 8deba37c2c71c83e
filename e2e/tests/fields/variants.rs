//! What is tried in each leaf, from its schema.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use understudy_crds::conformance::{example, leaves};

use crate::{base, path};

/// A spec that differs from the base in one leaf.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The leaf, as a pointer into the schema.
    pub pointer: String,
    /// What was done to it.
    pub what: String,
    pub spec: Value,
    pub expected: Expected,
    /// Whether this is another value of the right kind.
    pub changes: bool,
}

/// What the schema says about a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Accepted,
    Refused,
    /// It depends on a rule or on a pattern.
    Either,
}

use Expected::{Accepted, Either, Refused};

/// Every variant of `spec`, which has every field of `schema`.
pub fn of(schema: &Value, spec: &Value) -> Vec<Variant> {
    let mut all = vec![];
    let mut parents = BTreeSet::new();
    for leaf in leaves(schema) {
        let is_of_another_base = |one: &&&str| leaf.pointer.starts_with(**one) && spec.pointer(one).is_none();
        if base::EXCLUSIVE.iter().any(|one| is_of_another_base(&one)) {
            continue;
        }
        if let Some(never) = base::NEVER.iter().find(|never| leaf.pointer.starts_with(*never)) {
            if leaf.pointer == *never {
                all.push(added(spec, never, &leaf.schema));
            }
            continue;
        }
        let place = path::resolve(spec, &leaf.pointer);
        let old = spec.pointer(&place).unwrap_or_else(|| panic!("the base has no {}: add it", leaf.pointer));
        for (what, value, expected) in values(&leaf.schema, old) {
            all.push(Variant {
                pointer: leaf.pointer.clone(),
                changes: what == "changed",
                what: format!("{what}: {}", shown(&value)),
                spec: path::with(spec, &place, value),
                expected,
            });
        }
        let mut pointer = leaf.pointer.as_str();
        while !pointer.is_empty() {
            parents.insert(pointer.to_owned());
            pointer = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
    all.extend(parents.iter().map(|pointer| Variant {
        pointer: pointer.clone(),
        what: "removed".to_owned(),
        spec: path::without(spec, &path::resolve(spec, pointer)),
        expected: if is_required(schema, pointer) { Refused } else { Either },
        changes: false,
    }));
    all
}

/// A field that the base does not have.
fn added(spec: &Value, pointer: &str, schema: &Value) -> Variant {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a segment");
    let mut spec = spec.clone();
    spec.pointer_mut(parent).expect("the base has the parent")[name] = example(schema);
    Variant { pointer: pointer.to_owned(), what: "added".to_owned(), spec, expected: Refused, changes: false }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    let end: String = text.chars().take(60).collect();
    if end.len() < text.len() { format!("{end}... ({} characters)", text.chars().count()) } else { end }
}

fn is_required(schema: &Value, pointer: &str) -> bool {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a segment");
    let mut inner = schema;
    for segment in parent.split('/').skip(1) {
        inner = match inner["properties"].get(segment) {
            Some(field) => field,
            None if inner["items"].is_object() => &inner["items"],
            None => &inner["additionalProperties"],
        };
    }
    inner["required"].as_array().is_some_and(|required| required.contains(&json!(name)))
}

type Tried = (&'static str, Value, Expected);

fn values(schema: &Value, old: &Value) -> Vec<Tried> {
    let mut all = vec![("null", Value::Null, Either)];
    let kind = schema["type"].as_str();
    let wrong = match kind {
        Some("string") => json!(7),
        Some("integer" | "number" | "boolean" | "array" | "object") => json!("seven"),
        // A quantity is a number or a text.
        _ => json!(true),
    };
    all.push(("of another type", wrong, Refused));
    if kind != Some("object") && kind != Some("array") {
        all.push(("an object", json!({"a": 1}), Refused));
    }
    match kind {
        Some("string") => all.extend(texts(schema, old.as_str().unwrap_or_default())),
        Some("integer") => all.extend(integers(schema, old.as_i64().unwrap_or_default())),
        Some("number") => all.extend(numbers(old.as_f64().unwrap_or_default())),
        Some("boolean") => all.push(("changed", json!(old != &json!(true)), Either)),
        Some("array") => all.extend(lists(schema, &old[0])),
        Some("object") => all.extend(maps(schema, old)),
        _ => all.extend(
            ["3Gi", "1500M", "1e9", "0", "-1", "x", "é", "", "1.5Gi"]
                .into_iter()
                .map(|text| ("changed", json!(text), Either))
                .chain([("changed", json!(2_000_000_000), Either), ("negative", json!(-5), Refused)]),
        ),
    }
    all
}

fn size(schema: &Value, bound: &str) -> Option<usize> {
    usize::try_from(schema[bound].as_u64()?).ok()
}

fn texts(schema: &Value, old: &str) -> Vec<Tried> {
    if let Some(values) = schema["enum"].as_array() {
        let others =
            values.iter().filter(|value| *value != old).map(|value| ("changed", value.clone(), Either));
        let unknown = ["Nonsense", "é"].map(|text| ("unknown", json!(text), Refused));
        return others.chain(unknown).collect();
    }
    let end = if old.ends_with('5') { '6' } else { '5' };
    let mut other = old.to_owned();
    other.pop();
    other.push(end);
    let mut all = vec![
        ("changed", json!(format!("{old}1")), Either),
        ("changed", json!(other), Either),
        ("empty", json!(""), Either),
        ("not ASCII", json!(format!("a{}", "é".repeat(30))), Either),
        ("not ASCII", json!("😀".repeat(16)), Either),
        ("a path", json!("../../x"), Either),
        ("two lines", json!(format!("{old}\n{old}")), Either),
        ("a control character", json!(format!("{old}\u{7}")), Either),
        ("spaces", json!(format!(" {old} ")), Either),
        ("upper case", json!(old.to_uppercase()), Either),
        ("a variable", json!(format!("{old}$(HOME)$$")), Either),
    ];
    if ["h", "m", "s", "ms"]
        .iter()
        .any(|unit| old.strip_suffix(unit).is_some_and(|n| n.parse::<u32>().is_ok()))
    {
        let forms = [
            "90s",
            "1h30m",
            "1.5h",
            ".5h",
            "+1h",
            "1h0m0s",
            "60000ms",
            "60000000µs",
            "60000000us",
            "0s",
            "0",
            "-1s",
            "1d",
            "2562047h",
            "2562048h",
            "1ns",
            "1h1h",
            "h",
        ];
        all.extend(forms.map(|form| ("changed", json!(form), Either)));
    }
    if let Some(most) = size(schema, "maxLength") {
        all.push(("as long as possible", json!("a".repeat(most)), Either));
        all.push(("as long as possible", json!(format!("{old}{}", "1".repeat(most - old.len()))), Either));
        all.push(("too long", json!("a".repeat(most + 1)), Refused));
        all.push(("too long, not ASCII", json!("é".repeat(most + 1)), Refused));
    }
    if let Some(least) = size(schema, "minLength").filter(|least| *least > 1) {
        all.push(("too short", json!("1".repeat(least - 1)), Refused));
    }
    all
}

fn integers(schema: &Value, old: i64) -> Vec<Tried> {
    let mut all = vec![
        ("changed", json!(old + 1), Accepted),
        ("a fraction", json!(1.5), Refused),
        ("too large for 64 bits", json!(9_223_372_036_854_775_808_u64), Refused),
        ("negative", json!(-1), Either),
    ];
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bounds of the CRDs are whole numbers of 32 bits"
    )]
    let bound = |bound: &str| schema[bound].as_f64().map(|bound| bound as i64);
    if let Some(least) = bound("minimum") {
        all.extend([("the least", json!(least), Accepted), ("too small", json!(least - 1), Refused)]);
    }
    if let Some(most) = bound("maximum") {
        all.extend([("the most", json!(most), Accepted), ("too large", json!(most + 1), Refused)]);
    }
    all
}

fn numbers(old: f64) -> Vec<Tried> {
    let mut all = vec![("changed", json!(old + 0.01), Accepted)];
    all.extend([1.0, 0.01, 100.0].map(|number| ("changed", json!(number), Either)));
    all.extend(
        [0.0, -1.0, 100.01, 0.009, 1e308, -1e308, 1e-308].map(|number| ("extreme", json!(number), Either)),
    );
    all
}

fn lists(schema: &Value, item: &Value) -> Vec<Tried> {
    let list = |count: usize| -> Value { (0..count).map(|index| distinct(item, index)).collect() };
    let mut all = vec![
        ("empty", json!([]), Either),
        ("two entries", list(2), Accepted),
        ("twice the same", json!([item, item]), Either),
    ];
    if let Some(most) = size(schema, "maxItems") {
        all.extend([("as many as possible", list(most), Accepted), ("too many", list(most + 1), Refused)]);
    }
    all
}

/// An entry like `item`, with a name of its own.
fn distinct(item: &Value, index: usize) -> Value {
    let renamed = |name: &Value| json!(format!("{}{index}", name.as_str().unwrap_or_default()));
    if item.is_string() {
        return renamed(item);
    }
    let mut item = item.clone();
    if let Some(name) = ["name", "metric", "key"].into_iter().find(|name| item[name].is_string()) {
        item[name] = renamed(&item[name]);
    }
    item
}

fn maps(schema: &Value, old: &Value) -> Vec<Tried> {
    let value = old.as_object().and_then(|map| map.values().next()).cloned().unwrap_or_default();
    let one = |key: &str| json!({key: value});
    let map = |count: usize| -> Value {
        (0..count)
            .map(|index| (format!("example.com/key{index}"), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut all = vec![
        ("empty", json!({}), Accepted),
        ("changed", one("example.com/other"), Either),
        ("changed", one("cpu"), Either),
        ("a key that is not ASCII", one("é"), Refused),
        ("an empty key", one(""), Refused),
        ("a key with spaces", one("a b"), Refused),
        ("a long key", one(&"a".repeat(64)), Refused),
        ("a very long key", one(&format!("{}/a", "a".repeat(400))), Refused),
        ("a value of another type", json!({"example.com/other": [1]}), Refused),
    ];
    if let Some(most) = size(schema, "maxProperties") {
        all.extend([("as many as possible", map(most), Either), ("too many", map(most + 1), Refused)]);
    }
    all
}
