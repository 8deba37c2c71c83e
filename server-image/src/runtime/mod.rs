//! A model that another program runs: a container image in the same pod, which speaks the Open Inference Protocol on
//! localhost ([`connection`]). [`metadata`] reads its signature, [`request`] and [`response`] carry tensors, [`sidecar`] is the
//! session of the engine, and [`health`] waits for the program and follows it. Nothing outside localhost is called.

mod connection;
pub mod health;
mod metadata;
mod request;
mod response;
mod sidecar;

pub use metadata::{Described, describe};
pub use sidecar::Sidecar;

/// Where the program listens, and what it calls the model.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Port on localhost.
    pub port: u16,
    /// Name of the model there.
    pub model: String,
}
