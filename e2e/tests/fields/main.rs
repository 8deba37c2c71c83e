//! The field sweep: every leaf of the spec of both kinds, from the schema itself, with valid changes, each bound, values
//! beyond it, other characters, other types, and without it. The API server accepts a value or explains why not. What it
//! accepts, the operator turns into objects that the API server accepts, too; what is taken back leaves no trace.
//!
//! `e2e/cluster/fields` starts the API server, and each test its operator. No pod runs.

mod base;
mod cluster;
mod deployments;
mod path;
mod stored;
mod variants;
mod verdict;
mod versions;
