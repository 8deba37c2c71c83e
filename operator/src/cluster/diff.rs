//! Whether an object on the server still is as desired, apart from what the server adds. Pure.

use serde_json::Value;

use super::quantity::same_quantity;

/// What the text below a path means.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
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
    pub(super) fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Quantities, _) | (Self::Resources, "limits" | "requests") => Self::Quantities,
            (Self::Text | Self::Resources, "resources") => Self::Resources,
            _ => Self::Text,
        }
    }
}

/// The path of the first difference between `actual` and `desired`, or `None` if `actual` is as desired.
/// Fields that `desired` does not name are ignored. Lists must have the same length.
pub fn difference(desired: &Value, actual: &Value) -> Option<String> {
    compare(desired, actual, Meaning::Text)
}

fn compare(desired: &Value, actual: &Value, meaning: Meaning) -> Option<String> {
    match (desired, actual) {
        (Value::Object(desired), Value::Object(actual)) => desired.iter().find_map(|(key, wanted)| {
            let found = actual.get(key).unwrap_or(&Value::Null);
            compare(wanted, found, meaning.below(key)).map(|path| format!(".{key}{path}"))
        }),
        (Value::Array(desired), Value::Array(actual)) if desired.len() == actual.len() => {
            desired.iter().zip(actual).enumerate().find_map(|(i, (wanted, found))| {
                compare(wanted, found, Meaning::Text).map(|path| format!("[{i}]{path}"))
            })
        }
        _ if same(desired, actual, meaning) => None,
        _ => Some(String::new()),
    }
}

/// Whether two values mean the same, apart from the fields and entries of objects and lists that are not empty.
pub(super) fn same(desired: &Value, actual: &Value, meaning: Meaning) -> bool {
    match (desired, actual) {
        // The server leaves out what is empty.
        (Value::Object(desired), Value::Null) => desired.is_empty(),
        (Value::Array(desired), Value::Null) => desired.is_empty(),
        (Value::String(desired), Value::String(actual)) => {
            desired == actual || (matches!(meaning, Meaning::Quantities) && same_quantity(desired, actual))
        }
        _ => desired == actual,
    }
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
