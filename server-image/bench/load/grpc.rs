//! A caller over gRPC: hyper's HTTP/2 with the same message again and again, so that the caller encodes and decodes nothing.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::{Request, request::grpc_uri};

/// Large enough that no call waits for the caller's leave to send.
const WINDOW: u32 = 16 << 20;

/// One connection with one call at a time.
pub struct Caller {
    sender: SendRequest<Full<Bytes>>,
    uri: http::Uri,
    body: Bytes,
}

impl Caller {
    pub async fn open(address: SocketAddr, request: &Request) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a local socket");
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("HTTP/2");
        tokio::spawn(connection);
        let uri = grpc_uri(address).parse().expect("a URI");
        Self { sender, uri, body: request.body.clone() }
    }

    pub async fn call(&mut self) {
        let request = http::Request::post(self.uri.clone())
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(self.body.clone()))
            .expect("a request");
        self.sender.ready().await.expect("the server reads");
        let answer = self.sender.send_request(request).await.expect("the server answers");
        let (head, body) = answer.into_parts();
        let answer = body.collect().await.expect("a whole answer");
        let trailers = answer.trailers().unwrap_or(&head.headers);
        let status = trailers.get("grpc-status").map_or(&b"none"[..], http::HeaderValue::as_bytes);
        assert!(status == b"0", "gRPC status {}, {trailers:?}", String::from_utf8_lossy(status));
    }
}
