//! What people see: the form page and the OpenAPI description, both made once from the model's own signature.

mod form;
mod openapi;
mod predict_columns;

pub use form::form;
pub use openapi::openapi;
