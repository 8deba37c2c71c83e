//! One caller's connection.

use std::{
    error::Error as StdError,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

use super::{Answer, Call, Connection};
use crate::MODEL;

/// An answer takes milliseconds; what takes this long is none.
const TIMEOUT: Duration = Duration::from_secs(5);

type Sender = SendRequest<Full<Bytes>>;

/// A caller's side of its connections.
pub(super) struct Client {
    host: String,
    connection: Connection,
    open: Option<Sender>,
    dialled: bool,
}

/// The part of an answer that names who gave it.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    model_version: &'a str,
}

impl Client {
    pub(super) fn new(host: &str, connection: Connection) -> Self {
        Self { host: host.to_owned(), connection, open: None, dialled: false }
    }

    /// One call; the second part says whether a kept connection had to be dialled again.
    pub(super) async fn call(&mut self, body: Bytes) -> (Call, bool) {
        let sent = Instant::now();
        let usable = self.take_usable().await;
        let redials = usable.is_none() && self.dialled && self.connection != Connection::Fresh;
        let outcome = match timeout(TIMEOUT, self.exchange(usable, body)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("no answer in {} s", TIMEOUT.as_secs())),
        };
        let answer = outcome.map_or_else(Answer::Failure, Answer::Version);
        (Call { connection: self.connection, sent, done: Instant::now(), answer }, redials)
    }

    /// The connection of before, unless the server has closed it.
    async fn take_usable(&mut self) -> Option<Sender> {
        let mut open = self.open.take()?;
        open.ready().await.is_ok().then_some(open)
    }

    async fn exchange(&mut self, usable: Option<Sender>, body: Bytes) -> Result<Arc<str>, String> {
        let mut sender = match usable {
            Some(sender) => sender,
            None => self.dial().await?,
        };
        let mut request = Request::post(format!("/v2/models/{MODEL}/infer"))
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json");
        if self.connection == Connection::Fresh {
            request = request.header(header::CONNECTION, "close");
        }
        let request = request.body(Full::new(body)).map_err(|e| told("request", &e))?;
        let response = sender.send_request(request).await.map_err(|e| told("sent, then", &e))?;
        let (status, headers) = (response.status(), response.headers());
        let closes =
            headers.get(header::CONNECTION).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"close"));
        let bytes = response.into_body().collect().await.map_err(|e| told("in the answer", &e))?.to_bytes();
        // As any client's pool does: a connection that the server wants to end is not used again.
        self.open = (!closes).then_some(sender);
        if status != StatusCode::OK {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&bytes)));
        }
        let told: Told<'_> = serde_json::from_slice(&bytes).map_err(|e| told("answer", &e))?;
        Ok(told.model_version.into())
    }

    async fn dial(&mut self) -> Result<Sender, String> {
        let stream = TcpStream::connect(&self.host).await.map_err(|e| told("connect", &e))?;
        stream.set_nodelay(true).map_err(|e| told("connect", &e))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| told("connect", &e))?;
        // Its errors reach the caller by the sender.
        tokio::spawn(connection);
        self.dialled = true;
        Ok(sender)
    }
}

fn told(when: &str, error: &dyn StdError) -> String {
    let mut line = format!("{when}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
