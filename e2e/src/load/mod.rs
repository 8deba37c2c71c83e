//! Load: many callers of one Service at once, on kept and on fresh connections, and a record of every call.
//!
//! A kept connection is given up only when the server says so, by `Connection: close` or by closing it where the
//! caller can see that before it sends. Everything else that goes wrong is a failed call.

mod client;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use k8s_openapi::api::core::v1::Service;
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{MissedTickBehavior, interval_at},
};

use crate::{MODEL, Story, rows};
use client::Client;

/// Whatever a story does, its load ends after this time.
const LONGEST: Duration = Duration::from_mins(8);
/// The pause between two calls on a connection that is mostly idle: longer than a pod that is no longer main keeps
/// such a connection open, shorter than the time after which nobody may be answered by the old version.
const SELDOM: Duration = Duration::from_secs(4);
/// How long a story waits for its callers to be through: several of their longest pauses.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a caller treats its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    /// Keeps it, and is never idle for long.
    Kept,
    /// Keeps it, and is idle for seconds between two calls.
    Idle,
    /// Dials for every call.
    Fresh,
}

/// How many callers there are, and how often they call.
#[derive(Clone, Copy, Debug)]
pub struct Pressure {
    /// Callers that keep their connection.
    pub kept: u32,
    /// Callers that keep it and call seldom.
    pub idle: u32,
    /// Callers that dial each time.
    pub fresh: u32,
    /// Calls a second, of all together.
    pub rate: u32,
}

impl Default for Pressure {
    /// Above the 500 calls a second under which nobody may notice a change.
    fn default() -> Self {
        Self { kept: 16, idle: 8, fresh: 8, rate: 640 }
    }
}

impl Pressure {
    /// Enough to meet a gap, and little for a node that other stories share.
    #[must_use]
    pub const fn gentle() -> Self {
        Self { kept: 6, idle: 0, fresh: 4, rate: 100 }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An answer with status 200 by this version.
    Version(Arc<str>),
    /// Anything else.
    Failure(String),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// On which kind of connection.
    pub connection: Connection,
    /// When it was sent; on a fresh connection, when that was dialled.
    pub sent: Instant,
    /// When its last byte, or its failure, was there.
    pub done: Instant,
    /// What came.
    pub answer: Answer,
}

/// Every call of a load.
#[derive(Debug, Default)]
pub struct Calls {
    /// In the order of their ends.
    pub all: Vec<Call>,
    /// How often kept connections were dialled again because the server closed them.
    pub redials: usize,
    /// When the first was sent, and the last ended.
    pub span: Option<(Instant, Instant)>,
}

/// A load that is under way.
pub struct Load {
    seen: watch::Receiver<Seen>,
    stop: watch::Sender<bool>,
    callers: JoinSet<()>,
}

/// What callers have noted so far.
#[derive(Debug, Default)]
struct Seen {
    calls: Vec<Call>,
    redials: usize,
    /// For each caller, when the newest of its calls that has ended was sent.
    newest: Vec<Option<Instant>>,
}

impl Story {
    /// Begins to call the stable Service with the rows of the samples, until [`Load::finish`].
    pub async fn load(&self, pressure: Pressure) -> Result<Load> {
        self.load_on(MODEL, pressure).await
    }

    /// The same with any Service that leads to the samples' pods.
    pub async fn load_on(&self, service: &str, pressure: Pressure) -> Result<Load> {
        ensure!(self.cluster().is_near(), "load needs a cluster whose Services can be called from here");
        let service = self.api::<Service>().get(service).await?;
        let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
        let host = if address.contains(':') { format!("[{address}]:80") } else { format!("{address}:80") };
        let bodies: Vec<Bytes> = rows()?.iter().map(|row| body(&row.features)).collect();
        Ok(Load::begin(&host, pressure, &bodies))
    }
}

fn body(features: &[f64]) -> Bytes {
    let input =
        json!({"name": "features", "shape": [1, features.len()], "datatype": "FP32", "data": features});
    Bytes::from(json!({"inputs": [input]}).to_string())
}

impl Load {
    fn begin(host: &str, pressure: Pressure, bodies: &[Bytes]) -> Self {
        let Pressure { kept, idle, fresh, rate } = pressure;
        let pause = Duration::from_secs(1) * (kept + fresh) / rate;
        let callers = [(Connection::Kept, kept, pause), (Connection::Fresh, fresh, pause)];
        let callers = callers.into_iter().chain([(Connection::Idle, idle, SELDOM)]);
        let (stop, stopped) = watch::channel(false);
        let newest = vec![None; (kept + idle + fresh) as usize];
        let (note, seen) = watch::channel(Seen { newest, ..Seen::default() });
        let (note, mut tasks, mut number) = (Arc::new(note), JoinSet::new(), 0);
        for (connection, count, pause) in callers {
            for nth in 0..count {
                let caller = Caller {
                    number,
                    client: Client::new(host, connection),
                    bodies: bodies.to_vec(),
                    note: note.clone(),
                };
                // Spread over the pause, so that calls come evenly.
                tasks.spawn(caller.call(pause * nth / count, pause, stopped.clone()));
                number += 1;
            }
        }
        Self { seen, stop, callers: tasks }
    }

    /// Waits until each caller has had an answer, or a failure, to a call that it sent after `moment`.
    pub async fn await_past(&mut self, moment: Instant) -> Result<()> {
        let past = |seen: &Seen| seen.newest.iter().all(|newest| newest.is_some_and(|at| at > moment));
        let late = PATIENCE + moment.saturating_duration_since(Instant::now());
        tokio::time::timeout(late, self.seen.wait_for(past)).await.context("callers came to a stop")??;
        Ok(())
    }

    /// Waits until each caller has had a call that began after now.
    pub async fn await_round(&mut self) -> Result<()> {
        self.await_past(Instant::now()).await
    }

    /// Waits until this version has given the newest answer.
    pub async fn await_version(&mut self, version: &str) -> Result<()> {
        let gives = |call: &Call| matches!(&call.answer, Answer::Version(v) if **v == *version);
        let there = |seen: &Seen| seen.calls.last().is_some_and(gives);
        let found = tokio::time::timeout(PATIENCE, self.seen.wait_for(there)).await;
        found.with_context(|| format!("{version} does not answer"))??;
        Ok(())
    }

    /// Ends, and hands over every call.
    pub async fn finish(self) -> Result<Calls> {
        let Self { seen, stop, mut callers } = self;
        ensure!(!callers.is_empty() && !*stop.borrow(), "a load has callers until it is finished");
        let _ = stop.send(true);
        while let Some(ended) = callers.join_next().await {
            ended?;
        }
        let seen = seen.borrow();
        let first = seen.calls.iter().map(|c| c.sent).min();
        let last = seen.calls.iter().map(|c| c.done).max();
        Ok(Calls { all: seen.calls.clone(), redials: seen.redials, span: first.zip(last) })
    }
}

struct Caller {
    number: usize,
    client: Client,
    bodies: Vec<Bytes>,
    note: Arc<watch::Sender<Seen>>,
}

impl Caller {
    async fn call(mut self, offset: Duration, pause: Duration, mut stopped: watch::Receiver<bool>) {
        let begun = Instant::now();
        let mut pace = interval_at((begun + offset).into(), pause);
        // After a stall, the calls that are due are made: the rate is what was asked for.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for body in self.bodies.clone().iter().cycle() {
            tokio::select! {
                _ = pace.tick() => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            if begun.elapsed() > LONGEST {
                return;
            }
            let (call, redialled) = self.client.call(body.clone()).await;
            self.note.send_modify(|seen| {
                seen.newest[self.number] = Some(call.sent);
                seen.calls.push(call);
                seen.redials += usize::from(redialled);
            });
        }
    }
}

impl Calls {
    /// The calls without an answer.
    pub fn failures(&self) -> impl Iterator<Item = &Call> {
        self.all.iter().filter(|call| matches!(call.answer, Answer::Failure(_)))
    }

    /// Calls a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.span.map_or(f64::INFINITY, |(first, last)| (last - first).as_secs_f64());
        f64::from(u32::try_from(self.all.len()).unwrap_or(u32::MAX)) / seconds
    }

    /// Fails unless every call was answered; says how many there were.
    pub fn ensure_answered(&self) -> Result<u64> {
        let (failures, all) = (self.failures().count(), self.all.len());
        ensure!(failures == 0, "{failures} of {all} calls failed: {}", self.told());
        Ok(all as u64)
    }

    /// Fails unless every call of at least 500 a second was answered, on connections of each kind.
    pub fn ensure_unnoticed(&self) -> Result<()> {
        self.ensure_answered()?;
        for kind in [Connection::Kept, Connection::Idle, Connection::Fresh] {
            ensure!(self.all.iter().any(|call| call.connection == kind), "no call was {kind:?}");
        }
        ensure!(self.rate() >= 500.0, "the load was too small to tell: {:.0} calls a second", self.rate());
        Ok(())
    }

    /// Fails if a call that ended between `from` and `to` was answered by another version than this.
    pub fn ensure_only(&self, version: &str, from: Instant, to: Instant) -> Result<()> {
        let others: Vec<_> = self
            .all
            .iter()
            .filter(|call| call.done > from && call.done < to)
            .filter(|call| matches!(&call.answer, Answer::Version(v) if **v != *version))
            .map(|call| (call.connection, call.done - from))
            .collect();
        ensure!(others.is_empty(), "{} calls were not answered by {version}: {others:?}", others.len());
        Ok(())
    }

    /// The failures by what went wrong, each with its number, its first time since the load began, and where.
    fn told(&self) -> String {
        let mut kinds: BTreeMap<(Connection, &str), Vec<Instant>> = BTreeMap::new();
        for call in self.failures() {
            if let Answer::Failure(why) = &call.answer {
                kinds.entry((call.connection, why)).or_default().push(call.done);
            }
        }
        let began = self.span.map(|(first, _)| first);
        let line = |((connection, why), times): (&(Connection, &str), &Vec<Instant>)| {
            let after = began.map_or(0.0, |began| (times[0] - began).as_secs_f64());
            format!("{} x {connection:?}: {why} (first after {after:.2} s)", times.len())
        };
        kinds.iter().map(line).collect::<Vec<_>>().join("; ")
    }
}
