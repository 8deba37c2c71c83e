//! HTTP/1.1, and HTTP/2 on the same ports. [`connection`] accepts and ends connections within the limits of [`connections`],
//! and [`workers`] are their threads. [`route`] finds the route of a path, [`body`] reads a [`request_body`] within bounds, and
//! [`calls`] hands calls to the engine and the observer. [`service`] handles the requests of the three inference ports over REST,
//! with the documents of [`describe`] and the [`pages`] for people, whose bodies are [`fixed`], and [`probes`] those of the
//! metrics port. [`response`] makes the responses of both, and [`unsent`] bounds the memory of those that nobody reads.

pub mod body;
pub mod calls;
pub mod connection;
pub mod connections;
pub mod describe;
pub mod fixed;
pub mod pages;
pub mod probes;
pub mod request_body;
pub mod response;
pub mod route;
pub mod service;
pub mod unsent;
pub mod workers;
