//! Learns from calls after their responses: how main and challenger compare ([`comparison`]), how often each was right
//! ([`outcomes`], about the [`truth`] of the model's [`labels`] or numbers; [`peers`] asks the other pods), and how far the calls are
//! from the training data ([`drift`]).
//!
//! A call enters through [`Handle`]. The [`analyzer`] is the thread behind it: it counts the call in its [`state`], and passes it
//! to the recorder. Everyone else asks it ([`questions`]): for the summary, which [`gauges`] and the operator read, and to join
//! outcomes.

pub mod analyzer;
pub mod comparison;
pub mod counts;
pub mod drift;
mod drift_gauges;
mod evaluation_gauges;
pub mod gauges;
pub mod handle;
mod interval_gauges;
pub mod labels;
mod outcome_gauges;
pub mod outcomes;
pub mod peers;
pub mod questions;
pub mod rows;
pub mod state;
pub mod truth;

pub use self::{counts::Counts, gauges::Gauges, handle::Handle, peers::Peers, questions::Questions};
