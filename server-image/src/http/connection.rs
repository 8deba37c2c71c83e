//! Accepts and ends connections. Their number is bounded, and idle ones are closed. When this version is no longer main
//! or the process ends, connections are drained: requests in flight get their responses.

use std::{
    convert::Infallible,
    future::{Future, pending},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use http::{HeaderValue, Request, header::CONNECTION};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use super::response::HttpResponse;
use crate::role::MainRole;

/// How long an idle caller may keep its connection to a version that is no longer main. Within 5 s of the switch, no
/// caller may get responses from it, and the routing file may arrive a second late.
const GRACE: Duration = Duration::from_secs(3);
/// A connection without a request for two of these periods is closed: it is idle, or sends its header too slowly.
const IDLE_PERIOD: Duration = Duration::from_mins(1);
/// Buffer of a connection in bytes: headers are a few hundred bytes, and a body arrives in parts of at most this size.
const BUFFER: usize = 512 << 10;
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
    /// Permits for further connections.
    pub free: Arc<Semaphore>,
}

impl ListenerContext {
    /// Whether a response closes its connection now.
    fn closes_connections(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
            || self.role.as_ref().is_some_and(|role| *role.borrow() == MainRole::NoLonger)
    }

    /// Waits until open connections must end.
    async fn end(&mut self) {
        let closing = async {
            // An error means that the sender is gone, which also ends the process.
            let _ = self.phase.wait_for(|phase| *phase == Phase::Closing).await;
        };
        let superseded = async {
            let Some(role) = &mut self.role else { return pending().await };
            while role.wait_for(|role| *role == MainRole::NoLonger).await.is_ok() {
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

/// Accepts connections until the phase is `Closing`, and handles their requests with `handle`.
pub async fn accept<H, F>(listener: TcpListener, context: ListenerContext, handle: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = HttpResponse> + Send,
{
    let mut closing = context.phase.clone();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // After accepting: a listener without callers must not hold a permit that another listener needs.
                    let free = Arc::clone(&context.free);
                    let permit = free.acquire_owned().await.expect("the semaphore is never closed");
                    let (context, handle) = (context.clone(), handle.clone());
                    tokio::spawn(async move {
                        serve(stream, context, handle).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(error = %error, "failed to accept a connection");
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

async fn serve<H, F>(stream: TcpStream, mut context: ListenerContext, handle: H)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = HttpResponse>,
{
    // Small responses must not wait for an acknowledgement. On an error, the socket is already closed.
    let _ = stream.set_nodelay(true);
    let activity = Activity::default();
    let (now, counted) = (context.clone(), &activity);
    let service = service_fn(|request| {
        let (handled, now) = (handle(request), &now);
        async move {
            counted.begin();
            let mut response = handled.await;
            if now.closes_connections() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            counted.end();
            Ok::<_, Infallible>(response)
        }
    });
    let connection =
        http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // In a set of its own, so that it is polled when it wakes, and not each time that the connection is polled.
    let mut end: FuturesUnordered<_> = std::iter::once(async {
        tokio::select! {
            () = context.end() => {}
            () = activity.idle() => {}
        }
    })
    .collect();
    // Errors are the caller's: a reset, or a malformed request that hyper has answered with 400.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = end.next() => connection.as_mut().graceful_shutdown(),
    }
    // A request in flight gets its response. An incomplete header does not hold the connection open.
    tokio::select! {
        biased;
        _ = connection => {}
        () = activity.idle() => {}
    }
}

/// Counts the requests of one connection. An idle connection is recognized without a timer for each request.
#[derive(Default)]
struct Activity {
    begun: AtomicU32,
    ended: AtomicU32,
}

impl Activity {
    fn begin(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    fn end(&self) {
        self.ended.fetch_add(1, Relaxed);
    }

    /// Returns after a period in which no request began, ended or was in flight.
    async fn idle(&self) {
        loop {
            let before = (self.begun.load(Relaxed), self.ended.load(Relaxed));
            tokio::time::sleep(IDLE_PERIOD).await;
            let after = (self.begun.load(Relaxed), self.ended.load(Relaxed));
            if before == after && after.0 == after.1 {
                return;
            }
        }
    }
}
