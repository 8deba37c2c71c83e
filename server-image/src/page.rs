//! Documents made from the model's own signature.

use serde_json::json;

use crate::model::Model;

/// The OpenAPI description.
#[must_use]
pub fn openapi(model: &Model) -> String {
    json!({"openapi": "3.1.0", "info": {"title": model.deployment, "version": model.version}}).to_string()
}

/// The form page.
#[must_use]
pub fn form(model: &Model) -> String {
    format!("<!doctype html><title>{}</title>", model.deployment)
}
