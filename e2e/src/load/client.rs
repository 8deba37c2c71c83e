//! The connection of one caller.

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

use super::call::{Call, CallResult, Connection};
use crate::MODEL;

/// Time limit of a call. A response takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

type Sender = SendRequest<Full<Bytes>>;

/// A caller's side of its connections.
pub(super) struct Client {
    host: String,
    connection: Connection,
    open: Option<Sender>,
    has_dialled: bool,
}

/// The part of a response that names its version.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    model_version: &'a str,
}

impl Client {
    pub(super) fn new(host: &str, connection: Connection) -> Self {
        Self { host: host.to_owned(), connection, open: None, has_dialled: false }
    }

    /// Makes one call. The second value says whether a kept connection had to be opened again.
    pub(super) async fn call(&mut self, body: Bytes) -> (Call, bool) {
        let sent = Instant::now();
        let usable = self.take_usable().await;
        let redials = usable.is_none() && self.has_dialled && self.connection != Connection::Fresh;
        let response = match timeout(TIMEOUT, self.exchange(usable, body)).await {
            Ok(response) => response,
            Err(_) => Err(format!("no response in {} s", TIMEOUT.as_secs())),
        };
        let result = response.map_or_else(CallResult::Failure, CallResult::Version);
        (Call { connection: self.connection, sent, done: Instant::now(), result }, redials)
    }

    /// The open connection, unless the server has closed it.
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
        let request = request.body(Full::new(body)).map_err(|e| failed("build the request", &e))?;
        let response = sender.send_request(request).await.map_err(|e| failed("get a response", &e))?;
        let (status, headers) = (response.status(), response.headers());
        let closes =
            headers.get(header::CONNECTION).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"close"));
        let bytes =
            response.into_body().collect().await.map_err(|e| failed("read the response", &e))?.to_bytes();
        // Like the pool of any client: after `Connection: close` the connection is not used again.
        self.open = (!closes).then_some(sender);
        if status != StatusCode::OK {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&bytes)));
        }
        let response: Response<'_> =
            serde_json::from_slice(&bytes).map_err(|e| failed("parse the response", &e))?;
        Ok(response.model_version.into())
    }

    async fn dial(&mut self) -> Result<Sender, String> {
        let stream = TcpStream::connect(&self.host).await.map_err(|e| failed("connect", &e))?;
        stream.set_nodelay(true).map_err(|e| failed("connect", &e))?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|e| failed("connect", &e))?;
        // The sender returns the errors of this task.
        tokio::spawn(connection);
        self.has_dialled = true;
        Ok(sender)
    }
}

fn failed(to: &str, error: &dyn StdError) -> String {
    let mut line = format!("failed to {to}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
