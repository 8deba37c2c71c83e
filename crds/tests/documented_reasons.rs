//! Users find every decision and reason that a status can hold in `docs/operations.md`.

use std::path::Path;

use schemars::{JsonSchema, schema_for};
use understudy_crds::{Decision, MainReason, RollbackResult};

/// The values of an enum, as they are written in a status.
fn values<T: JsonSchema>() -> Vec<String> {
    let schema = schema_for!(T).to_value();
    let of = |schema: &serde_json::Value| -> Vec<String> {
        let values = schema["enum"].as_array().into_iter().flatten();
        values.chain([&schema["const"]]).filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    variants.flat_map(of).chain(of(&schema)).collect()
}

#[test]
fn every_decision_and_reason_of_a_status_is_in_the_operations_guide() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(path).expect("docs/operations.md can be read");
    let all = [values::<Decision>(), values::<MainReason>(), values::<RollbackResult>()];
    for values in &all {
        assert!(values.len() > 1, "the schema lists the values of an enum: {all:?}");
    }
    let missing: Vec<_> =
        all.iter().flatten().filter(|value| !text.contains(&format!("`{value}`"))).collect();
    assert!(missing.is_empty(), "docs/operations.md does not explain {missing:?}");
}
