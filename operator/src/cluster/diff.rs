//! Whether an object on the server still is as desired, apart from what the server adds. Pure.

use serde_json::Value;

use super::quantity::same_quantity;

/// The selector of Services, Deployments and disruption budgets.
const SELECTOR: &str = "selector";

/// What the text below a path means.
#[derive(Clone, Copy)]
enum Meaning {
    /// Text.
    Text,
    /// The fields of `resources` of a container.
    Resources,
    /// Quantities, which the server stores in a canonical form: `limits` and `requests` of `resources`. Understudy sets
    /// no other quantity.
    Quantities,
}

impl Meaning {
    /// What the text below this key means.
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Quantities, _) | (Self::Resources, "limits" | "requests") => Self::Quantities,
            (Self::Text | Self::Resources, "resources") => Self::Resources,
            _ => Self::Text,
        }
    }
}

/// The path of the first difference between `actual` and `desired`, or `None` if `actual` is as desired.
/// Fields that `desired` does not name are ignored: the server or others set them. Lists must have the same length.
/// Selectors must have the same labels: an extra label in a selector excludes pods.
pub fn difference(desired: &Value, actual: &Value) -> Option<String> {
    compare(desired, actual, Meaning::Text)
}

fn compare(desired: &Value, actual: &Value, meaning: Meaning) -> Option<String> {
    match (desired, actual) {
        (Value::Object(desired), Value::Object(actual)) => desired.iter().find_map(|(key, wanted)| {
            let found = actual.get(key).unwrap_or(&Value::Null);
            let more = || if key == SELECTOR { addition(wanted, found) } else { None };
            compare(wanted, found, meaning.below(key)).or_else(more).map(|path| format!(".{key}{path}"))
        }),
        (Value::Array(desired), Value::Array(actual)) if desired.len() == actual.len() => {
            desired.iter().zip(actual).enumerate().find_map(|(i, (wanted, found))| {
                compare(wanted, found, Meaning::Text).map(|path| format!("[{i}]{path}"))
            })
        }
        // The server leaves out what is empty.
        (Value::Object(desired), Value::Null) if desired.is_empty() => None,
        (Value::Array(desired), Value::Null) if desired.is_empty() => None,
        (Value::String(desired), Value::String(actual))
            if matches!(meaning, Meaning::Quantities) && same_quantity(desired, actual) =>
        {
            None
        }
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
    #[case(
        json!({"resources": {"limits": {"cpu": "0.5"}, "requests": {"memory": "1024Mi"}}}),
        json!({"resources": {"limits": {"cpu": "500m"}, "requests": {"memory": "1Gi"}}}),
        None
    )]
    #[case(
        json!({"resources": {"limits": {"cpu": "0.5"}}}),
        json!({"resources": {"limits": {"cpu": "600m"}}}),
        Some(".resources.limits.cpu")
    )]
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

    #[rstest]
    #[case::a_node_selector(
        json!({"nodeSelector": {"release": "1.10"}}),
        json!({"nodeSelector": {"release": "1.1"}}),
        ".nodeSelector.release"
    )]
    #[case::a_label(json!({"labels": {"v": "1"}}), json!({"labels": {"v": "1.0"}}), ".labels.v")]
    #[case::an_argument(json!({"args": ["1e3"]}), json!({"args": ["1000"]}), ".args[0]")]
    #[case::an_environment_variable(
        json!({"env": [{"name": "A", "value": "1Gi"}]}),
        json!({"env": [{"name": "A", "value": "1024Mi"}]}),
        ".env[0].value"
    )]
    #[case::a_label_called_limits(json!({"labels": {"limits": "1"}}), json!({"labels": {"limits": "1.0"}}), ".labels.limits")]
    fn text_that_reads_like_a_number_is_compared_as_text(
        #[case] desired: Value,
        #[case] actual: Value,
        #[case] path: &str,
    ) {
        assert_eq!(difference(&desired, &actual).as_deref(), Some(path));
    }
}
