//! Examples in the OpenAPI description.

use serde_json::{Map, Value, json};

use super::shown::{Examples, Shown};
use crate::api::Api;

/// Adds the examples of a version to its OpenAPI description: requests and answers. They take the place of an `example` that
/// was made up.
pub fn add_examples(description: &mut Value, examples: &Examples) {
    let Some(paths) = description.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths {
        let api = if path == "/predict" { Api::Predict } else { Api::Infer };
        let shown: Vec<&Shown> = examples.shown().iter().filter(|shown| shown.api == api).collect();
        let Some(post) = item.get_mut("post").filter(|_| !shown.is_empty()) else { continue };
        let of = |value: fn(&Shown) -> &Value| -> Value {
            let named = shown.iter().enumerate();
            let named = named
                .map(|(place, shown)| (format!("example-{}", place + 1), json!({"value": value(shown)})));
            Value::Object(named.collect::<Map<_, _>>())
        };
        let request = &mut post["requestBody"]["content"]["application/json"];
        request["examples"] = of(|shown| &shown.request);
        if let Some(request) = request.as_object_mut() {
            request.remove("example");
        }
        post["responses"]["200"]["content"]["application/json"]["examples"] = of(|shown| &shown.response);
    }
}
