//! gRPC, on the same ports as REST: the Open Inference Protocol ([`inference`]), health and reflection. [`framing`] turns
//! bodies into messages and back, and [`status`] has the code of each refusal.

mod framing;
mod inference;
mod status;

use std::{convert::Infallible, sync::Arc};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, Version, header::CONTENT_TYPE};
use tonic::{Status, body::Body, codegen::Service as _};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    http::{calls::Listener, request_body::RequestBody, service::Service},
    proto::{DESCRIPTION, SERVICE},
};

/// Why reflection can be built.
const VALID: &str = "the descriptions are compiled with the server";

type Handle = Box<dyn Fn(Request<RequestBody>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// The services beside inference.
pub struct Services {
    reporter: HealthReporter,
    health: Handle,
    reflection: Handle,
    reflection_alpha: Handle,
}

/// Makes a handler of a service, which never fails.
macro_rules! handle {
    ($server:expr) => {{
        let server = $server;
        Box::new(move |request: Request<RequestBody>| {
            let mut server = server.clone();
            let called: BoxFuture<'static, _> = Box::pin(async move {
                let called: Result<Response<Body>, Infallible> = server.call(request).await;
                let Ok(response) = called;
                response
            });
            called
        })
    }};
}

impl Default for Services {
    fn default() -> Self {
        let (reporter, health) = tonic_health::server::health_reporter();
        let described = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTION)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        Self {
            reporter,
            health: handle!(health),
            reflection: handle!(described().build_v1().expect(VALID)),
            // grpcurl and most other clients still ask for it.
            reflection_alpha: handle!(described().build_v1alpha().expect(VALID)),
        }
    }
}

impl Services {
    /// Reports whether the server is ready, to clients that ask and to those that watch.
    pub async fn report(&self, ready: bool) {
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", SERVICE] {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Handles a request to another service than that of inference. Refuses unknown ones.
    async fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        let handle = match request.uri().path().split('/').nth(1) {
            Some("grpc.health.v1.Health") => &self.health,
            Some("grpc.reflection.v1.ServerReflection") => &self.reflection,
            Some("grpc.reflection.v1alpha.ServerReflection") => &self.reflection_alpha,
            _ => {
                let unknown = Status::unimplemented(format!("unknown method {}", request.uri().path()));
                return framing::response(Err(unknown), HeaderMap::new());
            }
        };
        handle(request).await
    }
}

/// Whether a request is one of gRPC.
#[must_use]
pub fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    request.version() == Version::HTTP_2
        && content_type.is_some_and(|content_type| content_type.starts_with("application/grpc"))
}

/// The handler of the inference ports for gRPC.
pub struct Grpc {
    /// All ports have the same one.
    pub service: Arc<Service>,
    /// The services beside inference.
    pub services: Arc<Services>,
}

impl Grpc {
    /// Handles a request.
    pub async fn handle(&self, listener: Listener, request: Request<RequestBody>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        match path.strip_prefix('/').and_then(|path| path.strip_prefix(SERVICE)?.strip_prefix('/')) {
            Some(method) => inference::run(&self.service, listener, method, request).await,
            None => self.services.handle(request).await,
        }
    }
}
