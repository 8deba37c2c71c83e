//! What people open in a browser: the form, the API documentation, and the OpenAPI description. The server makes them once,
//! from the signature of the model and its baseline.

mod docs;
mod example_requests;
mod files;
mod form;
mod html;
mod notation;
mod openapi;
mod predict_columns;
mod start_values;

pub use docs::docs;
pub use files::PageFile;
pub use form::form;
pub use openapi::openapi;
