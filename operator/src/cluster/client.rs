//! The one place that makes the client of the API server. Each request has a deadline, and each watch must be heard.
//!
//! A connection that dies silently would otherwise block a pass, an election or a watch for many minutes.

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{Request, Response},
};
use futures::future::BoxFuture;
use http_body::{Body as HttpBody, Frame, SizeHint};
use kube::{
    Client, Config, Resource,
    client::{Body, ClientBuilder},
};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tower::{BoxError, Layer, Service};

use super::scope::Scope;

/// Longest time of a request, with its response. A page of a list is far below it.
const REQUEST: Duration = Duration::from_secs(15);
/// Longest silence of a watch. The API server sends a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(90);

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to find the configuration of the API server")]
    Config(#[source] kube::config::InferConfigError),
    #[error("failed to make a client of the API server")]
    Client(#[source] kube::Error),
}

/// The API server did not answer in time.
#[derive(Debug, thiserror::Error)]
pub enum TooSlow {
    /// A request was not answered.
    #[error("the API server did not answer {path} within {} s", REQUEST.as_secs())]
    Request { path: String },
    /// A watch delivered neither events nor bookmarks.
    #[error("the watch of {path} was silent for {} s", SILENCE.as_secs())]
    Watch { path: String },
}

/// A client of the API server that the environment names. What its watches deliver is counted in `heard`.
pub async fn connect(heard: &Heard) -> Result<Client, Error> {
    let mut config = Config::infer().await.map_err(Error::Config)?;
    config.connect_timeout = Some(REQUEST / 2);
    let builder = ClientBuilder::try_from(config).map_err(Error::Client)?;
    Ok(builder.with_layer(&Limits { heard: heard.clone() }).build())
}

/// When the API server was last heard about each watched path. Clones share the content.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<BTreeMap<String, Watched>>>);

struct Watched {
    kind: String,
    last: Instant,
}

impl Heard {
    /// The objects of kind `K` in this scope are watched from now on.
    pub fn watch<K: Resource<DynamicType = ()>>(&self, scope: &Scope) {
        let namespace = Some(scope.namespace()).filter(|n| !n.is_empty());
        let watched = Watched { kind: K::kind(&()).into_owned(), last: Instant::now() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(K::url_path(&(), namespace), watched);
    }

    /// Time since the API server was last heard about each watched kind. The longest one, if a kind is watched in
    /// several namespaces.
    pub fn silence(&self) -> BTreeMap<String, Duration> {
        let mut silence = BTreeMap::new();
        for watched in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let longest: &mut Duration = silence.entry(watched.kind.clone()).or_default();
            *longest = (*longest).max(watched.last.elapsed());
        }
        silence
    }

    fn now(&self, path: &str) {
        if let Some(watched) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(path) {
            watched.last = Instant::now();
        }
    }
}

/// Adds the limits to a client.
#[derive(Clone)]
struct Limits {
    heard: Heard,
}

impl<S> Layer<S> for Limits {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limited { inner, heard: self.heard.clone() }
    }
}

/// A client with limits.
struct Limited<S> {
    inner: S,
    heard: Heard,
}

impl<S, B> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
{
    type Response = Response<LimitedBody<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default();
        let is_watch = query.split('&').any(|part| part == "watch=true" || part == "watch=1");
        let deadline = Instant::now() + REQUEST;
        let (response, heard) = (self.inner.call(request), self.heard.clone());
        Box::pin(async move {
            let late = || TooSlow::Request { path: path.clone() };
            let response =
                timeout_at(deadline, response).await.map_err(|_elapsed| late())?.map_err(Into::into)?;
            if response.status().is_success() {
                heard.now(&path);
            }
            let limit = if is_watch { Limit::Silence(heard) } else { Limit::Deadline };
            let until = if is_watch { Instant::now() + SILENCE } else { deadline };
            Ok(response.map(|body| LimitedBody {
                body: Box::pin(body),
                timer: Box::pin(sleep_until(until)),
                limit,
                path,
            }))
        })
    }
}

enum Limit {
    /// The whole body must arrive in time.
    Deadline,
    /// The next part must arrive in time.
    Silence(Heard),
}

/// The body of a response, with a limit.
struct LimitedBody<B> {
    body: Pin<Box<B>>,
    timer: Pin<Box<Sleep>>,
    limit: Limit,
    path: String,
}

impl<B> HttpBody for LimitedBody<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) {
            if let (Limit::Silence(heard), Some(Ok(_))) = (&this.limit, &frame) {
                heard.now(&this.path);
                this.timer.as_mut().reset(Instant::now() + SILENCE);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.timer.as_mut().poll(cx));
        let path = this.path.clone();
        Poll::Ready(Some(Err(match this.limit {
            Limit::Deadline => TooSlow::Request { path },
            Limit::Silence(_) => TooSlow::Watch { path },
        }
        .into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
