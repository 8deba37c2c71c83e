//! A server of the same HTTP stack that does nothing: the limit of a request without a model.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use super::{Process, free_port};
use crate::pin::Pin;

/// A response as long as that of the sample model.
const RESPONSE: &str = r#"{"model_name":"fraud","model_version":"1.3.0","id":"sample","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[1]},{"name":"probabilities","datatype":"FP32","shape":[1,2],"data":[0.0022078454,0.9977921]}]}"#;

/// This program, running as the null server.
pub struct Null {
    _process: Process,
    pub address: SocketAddr,
}

impl Null {
    pub fn start(pin: &Pin) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let program = std::env::current_exe().expect("this program has a path");
        let process = Process::start(pin.server(program).args([crate::NULL, &address.port().to_string()]));
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Self { _process: process, address }
    }
}

/// hyper and tokio as in the server, without anything else: reads the body and sends a constant response.
pub fn serve(port: &str) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("the port is free");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| async move {
                    let _ = request.into_body().collect().await;
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(RESPONSE)))
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}
