//! The form page and the OpenAPI description. The server makes both once, from the signature of the model.

mod form;
mod openapi;
mod predict_columns;

pub use form::form;
pub use openapi::openapi;
