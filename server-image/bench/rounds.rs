//! Servers that are measured in turns, so that a busy moment of the machine affects all of them.

use std::time::Duration;

use crate::{
    case::Case,
    in_process,
    load::{self, Measured, Request, median},
    pin::Pin,
    report::Report,
};
use std::net::SocketAddr;

const ROUNDS: usize = 3;

/// Something that is measured in turns.
pub struct Turn<'a> {
    pub name: String,
    run: Box<dyn Fn() -> Measured + 'a>,
}

impl<'a> Turn<'a> {
    /// A load.
    pub fn load(
        name: impl Into<String>,
        address: SocketAddr,
        request: &'a Request,
        callers: u32,
        time: Duration,
        pin: &'a Pin,
    ) -> Self {
        let run = Box::new(move || load::run(address, request, callers, time, pin));
        Self { name: name.into(), run }
    }

    /// The loop without a server.
    pub fn alone(
        name: impl Into<String>,
        case: &'a Case,
        threads: usize,
        time: Duration,
        pin: &'a Pin,
    ) -> Self {
        let run = Box::new(move || in_process::run(case, threads, time, pin).measured);
        Self { name: name.into(), run }
    }
}

/// The median of each turn over all rounds.
pub fn alternate(report: &Report, what: &str, turns: &[Turn<'_>]) -> Vec<Measured> {
    let rounds: Vec<Vec<Measured>> = (1..=ROUNDS)
        .map(|round| {
            report.say(format_args!("{what}: round {round} of {ROUNDS}"));
            turns.iter().map(|turn| (turn.run)()).collect()
        })
        .collect();
    (0..turns.len()).map(|turn| median(&rounds.iter().map(|round| round[turn]).collect::<Vec<_>>())).collect()
}
