//! Inference calls of every transport: the engine runs them, and the observer gets them.

use http::{HeaderMap, HeaderValue};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    engine::{Engine, Work},
    error::Refusal,
    exchange::{EncodedResponse, Message},
    headers::{self, REQUEST_ID},
    mirror::RawRequest,
    observer::{Given, Interest, Observer},
    traceparent,
};

/// A port that the server accepts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Behind the stable Service. Its calls are observed.
    Main,
    /// For copies of main's calls, sent by main's pods.
    Challenger,
    /// Behind the version's own Service.
    Direct,
}

/// The engine and the observer of a loaded model.
pub struct Calls {
    engine: Engine,
    observer: Observer,
    version: HeaderValue,
    digest: HeaderValue,
}

/// A call whose header has arrived.
pub struct Arrival {
    listener: Listener,
    interest: Option<Interest>,
    given: Given,
}

/// The answer to a call.
pub struct Answer {
    /// The response in the form of its transport.
    pub response: Result<EncodedResponse, Refusal>,
    /// Headers that the response carries on every transport.
    pub headers: HeaderMap,
}

impl Calls {
    /// Calls of the engine's model.
    #[must_use]
    pub fn new(engine: Engine, observer: Observer) -> Self {
        let header = |text: &str| HeaderValue::from_str(text).expect("versions and digests are ASCII");
        let identity = &engine.model().identity;
        let (version, digest) = (header(&identity.version), header(&identity.digest));
        Self { engine, observer, version, digest }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The observer.
    #[must_use]
    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    /// A call begins with these headers.
    #[must_use]
    pub fn arrive(&self, listener: Listener, headers: &HeaderMap) -> Arrival {
        let interest = if listener == Listener::Main { self.observer.interest() } else { None };
        let given = interest.as_ref().map(|_| Given {
            id: headers.get(REQUEST_ID).and_then(|id| id.to_str().ok().map(str::to_owned)),
            traceparent: traceparent::of(headers).cloned(),
        });
        Arrival { listener, interest, given: given.unwrap_or_default() }
    }

    /// Answers a call whose body has arrived. `reservation` is the memory of the body.
    pub async fn answer(
        &self,
        Arrival { listener, interest, given }: Arrival,
        message: Message,
        reservation: Option<OwnedSemaphorePermit>,
    ) -> Answer {
        let copied = interest.as_ref().filter(|interest| interest.wants_request());
        let raw =
            copied.map(|_| RawRequest { message: message.clone(), traceparent: given.traceparent.clone() });
        let traced = interest.as_ref().is_some_and(Interest::wants_tensors);
        let mut completion = self.engine.run(Work { message, reservation, traced }).await;
        let mut headers = HeaderMap::new();
        if let Some(interest) = interest {
            let returned = interest.returns_id();
            let id = self.observer.offer(interest, &mut completion, given, raw);
            if let Some(id) = HeaderValue::from_str(&id).ok().filter(|_| returned) {
                headers.insert(REQUEST_ID, id);
            }
        }
        if listener == Listener::Challenger {
            headers.insert(headers::VERSION, self.version.clone());
            headers.insert(headers::DIGEST, self.digest.clone());
            headers::set_latency(&mut headers, completion.latency);
        }
        Answer { response: completion.response, headers }
    }
}
