//! The fault tests: the operator's binary as processes on a real API server, with fake pods, while processes,
//! connections, rights and objects fail. `e2e/cluster/faults` starts the API server. Each file has one idea. The parts are
//! in `understudy_e2e::bare`.

mod approvers;
mod breaking;
mod deadline;
mod downgrade;
mod events;
mod foreign;
mod guard;
mod image;
mod invariants;
mod leader;
mod lease;
mod made_again;
mod names;
mod outage;
mod probes;
mod recreated;
mod relist;
mod repair;
mod restart;
mod rights;
mod rollback;
mod slow;
mod texts;
mod two_leaders;
mod withdrawal;
