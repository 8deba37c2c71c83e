//! Waits until the program is ready, and follows whether it stays so.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};
use understudy_contract::{Failure, Reason};

use super::{
    Endpoint,
    connection::{CallError, Connection, Outgoing},
};

/// Between two questions.
const PERIOD: Duration = Duration::from_secs(1);
/// While the program starts.
const STARTING: Duration = Duration::from_millis(200);
/// Time for an answer. A program that works hard answers late.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many answers in a row must be late before a program that still listens counts as not ready.
const LATE: u32 = 3;
/// Largest answer in bytes. Only its status matters.
const MAX_ANSWER: usize = 64 << 10;

/// What the program says about its readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Health {
    Ready,
    /// Why it is not.
    NotReady(String),
    /// It did not answer in time.
    Late,
}

/// Returns once the program is ready, or with `RuntimeNotReady` after `limit`.
pub async fn wait(endpoint: &Endpoint, limit: Duration) -> Result<(), Failure> {
    let until = Instant::now() + limit;
    let mut connection = Connection::new(endpoint.port);
    loop {
        let health = ask(&mut connection, endpoint).await;
        if health == Health::Ready {
            return Ok(());
        }
        if Instant::now() + STARTING > until {
            let why = match health {
                Health::NotReady(why) => why,
                Health::Late | Health::Ready => format!("no answer within {} s", PATIENCE.as_secs()),
            };
            let message = format!(
                "the image of spec.runtime was not ready within {} s: {why}; see its log: kubectl logs <pod> -c runtime",
                limit.as_secs_f64()
            );
            return Err(Failure::new(Reason::RuntimeNotReady, message));
        }
        tokio::time::sleep(STARTING).await;
    }
}

/// Follows the program's readiness.
pub struct Follower {
    endpoint: Endpoint,
    connection: Connection,
    ticks: Interval,
    ready: bool,
    /// Answers in a row that were late.
    late: u32,
}

impl Follower {
    /// Follows a program that is ready now.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { connection: Connection::new(endpoint.port), endpoint, ticks, ready: true, late: 0 }
    }

    /// Returns whether the program is ready, once that has changed.
    pub async fn changed(&mut self) -> bool {
        loop {
            self.ticks.tick().await;
            let health = ask(&mut self.connection, &self.endpoint).await;
            self.late = if health == Health::Late { self.late + 1 } else { 0 };
            let now = match &health {
                Health::Ready => true,
                Health::NotReady(_) => false,
                Health::Late => self.ready && self.late < LATE,
            };
            if now != self.ready {
                self.ready = now;
                if now {
                    tracing::info!("the image of spec.runtime is ready again");
                } else {
                    tracing::warn!(health = ?health, "the image of spec.runtime is not ready: this pod gets no calls until it is");
                }
                return now;
            }
        }
    }
}

async fn ask(connection: &mut Connection, endpoint: &Endpoint) -> Health {
    let path = format!("/v2/models/{}/ready", endpoint.model);
    let answered = tokio::time::timeout(PATIENCE, connection.call(&Outgoing::get(&path), MAX_ANSWER)).await;
    match answered {
        Err(_) => Health::Late,
        Ok(Ok(reply)) if reply.status.is_success() => Health::Ready,
        Ok(Ok(reply)) => Health::NotReady(format!("it answers {} to GET {path}", reply.status.as_u16())),
        Ok(Err(CallError::Unreachable(error))) => {
            Health::NotReady(format!("nothing answers on port {} of localhost: {error}", endpoint.port))
        }
        Ok(Err(CallError::Broken(what))) => Health::NotReady(what),
    }
}
