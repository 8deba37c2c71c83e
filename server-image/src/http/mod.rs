//! Requests and answers over HTTP/1.1: [`route`] names what a path means, [`service`] answers it, [`body`] reads
//! bodies within bounds, [`mirrored`] is what a challenger says to main, [`connection`] keeps and ends connections, [`probes`] is the metrics port.

pub mod body;
pub mod connection;
pub mod probes;
pub mod route;
pub mod service;
