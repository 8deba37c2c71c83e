//! HTTP/1.1: [`connection`] accepts and ends connections, [`route`] finds the route of a path, [`body`] reads bodies within
//! bounds, [`service`] handles the requests of the three inference ports, [`probes`] those of the metrics port, and
//! [`response`] makes the responses of both.

pub mod body;
pub mod connection;
pub mod probes;
pub mod response;
pub mod route;
pub mod service;
