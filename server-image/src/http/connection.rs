//! Accepts and ends connections. [`Connections`] says which ones are admitted, and which must end. When this version is no
//! longer main or the process ends, connections are drained: requests in flight get their responses.

use std::{
    convert::Infallible,
    future::{Future, pending},
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use http::{HeaderValue, Request, Response, Version, header::CONNECTION};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{
    connections::{Connections, Full as NoRoom, Ticket},
    request_body::RequestBody,
    workers::Workers,
};
use crate::role::MainRole;

/// How long an idle caller may keep its connection to a version that is no longer main. Within 5 s of the switch, no
/// caller may get responses from it, and the routing file may arrive a second late.
const GRACE: Duration = Duration::from_secs(3);
/// Buffer of a connection in bytes: headers are a few hundred bytes, and a body arrives in parts of at most this size.
const BUFFER: usize = 512 << 10;
/// Requests at a time on one connection of HTTP/2.
const STREAMS: u32 = 128;
/// Bytes of all bodies of such a connection that are on their way to us, at most.
const WINDOW: u32 = 1 << 20;
/// Largest header of such a request, in bytes.
const HEADERS: u32 = 16 << 10;
/// The response on a connection that is refused.
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 41\r\n\r\n{\"error\":\"too many connections are busy\"}";
/// Pause after a failure to accept, for example while the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The phases of the process's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Normal operation.
    Serving,
    /// SIGTERM arrived. Each response closes its connection.
    Draining,
    /// No new connections. The open ones end.
    Closing,
}

/// What a listener needs to know of the process.
#[derive(Clone)]
pub struct ListenerContext {
    /// The phase of the process's end.
    pub phase: watch::Receiver<Phase>,
    /// The role of this version. `None` for listeners that do not depend on it.
    pub role: Option<watch::Receiver<MainRole>>,
    /// The open connections of this listener and of those that share its limits.
    pub connections: Arc<Connections>,
    /// The name of the port.
    pub port: &'static str,
}

impl ListenerContext {
    /// Whether a response closes its connection now.
    fn closes_connections(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
            || self.role.as_ref().is_some_and(|role| *role.borrow() == MainRole::NoLonger)
    }

    /// Whether phase or role changed after [`Self::mark_unchanged`]. Other than a look at their values, it takes no lock,
    /// which all processors would share.
    fn has_changed(&self) -> bool {
        // An error means that a sender is gone, which also ends the process.
        self.phase.has_changed().unwrap_or(true)
            || self.role.as_ref().is_some_and(|role| role.has_changed().unwrap_or(true))
    }

    fn mark_unchanged(&mut self) {
        self.phase.mark_unchanged();
        if let Some(role) = &mut self.role {
            role.mark_unchanged();
        }
    }

    /// Waits until an open connection must end. One of HTTP/2 ends at once when its responses would close it: the client
    /// learns that it must open another one, and its calls in flight go on.
    async fn end(&mut self, is_http2: impl Fn() -> bool) {
        let closing = async {
            // An error means that the sender is gone, which also ends the process.
            let _ = self
                .phase
                .wait_for(|phase| *phase == Phase::Closing || *phase == Phase::Draining && is_http2())
                .await;
        };
        let superseded = async {
            let Some(role) = &mut self.role else { return pending().await };
            while role.wait_for(|role| *role == MainRole::NoLonger).await.is_ok() {
                if is_http2() {
                    return;
                }
                let back = role.wait_for(|role| *role != MainRole::NoLonger);
                if tokio::time::timeout(GRACE, back).await.is_err() {
                    return;
                }
            }
            // The sender is gone: the role does not change any more.
            pending::<()>().await;
        };
        tokio::select! {
            () = closing => {}
            () = superseded => {}
        }
    }
}

/// Handles the requests of a port.
pub trait Handler: Send + Sync + 'static {
    /// Handles one request.
    fn handle(&self, request: Request<RequestBody>) -> impl Future<Output = Response<Body>> + Send;
}

/// The body of a response: complete, or with what gRPC sends after it.
pub type Body = Either<Full<Bytes>, tonic::body::Body>;

/// Accepts connections until the phase is `Closing`. `workers` have them, and `handler` handles their requests.
pub async fn accept(
    listener: TcpListener,
    context: ListenerContext,
    workers: Workers,
    handler: impl Handler,
) {
    let mut closing = context.phase.clone();
    let handler = Arc::new(handler);
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, caller)) => match context.connections.admit(context.port, caller.ip()) {
                    Ok(ticket) => {
                        let (context, handler) = (context.clone(), Arc::clone(&handler));
                        workers.spawn(async move {
                            // The socket belongs to the reactor of the thread that is here now.
                            match stream.into_std().and_then(TcpStream::from_std) {
                                Ok(stream) => serve(stream, ticket, context, handler).await,
                                Err(error) => log(&error, "failed to hand over a connection"),
                            }
                        });
                    }
                    // Best effort: the kernel has room for it, unless the caller is gone.
                    Err(NoRoom) => _ = stream.try_write(REFUSAL),
                },
                Err(error) => {
                    log(&error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = closing.wait_for(|phase| *phase == Phase::Closing) => {}
    }
}

fn log(error: &io::Error, what: &str) {
    tracing::warn!(error = %error, "{what}");
}

/// What the requests of a connection share.
struct Shared<H> {
    ticket: Arc<Ticket>,
    context: ListenerContext,
    /// Whether responses closed the connection when it began.
    at_first: bool,
    handler: Arc<H>,
}

impl<H: Handler> Shared<H> {
    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let Self { ticket, context, at_first, handler } = self;
        ticket.begin();
        let in_flight = InFlight(ticket);
        let is_http2 = request.version() == Version::HTTP_2;
        if is_http2 {
            ticket.speaks_http2();
        }
        let request = request.map(|incoming| RequestBody::new(incoming, ticket));
        let mut response = handler.handle(request).await;
        let closes = if context.has_changed() { context.closes_connections() } else { *at_first };
        // HTTP/2 has a frame for it, see `ListenerContext::end`.
        if closes && !is_http2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        drop(in_flight);
        response
    }
}

impl<H> Shared<H> {
    /// Tells the ticket whether the caller reads, after an attempt to send `all` bytes.
    fn watch(&self, written: &Poll<io::Result<usize>>, all: usize) {
        match written {
            Poll::Pending => self.ticket.is_unread(),
            Poll::Ready(Ok(sent)) => self.ticket.was_read(*sent == all),
            Poll::Ready(Err(_)) => {}
        }
    }
}

/// A request in flight, until its response is ready or its caller is gone.
struct InFlight<'t>(&'t Ticket);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn serve<H: Handler>(stream: TcpStream, ticket: Ticket, mut context: ListenerContext, handler: Arc<H>) {
    // Small responses must not wait for an acknowledgement. On an error, the socket is already closed.
    let _ = stream.set_nodelay(true);
    let mut now = context.clone();
    now.mark_unchanged();
    let at_first = now.closes_connections();
    let shared = Arc::new(Shared { ticket: Arc::new(ticket), context: now, at_first, handler });
    let ticket = &shared.ticket;
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(shared.respond(request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(BUFFER);
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEADERS);
    let io = TokioIo::new(Watched { stream, shared: Arc::clone(&shared) });
    let mut connection = pin!(builder.serve_connection(io, service));
    // In a set of its own, so that it is polled when it wakes, and not each time that the connection is polled. It says whether
    // another connection has the place of this one.
    let mut end: FuturesUnordered<_> = std::iter::once(async {
        tokio::select! {
            () = context.end(|| ticket.is_http2()) => false,
            () = ticket.ended() => true,
        }
    })
    .collect();
    // Errors are the caller's: a reset, or a malformed request that hyper has answered with 400.
    let lost_its_place = tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        lost = end.next() => lost == Some(true),
    };
    // Half a header is no request.
    if ticket.is_in_header() {
        return;
    }
    connection.as_mut().graceful_shutdown();
    if lost_its_place && !ticket.is_busy() {
        // It sends what it can at once. A caller that does not read would keep the memory of a connection without a place.
        let _ = futures::poll!(connection);
        return;
    }
    let ended = async {
        loop {
            if lost_its_place {
                // A request has come since. Nobody watches a connection without a place.
                tokio::time::sleep(GRACE).await;
            } else {
                ticket.ended().await;
            }
            if !ticket.is_busy() {
                return;
            }
        }
    };
    // A request in flight gets its response. An incomplete header does not hold the connection open.
    tokio::select! {
        biased;
        _ = connection => {}
        () = ended => {}
    }
}

/// A connection that tells its ticket when bytes arrive, and whether the caller reads.
struct Watched<H> {
    stream: TcpStream,
    shared: Arc<Shared<H>>,
}

impl<H> AsyncRead for Watched<H> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some(bytes) = buffer.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
            self.shared.ticket.received(bytes);
        }
        read
    }
}

impl<H> AsyncWrite for Watched<H> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.shared.watch(&written, bytes.len());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.shared.watch(&written, parts.iter().map(|part| part.len()).sum());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
