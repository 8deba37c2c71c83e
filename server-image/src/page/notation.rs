//! A JSON schema in a notation that people read: `age: integer` for a property, `country?: string` for one that may be
//! missing.

use std::fmt::{Result, Write};

use serde_json::{Map, Value};

/// The schema in this notation, without the name that it has.
pub(super) fn notation(schema: &Value) -> String {
    let mut out = String::new();
    write_schema(&mut out, schema, 0).expect("writing to a string does not fail");
    out
}

fn write_schema(out: &mut String, schema: &Value, depth: usize) -> Result {
    if let Some(reference) = schema["$ref"].as_str() {
        write!(out, "{}", reference.rsplit('/').next().unwrap_or(reference))
    } else if let Some(constant) = schema.get("const") {
        write!(out, "{constant}")
    } else if let Some(constants) = schema["enum"].as_array() {
        write!(out, "{}", constants.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "))
    } else if let Some(schemas) = schema["anyOf"].as_array() {
        separated(out, schemas, " or ", depth)
    } else if let Some(items) = schema["prefixItems"].as_array() {
        write!(out, "[")?;
        separated(out, items, ", ", depth)?;
        write!(out, "]")
    } else if schema["type"] == "array" {
        write!(out, "list of ")?;
        write_schema(out, &schema["items"], depth)
    } else if let Some(properties) = schema["properties"].as_object() {
        object(out, properties, &schema["required"], depth)
    } else {
        write!(out, "{}", types(&schema["type"]))
    }
}

fn separated(out: &mut String, schemas: &[Value], separator: &str, depth: usize) -> Result {
    for (position, schema) in schemas.iter().enumerate() {
        if position > 0 {
            write!(out, "{separator}")?;
        }
        write_schema(out, schema, depth)?;
    }
    Ok(())
}

fn object(out: &mut String, properties: &Map<String, Value>, required: &Value, depth: usize) -> Result {
    let indent = "  ".repeat(depth);
    let is_required = |name: &str| required.as_array().is_some_and(|all| all.iter().any(|each| each == name));
    writeln!(out, "{{")?;
    for (name, schema) in properties {
        write!(out, "{indent}  {name}{}: ", if is_required(name) { "" } else { "?" })?;
        write_schema(out, schema, depth + 1)?;
        if let Some(description) = schema["description"].as_str() {
            write!(out, "  ({description})")?;
        }
        writeln!(out)?;
    }
    write!(out, "{indent}}}")
}

/// The name of one type, or of several.
fn types(names: &Value) -> String {
    match names {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().map(types).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_written_as_a_person_would_sketch_it() {
        let schema = json!({
            "type": "object",
            "required": ["name", "rows"],
            "properties": {
                "name": {"const": "x"},
                "rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}},
                "shape": {"prefixItems": [{"type": "integer"}, {"const": 3}]},
                "score": {"anyOf": [{"type": ["number", "null"]}, {"enum": ["a", "b"]}], "description": "FP32"},
                "inner": {"type": "object", "properties": {"data": {}}},
            },
        });
        let expected = "{\n  inner?: {\n    data?: any value\n  }\n  name: \"x\"\n  rows: list of Row\n  score?: number or \
                        null or \"a\" or \"b\"  (FP32)\n  shape?: [integer, 3]\n}";
        assert_eq!(notation(&schema), expected);
    }
}
