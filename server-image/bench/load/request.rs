//! A request as it is sent.

use bytes::Bytes;
use understudy_server::proto::MODEL_INFER;

/// The form of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// REST with numbers as JSON.
    Json,
    /// REST with binary tensors, also in the answer.
    Binary,
    /// gRPC with raw tensors.
    Grpc,
}

impl Wire {
    pub const ALL: [Self; 3] = [Self::Json, Self::Binary, Self::Grpc];

    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "REST, JSON",
            Self::Binary => "REST, binary",
            Self::Grpc => "gRPC",
        }
    }
}

/// A request.
pub struct Request {
    pub wire: Wire,
    pub body: Bytes,
    /// The length of the JSON before binary tensors.
    json_length: Option<usize>,
}

impl Request {
    pub fn new(wire: Wire, json_length: Option<usize>, body: Vec<u8>) -> Self {
        Self { wire, body: body.into(), json_length }
    }

    /// The request as HTTP/1.1 has it, head and body.
    pub fn http(&self) -> Vec<u8> {
        let kind = match self.json_length {
            None => "Content-Type: application/json\r\n".to_owned(),
            Some(length) => format!(
                "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: {length}\r\n"
            ),
        };
        let head = format!(
            "POST /v2/models/bench/infer HTTP/1.1\r\nHost: bench\r\n{kind}Content-Length: {}\r\n\r\n",
            self.body.len()
        );
        [head.as_bytes(), &self.body].concat()
    }
}

/// The address of the call in HTTP/2.
pub fn grpc_uri(authority: std::net::SocketAddr) -> String {
    format!("http://{authority}{MODEL_INFER}")
}
