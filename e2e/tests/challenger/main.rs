//! A challenger beside main, on the real cluster: who may be one, what is recorded of both answers, what the figures say,
//! and that callers of main notice nothing of all that.

mod answers;
mod change;
mod drift;
mod outage;
mod refused;
mod told;
mod trouble;
mod truth;
