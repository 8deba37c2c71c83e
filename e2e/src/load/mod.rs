//! Load: many concurrent callers of one Service, on kept and on fresh connections, and a log of every call.
//!
//! A caller replaces a kept connection only if the server sends `Connection: close`, or closes the connection before the
//! caller sends the next request. Every other error is a failed call.

mod call;
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
pub use call::{Call, CallResult, Connection};
use client::Client;

/// Fewer calls than this prove nothing about a change. It is a number, not a rate: a busy machine is slower and no less right.
const MIN_CALLS: usize = 2_000;
/// A load ends after this time, even if its story does not end it.
const LONGEST: Duration = Duration::from_mins(20);
/// Pause between two calls on a mostly idle connection. It is longer than a pod that is no longer main keeps such a
/// connection open, and shorter than the time after which no response may come from the old version.
const IDLE_PAUSE: Duration = Duration::from_secs(4);
/// How long a story waits for its callers: several of their longest pauses.
const PATIENCE: Duration = Duration::from_mins(1);

/// The number of callers, and how often they call.
#[derive(Clone, Copy, Debug)]
pub struct LoadProfile {
    /// Callers that keep their connection.
    pub kept: u32,
    /// Callers that keep their connection and call seldom.
    pub idle: u32,
    /// Callers that open a new connection each time.
    pub fresh: u32,
    /// Calls a second, of all kept and fresh callers together.
    pub rate: u32,
}

impl Default for LoadProfile {
    /// The rate at which no caller may notice a change, on a machine that keeps up with it.
    fn default() -> Self {
        Self { kept: 16, idle: 8, fresh: 8, rate: 640 }
    }
}

impl LoadProfile {
    /// Enough calls to notice a gap, and little load for a node that other stories share.
    #[must_use]
    pub const fn gentle() -> Self {
        Self { kept: 6, idle: 0, fresh: 4, rate: 100 }
    }
}

/// Every call of a load.
#[derive(Debug, Default)]
pub struct Calls {
    /// All calls, in the order of their ends.
    pub all: Vec<Call>,
    /// How often callers opened a kept connection again because the server had closed it.
    pub redials: usize,
    /// When the first call was sent, and when the last one ended.
    pub span: Option<(Instant, Instant)>,
}

/// A load that runs.
pub struct Load {
    seen: watch::Receiver<Progress>,
    stop: watch::Sender<bool>,
    callers: JoinSet<()>,
}

/// The calls so far.
#[derive(Debug, Default)]
struct Progress {
    calls: Vec<Call>,
    redials: usize,
    /// For each caller, when the last of its ended calls was sent.
    newest: Vec<Option<Instant>>,
}

impl Story {
    /// Starts to call the stable Service with the rows of the samples, until [`Load::finish`].
    pub async fn load(&self, pressure: LoadProfile) -> Result<Load> {
        self.load_on(MODEL, pressure).await
    }

    /// The same with another Service of the samples' pods.
    pub async fn load_on(&self, service: &str, pressure: LoadProfile) -> Result<Load> {
        ensure!(self.cluster().is_near(), "a load needs a cluster whose Services this machine can call");
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
    fn begin(host: &str, pressure: LoadProfile, bodies: &[Bytes]) -> Self {
        let LoadProfile { kept, idle, fresh, rate } = pressure;
        let pause = Duration::from_secs(1) * (kept + fresh) / rate;
        let callers = [(Connection::Kept, kept, pause), (Connection::Fresh, fresh, pause)];
        let callers = callers.into_iter().chain([(Connection::Idle, idle, IDLE_PAUSE)]);
        let (stop, stopped) = watch::channel(false);
        let newest = vec![None; (kept + idle + fresh) as usize];
        let (sender, seen) = watch::channel(Progress { newest, ..Progress::default() });
        let (sender, mut tasks, mut number) = (Arc::new(sender), JoinSet::new(), 0);
        for (connection, count, pause) in callers {
            for nth in 0..count {
                let caller = Caller {
                    number,
                    client: Client::new(host, connection),
                    bodies: bodies.to_vec(),
                    progress: Arc::clone(&sender),
                };
                // The callers start one after the other, so that calls are evenly spread.
                tasks.spawn(caller.call(pause * nth / count, pause, stopped.clone()));
                number += 1;
            }
        }
        Self { seen, stop, callers: tasks }
    }

    /// Waits until each caller has the result of a call that it sent after `moment`.
    pub async fn await_past(&mut self, moment: Instant) -> Result<()> {
        let past = |seen: &Progress| seen.newest.iter().all(|newest| newest.is_some_and(|at| at > moment));
        let late = PATIENCE + moment.saturating_duration_since(Instant::now());
        tokio::time::timeout(late, self.seen.wait_for(past))
            .await
            .context("timed out: callers do not finish their calls")??;
        Ok(())
    }

    /// Waits until each caller has the result of a call that it sent after now.
    pub async fn await_round(&mut self) -> Result<()> {
        self.await_past(Instant::now()).await
    }

    /// Waits until the newest response is of this version.
    pub async fn await_version(&mut self, version: &str) -> Result<()> {
        let is_of_it = |call: &Call| matches!(&call.result, CallResult::Version(v) if **v == *version);
        let newest = |seen: &Progress| seen.calls.last().is_some_and(is_of_it);
        let found = tokio::time::timeout(PATIENCE, self.seen.wait_for(newest)).await;
        found.with_context(|| format!("timed out: no response of {version}"))??;
        Ok(())
    }

    /// Stops the callers, and returns every call.
    pub async fn finish(self) -> Result<Calls> {
        let Self { seen, stop, mut callers } = self;
        ensure!(!callers.is_empty() && !*stop.borrow(), "the load has ended before");
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
    progress: Arc<watch::Sender<Progress>>,
}

impl Caller {
    async fn call(mut self, offset: Duration, pause: Duration, mut stopped: watch::Receiver<bool>) {
        let begun = Instant::now();
        let mut pace = interval_at((begun + offset).into(), pause);
        // After a stall, the missed calls follow: the rate stays as configured.
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
            self.progress.send_modify(|seen| {
                seen.newest[self.number] = Some(call.sent);
                seen.calls.push(call);
                seen.redials += usize::from(redialled);
            });
        }
    }
}

impl Calls {
    /// The failed calls.
    pub fn failures(&self) -> impl Iterator<Item = &Call> {
        self.all.iter().filter(|call| matches!(call.result, CallResult::Failure(_)))
    }

    /// Calls a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.span.map_or(f64::INFINITY, |(first, last)| (last - first).as_secs_f64());
        f64::from(u32::try_from(self.all.len()).unwrap_or(u32::MAX)) / seconds
    }

    /// Fails if a call failed. Returns the number of calls.
    pub fn ensure_answered(&self) -> Result<u64> {
        let (failures, all) = (self.failures().count(), self.all.len());
        ensure!(failures == 0, "{failures} of {all} calls failed: {}", self.failure_summary());
        Ok(all as u64)
    }

    /// Fails if a call failed, a kind of connection was not used, or there were fewer than [`MIN_CALLS`].
    pub fn ensure_unnoticed(&self) -> Result<()> {
        self.ensure_answered()?;
        for kind in [Connection::Kept, Connection::Idle, Connection::Fresh] {
            ensure!(
                self.all.iter().any(|call| call.connection == kind),
                "no call used a connection of kind {kind:?}"
            );
        }
        let calls = self.all.len();
        ensure!(calls >= MIN_CALLS, "the load was too small to prove anything: {calls} calls");
        Ok(())
    }

    /// Fails if another version than this responded to a call that ended between `from` and `to`.
    pub fn ensure_only(&self, version: &str, from: Instant, to: Instant) -> Result<()> {
        let others: Vec<_> = self
            .all
            .iter()
            .filter(|call| call.done > from && call.done < to)
            .filter(|call| matches!(&call.result, CallResult::Version(v) if **v != *version))
            .map(|call| (call.connection, call.done - from))
            .collect();
        ensure!(
            others.is_empty(),
            "another version than {version} responded to {} calls: {others:?}",
            others.len()
        );
        Ok(())
    }

    /// The calls that failed and were sent between `from` and `to`.
    #[must_use]
    pub fn failures_between(&self, from: Instant, to: Instant) -> usize {
        self.failures().filter(|call| call.sent >= from && call.sent < to).count()
    }

    /// The failures by connection and error, each with its number and the time of the first one since the load started.
    #[must_use]
    pub fn failure_summary(&self) -> String {
        let mut kinds: BTreeMap<(Connection, &str), Vec<Instant>> = BTreeMap::new();
        for call in self.failures() {
            if let CallResult::Failure(why) = &call.result {
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
