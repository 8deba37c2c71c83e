//! Lists the values of an enum in the description of a field.
//!
//! A CRD has one description a field and none a value. Kubernetes writes "Possible enum values" into the descriptions
//! of its own fields, so that `kubectl explain` shows what each value means; this does the same from the doc comments.

use schemars::Schema;
use serde_json::Value;

/// The line before the list.
pub const HEADER: &str = "Possible values:";

/// Appends a list of the values to the description: one line ` - `Value`: its meaning.` each. For
/// `#[schemars(transform = list)]` on a field whose type is an enum with doc comments.
pub fn list(schema: &mut Schema) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let values = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let lines = values.iter().filter_map(|value| {
        let (name, meaning) = (text(value.get("const"))?, text(value.get("description"))?);
        Some(format!("\n - `{name}`: {meaning}"))
    });
    let lines: String = lines.collect();
    let description = text(schema.get("description")).unwrap_or_default();
    schema.insert("description".to_owned(), format!("{description}\n\n{HEADER}{lines}").into());
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::*;

    /// Light or dark.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema matters")]
    enum Theme {
        /// Black on white.
        Light,
        /// White on black.
        #[serde(rename = "DARK")]
        Dark,
    }

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "only its schema matters")]
    struct Page {
        /// Colours of the page.
        #[schemars(transform = list)]
        theme: Theme,
    }

    #[test]
    fn the_description_of_a_field_explains_each_value() {
        let settings = schemars::generate::SchemaSettings::openapi3().with(|s| s.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Page>();
        let expected = "Colours of the page.\n\nPossible values:\n - `Light`: Black on white.\n - `DARK`: White on black.";
        assert_eq!(schema.as_value()["properties"]["theme"]["description"], expected);
    }
}
