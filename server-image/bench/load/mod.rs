//! A closed loop of callers on one thread: each sends its request again as soon as it has the answer.
//!
//! All three forms of a request have the same generator, so that their ratios are fair. A caller has a connection of its own,
//! also with gRPC.

mod grpc;
mod http;
mod measured;
mod request;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

pub use measured::{Measured, median, middle};
pub use request::{Request, Wire};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;

use crate::pin::Pin;

/// One caller.
enum Caller {
    Http(http::Caller),
    Grpc(grpc::Caller),
}

impl Caller {
    async fn open(address: SocketAddr, request: &Request) -> Self {
        match request.wire {
            Wire::Json | Wire::Binary => Self::Http(http::Caller::open(address, request).await),
            Wire::Grpc => Self::Grpc(grpc::Caller::open(address, request).await),
        }
    }

    async fn call(&mut self) {
        match self {
            Self::Http(caller) => caller.call().await,
            Self::Grpc(caller) => caller.call().await,
        }
    }
}

/// Calls `address` for so long, with so many callers. A tenth of the time before that is not measured.
pub fn run(address: SocketAddr, request: &Request, callers: u32, time: Duration, pin: &Pin) -> Measured {
    let turn = || {
        pin.load();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let (begin, used) = (Instant::now(), processor());
        let measured = runtime.expect("a runtime").block_on(turn(address, request, callers, time));
        let used = processor().saturating_sub(used).as_secs_f64();
        Measured { load: used / begin.elapsed().as_secs_f64() * 100.0, ..measured }
    };
    std::thread::scope(|scope| scope.spawn(turn).join().expect("every call is answered"))
}

/// Processor time of this thread.
fn processor() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("processor time is not negative")
}

async fn turn(address: SocketAddr, request: &Request, callers: u32, time: Duration) -> Measured {
    let mut open = Vec::new();
    for _ in 0..callers {
        open.push(Caller::open(address, request).await);
    }
    let begin = Instant::now() + time / 10;
    let end = begin + time;
    let mut running: JoinSet<_> = open.into_iter().map(|caller| repeat(caller, begin, end)).collect();
    let mut taken = Vec::new();
    while let Some(of_one) = running.join_next().await {
        taken.extend(of_one.expect("every call is answered"));
    }
    Measured::of(taken, time)
}

/// The times of the calls that end between `begin` and `end`.
async fn repeat(mut caller: Caller, begin: Instant, end: Instant) -> Vec<Duration> {
    let mut taken = Vec::new();
    let mut sent = Instant::now();
    loop {
        caller.call().await;
        let now = Instant::now();
        if now > end {
            return taken;
        }
        if now > begin {
            taken.push(now - sent);
        }
        sent = now;
    }
}
