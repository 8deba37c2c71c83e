//! The copies of calls to the challenger: a bounded queue, a thread and connections of their own, a time limit, and a
//! circuit breaker. Whatever ends a copy, it is counted once, and the call goes on to those who look at it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Request};
use http_body_util::Full;
use hyper_util::client::legacy::connect::capture_connection;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::answer;
use super::breaker::Admission;
use super::counts::Counts;
use super::line::FLIGHTS;
use super::watcher;
use crate::call::{Answered, Call, Dropped, Shadow};
use crate::codec::compression::Coding;
use crate::engine::Kind;
use crate::headers::JSON_LENGTH;
use crate::queue::budget::{Room, Share};
use crate::queue::lazy::Lazy;
use crate::routing::Challenger;
use crate::signature::Port;

/// Copies that may wait.
const QUEUE: usize = 1024;
/// Memory that copies may take together, waiting and under way, with their answers.
const ROOM: usize = 8 << 20;

/// What a request looked like on its way in.
#[derive(Debug)]
pub struct Form {
    /// What it is.
    pub kind: Kind,
    /// Its body.
    pub body: Bytes,
    /// `Inference-Header-Content-Length`.
    pub json_length: Option<usize>,
    /// How the body is compressed.
    pub coding: Option<Coding>,
}

/// A call on its way to the challenger. When it is dropped, however that comes, the call is counted and goes on.
struct Copy {
    call: Option<Box<Call>>,
    form: Form,
    to: Arc<Challenger>,
    since: Instant,
    share: Share,
    admission: Admission,
    exit: Arc<Exit>,
}

/// Where every copy ends.
struct Exit {
    counts: Arc<Counts>,
    watchers: watcher::Door,
}

impl Exit {
    fn leave(&self, mut call: Box<Call>, shadow: Shadow) {
        self.counts.ended(&shadow);
        call.challenger = shadow;
        self.watchers.send(call);
    }
}

impl Copy {
    fn end(mut self, shadow: Shadow) {
        if let Some(call) = self.call.take() {
            self.exit.leave(call, shadow);
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.exit.leave(call, Shadow::Dropped(Dropped::Stopping));
        }
    }
}

/// The way in, for threads that must not wait.
pub struct Door {
    queue: mpsc::Sender<Copy>,
    room: Arc<Room>,
    exit: Arc<Exit>,
}

/// Whether a call to this challenger may be copied now. The body is needed only if so.
pub fn admit(to: &Challenger) -> Admission {
    to.line.breaker.admit(Instant::now(), to.timeout)
}

impl Door {
    /// A call that is not copied, and that nobody else wants to look at.
    pub fn skip(&self, dropped: Dropped) {
        self.exit.counts.begun();
        self.exit.counts.ended(&Shadow::Dropped(dropped));
    }

    /// A call that is not copied.
    pub fn pass(&self, call: Box<Call>, dropped: Dropped) {
        self.exit.counts.begun();
        self.exit.leave(call, Shadow::Dropped(dropped));
    }

    /// Sends a copy of the call on its way, or lets the call go on without.
    pub fn send(&self, call: Box<Call>, form: Form, to: Arc<Challenger>, admission: Admission) {
        let Some(share) = self.room.take(call.bytes() + form.body.len()) else {
            return self.pass(call, Dropped::QueueFull);
        };
        self.exit.counts.begun();
        let copy = Copy {
            call: Some(call),
            form,
            to,
            since: Instant::now(),
            share,
            admission,
            exit: Arc::clone(&self.exit),
        };
        match self.queue.try_send(copy) {
            Ok(()) => {}
            // A try that never set out says nothing of the challenger; the breaker asks for another one by itself.
            Err(TrySendError::Full(copy)) => copy.end(Shadow::Dropped(Dropped::QueueFull)),
            Err(TrySendError::Closed(copy)) => copy.end(Shadow::Dropped(Dropped::Stopping)),
        }
    }
}

/// The other end of the door: what the thread works on.
pub struct Mirror {
    queue: Lazy<Copy>,
    pilot: Pilot,
}

/// What every flight needs.
struct Pilot {
    outputs: Vec<Port>,
    counts: Arc<Counts>,
    random: RandomState,
}

/// A door, and the mirror behind it. `outputs` are main's.
pub fn open(outputs: Vec<Port>, counts: Arc<Counts>, watchers: watcher::Door) -> (Door, Mirror) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let exit = Arc::new(Exit { counts: Arc::clone(&counts), watchers });
    let door = Door { queue: sender, room: Room::new(ROOM), exit };
    let pilot = Pilot { outputs, counts, random: RandomState::new() };
    (door, Mirror { queue: Lazy::new(queue), pilot })
}

impl Mirror {
    /// Copies calls until `stop` names the moment by which all must have ended.
    pub async fn run(mut self, mut stop: watch::Receiver<Option<tokio::time::Instant>>) {
        let mut flights = FuturesUnordered::new();
        let mut ready = Vec::with_capacity(FLIGHTS);
        let deadline = async move {
            let told = stop.wait_for(Option::is_some).await.map(|at| *at);
            // A sender that is gone wants an end at once.
            told.ok().flatten().unwrap_or_else(tokio::time::Instant::now)
        };
        let mut deadline = std::pin::pin!(deadline);
        let at = loop {
            let free = FLIGHTS - flights.len();
            tokio::select! {
                Some(()) = flights.next(), if !flights.is_empty() => {}
                () = self.queue.read(&mut ready, free), if free > 0 => {
                    flights.extend(ready.drain(..).map(|copy| self.pilot.fly(copy)));
                }
                at = &mut deadline => break at,
            }
        };
        self.queue.close();
        let rest = async {
            loop {
                self.queue.read(&mut ready, FLIGHTS).await;
                if ready.is_empty() && flights.is_empty() {
                    break;
                }
                flights.extend(ready.drain(..).map(|copy| self.pilot.fly(copy)));
                while flights.next().await.is_some() {}
            }
        };
        // What has not ended by then ends as it is dropped.
        if tokio::time::timeout_at(at, rest).await.is_err() {
            tracing::warn!("copies to the challenger were still under way at the end");
        }
    }
}

impl Pilot {
    async fn fly(&self, mut copy: Copy) {
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

    async fn ask(&self, copy: &mut Copy) -> Result<Answered, Dropped> {
        let Form { kind, body, json_length, coding } = &copy.form;
        let uri = if *kind == Kind::Predict { &copy.to.predict } else { &copy.to.infer };
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
        let sent = copy.to.line.client.request(request).await;
        let answer =
            sent.map_err(|error| if error.is_connect() { Dropped::Unreachable } else { Dropped::Broken })?;
        let answered = answer::read(answer, &copy.to.identity, &self.outputs, &mut copy.share).await;
        if matches!(answered, Err(Dropped::WrongVersion))
            && let Some(connection) = connection.connection_metadata().as_ref()
        {
            // Whoever answers there is never another one; a new connection may lead to the right one.
            connection.poison();
        }
        answered
    }

    /// Tells the breaker. An answer is an answer, unless it says "not now".
    fn judge(&self, copy: &Copy, answered: &Result<Answered, Dropped>) {
        let breaker = &copy.to.line.breaker;
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
