//! What the types generate: the committed files are up to date, and every field explains itself.

#[path = "../../generate/output.rs"]
mod output;

mod bounds;
mod committed;
mod descriptions;
