//! The differences between an object as the chart has it and as the API server has it. Pure.

use serde_json::Value;

/// Differences that are collected. More are not read by anyone.
const LIMIT: usize = 50;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, for example `.spec.replicas`.
    pub path: String,
    /// How.
    pub change: Change,
}

/// How two values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The API server does not have it.
    Missing,
    /// Only the API server has it.
    Added,
    /// Both have it, with different values.
    Changed,
}

/// The differences, at most 50. Keys that `ignored` accepts are not compared. Empty is the same as absent.
pub fn differences(expected: &Value, actual: &Value, ignored: fn(&str, &Value) -> bool) -> Vec<Difference> {
    let mut found = vec![];
    compare(expected, actual, ignored, "", &mut found);
    found
}

fn compare(
    expected: &Value,
    actual: &Value,
    ignored: fn(&str, &Value) -> bool,
    path: &str,
    found: &mut Vec<Difference>,
) {
    if found.len() >= LIMIT || expected == actual {
        return;
    }
    let mut put = |change| found.push(Difference { path: path.to_owned(), change });
    match (expected, actual) {
        _ if is_empty(expected) && is_empty(actual) => {}
        _ if is_empty(actual) => put(Change::Missing),
        _ if is_empty(expected) => put(Change::Added),
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            for key in keys {
                let (wanted, present) = (&expected[key.as_str()], &actual[key.as_str()]);
                if !ignored(key, wanted) && !ignored(key, present) {
                    compare(wanted, present, ignored, &format!("{path}.{key}"), found);
                }
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for i in 0..left.len().max(right.len()) {
                let (wanted, present) =
                    (left.get(i).unwrap_or(&Value::Null), right.get(i).unwrap_or(&Value::Null));
                compare(wanted, present, ignored, &format!("{path}[{i}]"), found);
            }
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
        _ => put(Change::Changed),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::equal(json!({"a": 1, "b": {}}), json!({"a": 1.0}), &[])]
    #[case::weaker(json!({"failurePolicy": "Fail"}), json!({"failurePolicy": "Ignore"}), &[(".failurePolicy", Change::Changed)])]
    #[case::narrower(json!({"a": 1}), json!({"a": 1, "matchConditions": [{"expression": "false"}]}), &[(".matchConditions", Change::Added)])]
    #[case::shorter(json!({"v": [1, 2]}), json!({"v": [1]}), &[(".v[1]", Change::Missing)])]
    #[case::a_text_is_ignored(json!({"description": "old", "a": 1}), json!({"description": "new", "a": 1}), &[])]
    #[case::a_field_called_description_is_not(
        json!({"a": 1, "description": {"type": "string"}}), json!({"a": 1}), &[(".description", Change::Missing)]
    )]
    fn every_difference_is_found_in_both_directions(
        #[case] expected: Value,
        #[case] actual: Value,
        #[case] wanted: &[(&str, Change)],
    ) {
        let found = differences(&expected, &actual, |key, value| key == "description" && value.is_string());
        let found: Vec<_> = found.iter().map(|d| (d.path.as_str(), d.change)).collect();
        assert_eq!(found, wanted);
    }
}
