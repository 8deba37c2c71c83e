//! Whether an object on the server still is what was asked for, apart from what the server adds.

use serde_json::Value;

/// Of Services, Deployments and disruption budgets alike.
const SELECTOR: &str = "selector";

/// The path of the first place in which `actual` is not what `desired` says, or `None` where all of it holds.
/// Fields that `desired` does not name are the server's defaults or others' business; lists must agree in length, and so
/// must selectors, where a label more is a pod less.
pub fn difference(desired: &Value, actual: &Value) -> Option<String> {
    match (desired, actual) {
        (Value::Object(desired), Value::Object(actual)) => desired.iter().find_map(|(key, wanted)| {
            let found = actual.get(key).unwrap_or(&Value::Null);
            let more = || if key == SELECTOR { addition(wanted, found) } else { None };
            difference(wanted, found).or_else(more).map(|path| format!(".{key}{path}"))
        }),
        (Value::Array(desired), Value::Array(actual)) if desired.len() == actual.len() => desired
            .iter()
            .zip(actual)
            .enumerate()
            .find_map(|(i, (wanted, found))| difference(wanted, found).map(|path| format!("[{i}]{path}"))),
        // The server leaves out what is empty.
        (Value::Object(desired), Value::Null) if desired.is_empty() => None,
        (Value::Array(desired), Value::Null) if desired.is_empty() => None,
        (Value::String(desired), Value::String(actual)) if same_quantity(desired, actual) => None,
        _ if desired == actual => None,
        _ => Some(String::new()),
    }
}

/// The path of the first key that only `actual` has, at any depth.
fn addition(desired: &Value, actual: &Value) -> Option<String> {
    let (desired, actual) = (desired.as_object()?, actual.as_object()?);
    actual.iter().find_map(|(key, found)| match desired.get(key) {
        Some(wanted) => addition(wanted, found).map(|path| format!(".{key}{path}")),
        None => Some(format!(".{key}")),
    })
}

/// Quantities come back in canonical form: `0.5` as `500m`, `1024Mi` as `1Gi`.
fn same_quantity(a: &str, b: &str) -> bool {
    a == b || quantity(a).zip(quantity(b)).is_some_and(|(a, b)| (a - b).abs() <= f64::EPSILON * a.abs())
}

fn quantity(text: &str) -> Option<f64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let factor = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    text[..text.len() - unit.len()].parse::<f64>().ok().map(|n| n * factor)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"a": 1}), json!({"a": 1, "defaulted": true}), None)]
    #[case(json!({"a": {"b": [1, 2]}}), json!({"a": {"b": [1, 3]}}), Some(".a.b[1]"))]
    #[case(json!({"a": [1]}), json!({"a": [1, 2]}), Some(".a"))]
    #[case(json!({"a": {}}), json!({}), None)]
    #[case(json!({"a": "x"}), json!({}), Some(".a"))]
    #[case(json!({"cpu": "0.5", "memory": "1024Mi"}), json!({"cpu": "500m", "memory": "1Gi"}), None)]
    #[case(json!({"cpu": "0.5"}), json!({"cpu": "600m"}), Some(".cpu"))]
    #[case(json!({"name": "a"}), json!({"name": "b"}), Some(".name"))]
    #[case(json!({"selector": {"app": "a"}}), json!({"selector": {"app": "a", "x": "y"}}), Some(".selector.x"))]
    #[case(
        json!({"selector": {"matchLabels": {"app": "a"}}}),
        json!({"selector": {"matchLabels": {"app": "a", "x": "y"}}}),
        Some(".selector.matchLabels.x")
    )]
    #[case(json!({"selector": {"app": "a"}}), json!({"selector": {"app": "a"}}), None)]
    fn only_requested_fields_are_compared(
        #[case] desired: Value,
        #[case] actual: Value,
        #[case] path: Option<&str>,
    ) {
        assert_eq!(difference(&desired, &actual).as_deref(), path);
    }
}
