//! The open connections of all ports: how many there are, what each one does, and which ones must end.
//!
//! A new connection that exceeds a limit takes the place of the one that has rested longest: no byte has arrived, and no
//! complete request is in flight. If all are busy, it is refused. So a caller that opens many connections, or sends headers and
//! bodies that never end, takes the places of its own connections and not those of others.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus::IntCounter;
use tokio::sync::Notify;

use crate::metrics::Family;

/// How often connections are looked at. It is the unit of their times.
const TICK: Duration = Duration::from_secs(1);
/// Ticks in which a header must arrive.
const HEADER: u32 = 10;
/// Ticks after which a response of which the caller reads nothing is given up.
const UNREAD: u32 = 30;
/// Ticks after which an idle connection is closed.
const IDLE: u32 = 120;

/// Resting connections of which the oldest ends. To look at all of them for each new connection would take so long that a caller
/// could occupy the thread that accepts.
const CANDIDATES: usize = 64;
/// Memory in bytes that a connection takes while a part of a message has arrived. One of HTTP/2 takes the most.
const MEMORY: u64 = 96 << 10;

/// How many connections take at most a quarter of `memory` in bytes: from 256 to 4,096.
#[must_use]
pub fn fitting(memory: Option<u64>) -> usize {
    memory.map_or(4096, |memory| usize::try_from((memory / 4 / MEMORY).clamp(256, 4096)).unwrap_or(4096))
}

/// The largest numbers of open connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of all ports together.
    pub all: usize,
    /// Of one port.
    pub port: usize,
    /// Of one caller's address.
    pub caller: usize,
}

impl Limits {
    /// Limits for `all` connections: a port gets three quarters of them, and a caller half unless it is given.
    #[must_use]
    pub fn of(all: usize, caller: Option<usize>) -> Self {
        Self { all, port: (all - all / 4).max(1), caller: caller.unwrap_or(all / 2).max(1) }
    }
}

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It waits for a request.
    Idle,
    /// A part of a header has arrived.
    Header,
    /// Every request in flight waits for its body.
    Body,
    /// A request is in flight, and its body has arrived.
    Busy,
    /// A response waits until the caller reads what was sent before.
    Sending,
}

/// One connection.
#[derive(Debug)]
struct Entry {
    id: u64,
    port: &'static str,
    caller: IpAddr,
    /// The tick of the last change, and the [`State`] in the three lowest bits.
    state: AtomicU64,
    /// It must end.
    end: Notify,
}

impl Entry {
    fn set(&self, state: State, tick: u32) {
        self.state.store(u64::from(tick) << 3 | state as u64, Relaxed);
    }

    fn state(&self) -> (State, u32) {
        let stored = self.state.load(Relaxed);
        let state = match stored & 7 {
            0 => State::Idle,
            1 => State::Header,
            2 => State::Body,
            3 => State::Busy,
            _ => State::Sending,
        };
        (state, u32::try_from(stored >> 3).unwrap_or(u32::MAX))
    }

    /// Whether it has rested for too long.
    fn is_late(&self, tick: u32) -> bool {
        let (state, since) = self.state();
        let rested = tick.saturating_sub(since);
        match state {
            State::Idle => rested >= IDLE,
            State::Header => rested >= HEADER,
            State::Sending => rested >= UNREAD,
            // A body has a deadline of its own.
            State::Body | State::Busy => false,
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// The id up to which connections were searched for one that ends.
    searched: u64,
    open: BTreeMap<u64, Arc<Entry>>,
    ports: HashMap<&'static str, usize>,
    callers: HashMap<IpAddr, usize>,
}

impl Table {
    /// Makes room for a connection from `caller` to `port`. Returns whether another one ends for it. Fails if every one that
    /// could is busy.
    fn make_room(&mut self, limits: Limits, port: &str, caller: IpAddr) -> Result<bool, Full> {
        let mut replaces = false;
        if self.callers.get(&caller).is_some_and(|open| *open >= limits.caller) {
            self.end_oldest(|entry| entry.caller == caller)?;
            replaces = true;
        }
        if self.ports.get(port).is_some_and(|open| *open >= limits.port) {
            self.end_oldest(|entry| entry.port == port)?;
            replaces = true;
        }
        if self.open.len() >= limits.all {
            self.end_oldest(|_| true)?;
            replaces = true;
        }
        Ok(replaces)
    }

    /// Ends the connection that has rested longest, of some that rest and that `counts`. The next search goes on behind them.
    fn end_oldest(&mut self, counts: impl Fn(&Entry) -> bool) -> Result<(), Full> {
        let from = self.searched;
        let all = self.open.range(from..).chain(self.open.range(..from)).map(|(_, entry)| entry);
        let resting = all.filter(|entry| counts(entry) && entry.state().0 != State::Busy).take(CANDIDATES);
        let oldest = resting
            .inspect(|entry| self.searched = entry.id + 1)
            .min_by_key(|entry| entry.state().1)
            .map(|entry| entry.id)
            .ok_or(Full)?;
        if let Some(entry) = self.remove(oldest) {
            entry.end.notify_one();
        }
        Ok(())
    }

    fn add(&mut self, entry: &Arc<Entry>) {
        *self.ports.entry(entry.port).or_default() += 1;
        *self.callers.entry(entry.caller).or_default() += 1;
        self.open.insert(entry.id, Arc::clone(entry));
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Entry>> {
        let entry = self.open.remove(&id)?;
        if let Some(count) = self.ports.get_mut(entry.port) {
            *count -= 1;
        }
        if let Some(count) = self.callers.get_mut(&entry.caller) {
            *count -= 1;
            if *count == 0 {
                self.callers.remove(&entry.caller);
            }
        }
        Some(entry)
    }
}

/// A limit is reached, and every connection that counts for it is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The open connections.
pub struct Connections {
    limits: Limits,
    table: Mutex<Table>,
    tick: AtomicU32,
    replaced: IntCounter,
    refused: IntCounter,
    idle: IntCounter,
    slow_header: IntCounter,
    unread: IntCounter,
}

impl Connections {
    /// No connections yet. Registers the counters of those that the server ends or refuses.
    #[must_use]
    pub fn new(limits: Limits, family: &Family, ports: &str) -> Self {
        let ended = |reason: &str| {
            let opts = family.opts(
                "understudy_connections_ended_total",
                "Connections that the server ended or refused, by reason",
            );
            let opts = opts.const_label("ports", ports).const_label("reason", reason);
            family.register(IntCounter::with_opts(opts))
        };
        Self {
            limits,
            table: Mutex::default(),
            tick: AtomicU32::new(0),
            replaced: ended("replaced"),
            refused: ended("refused"),
            idle: ended("idle"),
            slow_header: ended("slow_header"),
            unread: ended("unread"),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a connection from `caller` to `port`. Another one may end for it.
    pub fn admit(self: &Arc<Self>, port: &'static str, caller: IpAddr) -> Result<Ticket, Full> {
        let caller = caller.to_canonical();
        let mut table = self.table();
        match table.make_room(self.limits, port, caller) {
            Ok(true) => self.replaced.inc(),
            Ok(false) => {}
            Err(full) => {
                self.refused.inc();
                return Err(full);
            }
        }
        let id = table.next;
        table.next += 1;
        let entry = Arc::new(Entry { id, port, caller, state: AtomicU64::new(0), end: Notify::new() });
        entry.set(State::Idle, self.tick.load(Relaxed));
        table.add(&entry);
        drop(table);
        Ok(Ticket {
            connections: Arc::clone(self),
            entry,
            in_flight: AtomicU32::new(0),
            without_body: AtomicU32::new(0),
            is_http2: AtomicBool::new(false),
        })
    }

    /// Ends connections that rest for too long. Runs until it is dropped.
    pub async fn sweep(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.advance();
        }
    }

    fn advance(&self) {
        let tick = self.tick.fetch_add(1, Relaxed) + 1;
        for entry in self.table().open.values().filter(|entry| entry.is_late(tick)) {
            match entry.state().0 {
                State::Header => self.slow_header.inc(),
                State::Sending => self.unread.inc(),
                State::Idle | State::Body | State::Busy => self.idle.inc(),
            }
            entry.end.notify_one();
        }
    }
}

/// A place among the open connections. It becomes free when the ticket is dropped.
pub struct Ticket {
    connections: Arc<Connections>,
    entry: Arc<Entry>,
    /// Requests in flight. HTTP/2 has many at a time.
    in_flight: AtomicU32,
    /// Those of them whose body has not arrived.
    without_body: AtomicU32,
    is_http2: AtomicBool,
}

impl Ticket {
    fn set(&self, state: State) {
        self.entry.set(state, self.connections.tick.load(Relaxed));
    }

    /// What the connection does, by its requests. One thread has a connection, so these numbers fit together.
    fn update(&self) {
        let (in_flight, without_body) = (self.in_flight.load(Relaxed), self.without_body.load(Relaxed));
        self.set(match in_flight {
            0 => State::Idle,
            all if all == without_body => State::Body,
            _ => State::Busy,
        });
    }

    /// These bytes have arrived.
    pub fn received(&self, bytes: &[u8]) {
        match self.entry.state().0 {
            // A body that arrives is no rest.
            State::Body => return self.set(State::Body),
            State::Idle if !self.is_http2() => {}
            State::Idle | State::Header | State::Busy | State::Sending => return,
        }
        // A client of HTTP/2 begins with `PRI * HTTP/2.0`. Later frames need not belong to a header.
        if bytes.starts_with(b"PRI ") {
            self.speaks_http2();
        } else {
            self.set(State::Header);
        }
    }

    /// The connection carries many requests at a time.
    pub fn speaks_http2(&self) {
        self.is_http2.store(true, Relaxed);
    }

    /// Whether the connection carries many requests at a time.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.is_http2.load(Relaxed)
    }

    /// The caller reads nothing of what is sent.
    pub fn is_unread(&self) {
        if self.entry.state().0 == State::Idle {
            self.set(State::Sending);
        }
    }

    /// The caller has read a part, or all if `complete`, of what waited for it.
    pub fn was_read(&self, complete: bool) {
        if self.entry.state().0 == State::Sending {
            self.set(if complete { State::Idle } else { State::Sending });
        }
    }

    /// The header of a request has arrived.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
        self.update();
    }

    /// A response is ready.
    pub fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
        self.update();
    }

    /// A request in flight waits for its body.
    pub fn awaits_body(&self) {
        self.without_body.fetch_add(1, Relaxed);
        self.update();
    }

    /// A body for which a request waited has arrived, or will not be read.
    pub fn has_body(&self) {
        self.without_body.fetch_sub(1, Relaxed);
        self.update();
    }

    /// Waits until the connection must end.
    pub async fn ended(&self) {
        self.entry.end.notified().await;
    }

    /// Whether a request is in flight, and its body has arrived.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.entry.state().0 == State::Busy
    }

    /// Whether only a part of a header has arrived.
    #[must_use]
    pub fn is_in_header(&self) -> bool {
        self.entry.state().0 == State::Header
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.connections.table().remove(self.entry.id);
    }
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
