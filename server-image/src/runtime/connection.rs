//! One connection to the program on localhost, which is kept alive. Answers are bounded in bytes; callers bound the time.

use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::headers::JSON_LENGTH;

/// Largest answer in bytes: eight million numbers of 64 bits.
pub const MAX_ANSWER: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nothing listens, or the connection ended before the answer began.
    #[error("the image of spec.runtime does not answer on localhost: {0}")]
    Unreachable(String),
    /// The answer ended early, or is too large.
    #[error("{0}")]
    Broken(String),
}

/// A request, which can be sent again.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// `GET` without a body, `POST` with one.
    pub body: Option<Bytes>,
    /// The path.
    pub path: String,
    /// Length of the JSON in the body, if binary tensors follow.
    pub json_length: Option<usize>,
}

impl Outgoing {
    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self { body: None, path: path.into(), json_length: None }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let method = if self.body.is_some() { Method::POST } else { Method::GET };
        let content_type =
            if self.json_length.is_some() { "application/octet-stream" } else { "application/json" };
        let mut request = Request::builder()
            .method(method)
            .uri(&self.path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, "*/*");
        if self.body.is_some() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(length) = self.json_length {
            request = request.header(JSON_LENGTH, length);
        }
        request
            .body(Full::new(self.body.clone().unwrap_or_default()))
            .expect("the name of a model makes a valid path")
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    /// Length of the JSON in the body, if binary tensors follow.
    pub json_length: Option<usize>,
    pub body: Bytes,
}

/// A connection, which opens itself again. Dropping the future of a call that waits closes it.
pub struct Connection {
    port: u16,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// No connection yet.
    pub fn new(port: u16) -> Self {
        Self { port, sender: None }
    }

    /// Sends a request and reads the answer of at most `limit` bytes. If a kept connection turns out to be closed, the request
    /// is sent once more on a new one: an inference changes nothing.
    pub async fn call(&mut self, outgoing: &Outgoing, limit: usize) -> Result<Reply, CallError> {
        // Taken out: a call that is dropped half-way leaves no connection with an answer of somebody else.
        if let Some(mut kept) = self.sender.take()
            && let Ok(response) = send(&mut kept, outgoing).await
        {
            let reply = read(response, limit).await?;
            self.sender = Some(kept);
            return Ok(reply);
        }
        let mut sender = self.open().await?;
        let response =
            send(&mut sender, outgoing).await.map_err(|error| CallError::Unreachable(error.to_string()))?;
        let reply = read(response, limit).await?;
        self.sender = Some(sender);
        Ok(reply)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, CallError> {
        let unreachable = |error: &dyn std::fmt::Display| CallError::Unreachable(error.to_string());
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .map_err(|error| unreachable(&error))?;
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
        // It ends with the sender. Its errors reach the sender, too.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }
}

async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    outgoing: &Outgoing,
) -> Result<Response<Incoming>, hyper::Error> {
    sender.ready().await?;
    sender.send_request(outgoing.request()).await
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<Reply, CallError> {
    let (head, mut body) = response.into_parts();
    let too_large =
        || CallError::Broken(format!("the answer of the image of spec.runtime is larger than {limit} bytes"));
    let length = head.headers.get(JSON_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            CallError::Broken(format!("the answer of the image of spec.runtime ended early: {error}"))
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > limit {
            return Err(too_large());
        }
        all.extend_from_slice(&data);
    }
    Ok(Reply { status: head.status, json_length: length, body: all.freeze() })
}
