//! Connections from accept to their end: bounded in number, closed when idle, and drained, never cut, when this
//! version loses its role or the process ends.

use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};
use http::{HeaderValue, Request, Response, header::CONNECTION};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use crate::role::MainRole;

/// How long an idle caller may stay with a version that lost its role: within 5 s of the switch nobody may be
/// answered by it, and the news may take a second to come.
const GRACE: Duration = Duration::from_secs(3);
/// A connection without a request for two of these is closed: it is idle, or sends its header too slowly.
const SILENCE: Duration = Duration::from_mins(1);
/// Headers are a few hundred bytes; a body is read in pieces of at most this size.
const BUFFER: usize = 512 << 10;
/// Between two tries to accept when the process has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(50);

/// How far the process is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serving.
    Serving,
    /// Still serving, but every answer closes its connection.
    Draining,
    /// No new connection; the open ones end.
    Closing,
}

/// What a listener needs to know about the world around it.
#[derive(Clone)]
pub struct ListenerContext {
    /// On its way out?
    pub phase: watch::Receiver<Phase>,
    /// The version's role, on the port that depends on it.
    pub role: Option<watch::Receiver<MainRole>>,
    /// Connections that may still be opened.
    pub free: Arc<Semaphore>,
}

impl ListenerContext {
    /// Whether an answer given now is to end its connection.
    fn is_last_answer(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
            || self.role.as_ref().is_some_and(|role| *role.borrow() == MainRole::NoLonger)
    }

    /// Waits until open connections are to end.
    async fn end(&mut self) {
        let closing = async {
            // A sender that is gone is the end, too.
            let _ = self.phase.wait_for(|phase| *phase == Phase::Closing).await;
        };
        let superseded = async {
            let Some(role) = &mut self.role else { return std::future::pending().await };
            while role.wait_for(|role| *role == MainRole::NoLonger).await.is_ok() {
                let back = role.wait_for(|role| *role != MainRole::NoLonger);
                if tokio::time::timeout(GRACE, back).await.is_err() {
                    return;
                }
            }
            // Nobody follows the role any more, so it does not change.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = closing => {}
            () = superseded => {}
        }
    }
}

/// Accepts connections until the process closes, and answers their requests with `answer`.
pub async fn accept<A, F>(listener: TcpListener, context: ListenerContext, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send,
{
    let mut closing = context.phase.clone();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    // Taken after accepting: a listener that waits for callers must not hold what another one needs.
                    let free = Arc::clone(&context.free);
                    let permit = free.acquire_owned().await.expect("the semaphore is never closed");
                    let (context, answer) = (context.clone(), answer.clone());
                    tokio::spawn(async move {
                        serve(stream, context, answer).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!("failed to accept a connection: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = closing.wait_for(|phase| *phase == Phase::Closing) => {}
    }
}

async fn serve<A, F>(stream: TcpStream, mut context: ListenerContext, answer: A)
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Full<Bytes>>>,
{
    // Small answers must not wait for an acknowledgement. A socket that refuses is gone already.
    let _ = stream.set_nodelay(true);
    let activity = Activity::default();
    let (now, counted) = (context.clone(), &activity);
    let service = service_fn(|request| {
        let (answer, now) = (answer(request), &now);
        async move {
            counted.begin();
            let mut response = answer.await;
            if now.is_last_answer() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            counted.end();
            Ok::<_, Infallible>(response)
        }
    });
    let connection =
        http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // In a set of its own, so that it is looked at when it was woken, not at each turn of the connection.
    let mut end: FuturesUnordered<_> = std::iter::once(async {
        tokio::select! {
            () = context.end() => {}
            () = activity.silence() => {}
        }
    })
    .collect();
    // Errors are the peer's: a reset, a malformed request that hyper has answered with 400.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = end.next() => connection.as_mut().graceful_shutdown(),
    }
    // What is in flight is answered; half a header is not waited for forever.
    tokio::select! {
        biased;
        _ = connection => {}
        () = activity.silence() => {}
    }
}

/// Counts the requests of one connection, to tell an idle one from a busy one without a timer for each request.
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

    /// Returns when no request was begun, ended or under way for a while.
    async fn silence(&self) {
        loop {
            let before = (self.begun.load(Relaxed), self.ended.load(Relaxed));
            tokio::time::sleep(SILENCE).await;
            let after = (self.begun.load(Relaxed), self.ended.load(Relaxed));
            if before == after && after.0 == after.1 {
                return;
            }
        }
    }
}
