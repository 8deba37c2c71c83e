//! A model of the whole, tested at random: both controllers of the operator against a simulated API server, with people,
//! attackers, nodes and watches that lag, and with processes that end after any write.
//!
//! After each step the invariants I1 to I8 hold ([`invariants`]). In the end, when acts and faults stop, everything comes to
//! rest ([`rest`]). docs/architecture.md says how to repeat a failing trace.

mod act;
mod admission;
mod applied;
mod choose;
mod coverage;
mod gambit;
mod http;
mod invariants;
mod ledger;
mod lock;
mod nodes;
mod objects;
mod people;
mod play;
mod pods;
mod process;
mod regressions;
mod rest;
mod rules;
mod seat;
mod server;
mod shrink;
mod start;
mod time;
mod trace;
mod traces;
mod write;
