//! Sends copies of calls to the challenger, with a timeout and a circuit breaker. Runs on a thread of its own.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use futures::{StreamExt, stream::FuturesUnordered};
use http::{
    HeaderValue, Request,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::{sync::watch, time::Instant};

use super::{
    counts::Counts,
    handle::{self, CallCopy, Handle, Next, RawRequest},
    response,
    upstream::MAX_IN_FLIGHT,
};
use crate::{
    call::{Answered, Dropped, Shadow},
    exchange::{Api, Message},
    headers::JSON_LENGTH,
    queue::lazy::LazyReader,
    signature::Port,
    traceparent::TRACEPARENT,
};

/// The work of the mirror's thread: it reads the queue and forwards each copy.
pub struct Mirror {
    queue: LazyReader<CallCopy>,
    forwarder: Forwarder,
}

/// Sends one copy and reads the answer.
struct Forwarder {
    /// Main's outputs.
    outputs: Vec<Port>,
    counts: Arc<Counts>,
    random: RandomState,
}

/// A handle, and the mirror behind it. `outputs` are main's. Each call goes to `next` when its copy ends.
#[must_use]
pub fn open(outputs: Vec<Port>, counts: Arc<Counts>, next: Next) -> (Handle, Mirror) {
    let (handle, queue) = handle::queue(Arc::clone(&counts), next);
    let forwarder = Forwarder { outputs, counts, random: RandomState::new() };
    (handle, Mirror { queue: LazyReader::new(queue), forwarder })
}

impl Mirror {
    /// Forwards copies until `stop` names a deadline. Copies that are still in flight then are dropped and counted.
    pub async fn run(mut self, mut stop: watch::Receiver<Option<Instant>>) {
        let mut in_flight = FuturesUnordered::new();
        let mut ready = Vec::with_capacity(MAX_IN_FLIGHT);
        let deadline = async move {
            let at = stop.wait_for(Option::is_some).await.map(|at| *at);
            // Without a sender, no deadline will come: end immediately.
            at.ok().flatten().unwrap_or_else(Instant::now)
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
        // Dropping a copy counts it.
        if tokio::time::timeout_at(at, rest).await.is_err() {
            tracing::warn!("the drain ended before all copies to the challenger");
        }
    }
}

impl Forwarder {
    async fn forward(&self, mut copy: CallCopy) {
        let timeout = copy.to.timeout;
        let shadow = if copy.since.elapsed() >= timeout {
            // It waited too long in this queue. Neither breaker nor comparison hold that against the challenger.
            Shadow::Dropped(Dropped::Expired)
        } else {
            let begin = Instant::now();
            let answered = tokio::time::timeout(timeout, self.exchange(&mut copy)).await;
            let answered = answered.unwrap_or(Err(Dropped::Timeout));
            self.judge(&copy, &answered);
            match answered {
                Ok(answered) => {
                    self.counts.duration.observe(begin.elapsed().as_secs_f64());
                    Shadow::Answered { by: Arc::clone(&copy.to.identity), answered }
                }
                Err(dropped) => Shadow::Dropped(dropped),
            }
        };
        copy.end(shadow);
    }

    async fn exchange(&self, copy: &mut CallCopy) -> Result<Answered, Dropped> {
        let RawRequest { message: Message { api, body, json_length, coding, .. }, traceparent } =
            &copy.request;
        let uri = match api {
            Api::Predict => &copy.to.predict,
            Api::Grpc => &copy.to.grpc,
            Api::Infer | Api::Probe => &copy.to.infer,
        };
        let mut request = Request::post(uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .body(Full::new(body.clone()))
            .expect("a valid URI makes a valid request");
        if let Some(length) = json_length {
            request.headers_mut().insert(JSON_LENGTH, HeaderValue::from(*length));
        }
        if let Some(coding) = coding {
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        if let Some(traceparent) = traceparent {
            request.headers_mut().insert(TRACEPARENT, traceparent.clone());
        }
        let connection = capture_connection(&mut request);
        let sent = copy.to.upstream.client.request(request).await;
        let response =
            sent.map_err(|error| if error.is_connect() { Dropped::Unreachable } else { Dropped::Broken })?;
        let answered =
            response::read(response, &copy.to.identity, &self.outputs, &mut copy.reservation).await;
        if matches!(answered, Err(Dropped::WrongVersion))
            && let Some(connection) = connection.connection_metadata().as_ref()
        {
            // This connection will always lead to that pod. A new one may lead to the right version.
            connection.poison();
        }
        answered
    }

    /// Reports the result to the circuit breaker. Any answer is a success, except 429 and 503: they mean "not now".
    fn judge(&self, copy: &CallCopy, answered: &Result<Answered, Dropped>) {
        let breaker = &copy.to.upstream.breaker;
        let was_open = breaker.is_open();
        match answered {
            // The budget of this pod was used up. The challenger did not fail.
            Err(Dropped::QueueFull) => {}
            Ok(answered) if !matches!(answered.status, 429 | 503) => breaker.succeeded(),
            _ => {
                let bits = self.random.hash_one(copy.since) >> 32;
                let jitter = f64::from(u32::try_from(bits).unwrap_or_default()) / f64::from(u32::MAX);
                breaker.failed(Instant::now().into_std(), copy.admission, jitter);
            }
        }
        let is_open = breaker.is_open();
        if was_open != is_open {
            let version = &copy.to.identity.version;
            if is_open {
                tracing::warn!(
                    challenger = version,
                    "the circuit opened: the challenger failed several times in a row and gets no copies for a while"
                );
            } else {
                tracing::info!(challenger = version, "the circuit closed: the challenger answers again");
            }
        }
    }
}
