//! `kubectl explain` shows these descriptions, and the API server these messages.

use serde_json::Value;
use understudy_crds::possible_values;

use crate::output::{IMPORTED, crds};

/// Fewer words explain nothing: "Its name.", "How much.", "When.".
const WORDS: usize = 5;

/// Shows a schema and every field in it to `see`, without what is inside imported types.
fn visit(path: &str, schema: &Value, see: &mut dyn FnMut(&str, &Value)) {
    see(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if IMPORTED.contains(&name.as_str()) {
            see(&path, field);
            continue;
        }
        visit(&path, field, see);
        if field["items"]["properties"].is_object() {
            visit(&format!("{path}[]"), &field["items"], see);
        }
    }
}

fn visit_all(see: &mut dyn FnMut(&str, &Value)) {
    for crd in crds() {
        let value = serde_json::to_value(&crd).expect("a CRD serialises");
        visit(&crd.spec.names.kind, &value["spec"]["versions"][0]["schema"]["openAPIV3Schema"], see);
    }
}

/// What is wrong with a description.
fn flaw(description: &str) -> Option<String> {
    let (text, values) = description
        .split_once(&format!("\n\n{}", possible_values::HEADER))
        .map_or((description, None), |(text, values)| (text, Some(values)));
    let values = values.into_iter().flat_map(|values| values.split("\n - ").skip(1));
    for sentence in std::iter::once(text).chain(values) {
        if sentence.split_whitespace().count() < WORDS {
            return Some(format!("fewer than {WORDS} words: {sentence:?}"));
        }
        if !sentence.ends_with('.') {
            return Some(format!("no full stop at the end: {sentence:?}"));
        }
    }
    None
}

#[test]
fn every_field_is_explained_in_a_sentence() {
    let (mut flaws, mut seen) = (vec![], 0);
    visit_all(&mut |path, schema| {
        seen += 1;
        let description = schema["description"].as_str().unwrap_or_default();
        flaws.extend(flaw(description).map(|flaw| format!("{path}: {flaw}")));
    });
    assert!(seen > 200, "only {seen} fields were found");
    assert!(flaws.is_empty(), "{} of {seen}:\n{}", flaws.len(), flaws.join("\n"));
}

#[test]
fn every_value_of_a_field_with_few_values_is_explained() {
    let mut flaws = vec![];
    visit_all(&mut |path, schema| {
        // `spec.stage` and `status.stage` explain the stages; the record only names them.
        if path.rsplit('.').next().is_some_and(|field| matches!(field, "from" | "to")) {
            return;
        }
        for value in schema["enum"].as_array().into_iter().flatten() {
            let line = format!("\n - `{}`: ", value.as_str().unwrap_or_default());
            if !schema["description"].as_str().unwrap_or_default().contains(&line) {
                flaws.push(format!("{path}: {value}"));
            }
        }
    });
    assert!(flaws.is_empty(), "put #[schemars(transform = possible_values::list)] on:\n{}", flaws.join("\n"));
}

#[test]
fn every_rule_of_the_api_server_has_a_message_for_people() {
    let mut flaws = vec![];
    visit_all(&mut |path, schema| {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let message = rule["message"].as_str().unwrap_or_default();
            if message.split_whitespace().count() < WORDS || message.ends_with('.') {
                flaws.push(format!("{path}: {message:?}"));
            }
        }
    });
    assert!(
        flaws.is_empty(),
        "each needs a message of {WORDS} words or more, without a full stop:\n{}",
        flaws.join("\n")
    );
}
