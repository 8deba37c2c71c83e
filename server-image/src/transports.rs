//! REST and gRPC on the same ports.

use http::{Request, Response};
use http_body_util::Either;

use crate::{
    grpc::{Grpc, is_grpc},
    http::{
        calls::Listener,
        connection::{Body, Handler},
        request_body::RequestBody,
    },
};

/// The handler of an inference port.
pub struct Transports {
    /// The port.
    pub listener: Listener,
    /// gRPC, and through it the service that REST has, too.
    pub grpc: Grpc,
}

impl Handler for Transports {
    async fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        if is_grpc(&request) {
            self.grpc.handle(self.listener, request).await.map(Either::Right)
        } else {
            self.grpc.service.handle(self.listener, request).await.map(Either::Left)
        }
    }
}
