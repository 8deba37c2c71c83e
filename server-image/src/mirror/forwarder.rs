//! The thread that copies calls to the challenger: connections of their own, a time limit, and a circuit breaker.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Instant,
};

use futures::{StreamExt, stream::FuturesUnordered};
use http::{
    HeaderValue, Request,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::sync::watch;

use super::{
    counts::Counts,
    handle::{self, CallCopy, Handle, Next, RawRequest},
    response,
    upstream::MAX_IN_FLIGHT,
};
use crate::{
    call::{Answered, Dropped, Shadow},
    engine::ApiKind,
    headers::JSON_LENGTH,
    queue::lazy::LazyReader,
    signature::Port,
};

/// The other end of the door: what the thread works on.
pub struct Mirror {
    queue: LazyReader<CallCopy>,
    forwarder: Forwarder,
}

/// What every flight needs.
struct Forwarder {
    outputs: Vec<Port>,
    counts: Arc<Counts>,
    random: RandomState,
}

/// A door, and the mirror behind it. `outputs` are main's.
///
/// Each call goes to `next` in the end, whatever becomes of its copy.
pub fn open(outputs: Vec<Port>, counts: Arc<Counts>, next: Next) -> (Handle, Mirror) {
    let (handle, queue) = handle::queue(Arc::clone(&counts), next);
    let forwarder = Forwarder { outputs, counts, random: RandomState::new() };
    (handle, Mirror { queue: LazyReader::new(queue), forwarder })
}

impl Mirror {
    /// Copies calls until `stop` names the moment by which all must have ended.
    pub async fn run(mut self, mut stop: watch::Receiver<Option<tokio::time::Instant>>) {
        let mut in_flight = FuturesUnordered::new();
        let mut ready = Vec::with_capacity(MAX_IN_FLIGHT);
        let deadline = async move {
            let told = stop.wait_for(Option::is_some).await.map(|at| *at);
            // A sender that is gone wants an end at once.
            told.ok().flatten().unwrap_or_else(tokio::time::Instant::now)
        };
        let mut deadline = std::pin::pin!(deadline);
        let at = loop {
            let free = MAX_IN_FLIGHT - in_flight.len();
            tokio::select! {
                Some(()) = in_flight.next(), if !in_flight.is_empty() => {}
                () = self.queue.read(&mut ready, free), if free > 0 => {
                    in_flight.extend(ready.drain(..).map(|copy| self.forwarder.forward(copy)));
                }
                at = &mut deadline => break at,
            }
        };
        self.queue.close();
        let rest = async {
            loop {
                self.queue.read(&mut ready, MAX_IN_FLIGHT).await;
                if ready.is_empty() && in_flight.is_empty() {
                    break;
                }
                in_flight.extend(ready.drain(..).map(|copy| self.forwarder.forward(copy)));
                while in_flight.next().await.is_some() {}
            }
        };
        // What has not ended by then ends as it is dropped.
        if tokio::time::timeout_at(at, rest).await.is_err() {
            tracing::warn!("copies to the challenger were still under way at the end");
        }
    }
}

impl Forwarder {
    async fn forward(&self, mut copy: CallCopy) {
        let left = copy.to.timeout.saturating_sub(copy.since.elapsed());
        let shadow = if left.is_zero() {
            // It waited too long here, which is no fault of the challenger.
            Shadow::Dropped(Dropped::Timeout)
        } else {
            let begun = Instant::now();
            let answered = tokio::time::timeout(left, self.ask(&mut copy)).await;
            let answered = answered.unwrap_or(Err(Dropped::Timeout));
            self.judge(&copy, &answered);
            match answered {
                Ok(answered) => {
                    self.counts.duration.observe(begun.elapsed().as_secs_f64());
                    Shadow::Answered { by: Arc::clone(&copy.to.identity), answered }
                }
                Err(dropped) => Shadow::Dropped(dropped),
            }
        };
        copy.end(shadow);
    }

    async fn ask(&self, copy: &mut CallCopy) -> Result<Answered, Dropped> {
        let RawRequest { kind, body, json_length, coding } = &copy.request;
        let uri = if *kind == ApiKind::Predict { &copy.to.predict } else { &copy.to.infer };
        let mut request = Request::post(uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .body(Full::new(body.clone()))
            .expect("a URI that was parsed makes a request");
        if let Some(length) = json_length {
            request.headers_mut().insert(JSON_LENGTH, HeaderValue::from(*length));
        }
        if let Some(coding) = coding {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        let connection = capture_connection(&mut request);
        let sent = copy.to.upstream.client.request(request).await;
        let answer =
            sent.map_err(|error| if error.is_connect() { Dropped::Unreachable } else { Dropped::Broken })?;
        let answered = response::read(answer, &copy.to.identity, &self.outputs, &mut copy.reservation).await;
        if matches!(answered, Err(Dropped::WrongVersion))
            && let Some(connection) = connection.connection_metadata().as_ref()
        {
            // Whoever answers there is never another one; a new connection may lead to the right one.
            connection.poison();
        }
        answered
    }

    /// Tells the breaker. An answer is an answer, unless it says "not now".
    fn judge(&self, copy: &CallCopy, answered: &Result<Answered, Dropped>) {
        let breaker = &copy.to.upstream.breaker;
        let was_open = breaker.is_open();
        match answered {
            // Memory that ran out here says nothing about the challenger.
            Err(Dropped::QueueFull) => {}
            Ok(answered) if !matches!(answered.status, 429 | 503) => breaker.succeeded(),
            _ => {
                let chance = self.random.hash_one(copy.since) >> 32;
                let chance = f64::from(u32::try_from(chance).unwrap_or_default()) / f64::from(u32::MAX);
                breaker.failed(Instant::now(), copy.admission, chance);
            }
        }
        let is_open = breaker.is_open();
        if was_open != is_open {
            let version = &copy.to.identity.version;
            if is_open {
                tracing::warn!(
                    challenger = version,
                    "the challenger does not answer; it is left alone for a while"
                );
            } else {
                tracing::info!(challenger = version, "the challenger answers again");
            }
        }
    }
}
