//! What the figures do on data whose truth is known: how often there is an alarm without drift, and whether the intervals
//! contain the truth. Each test draws its own numbers from a fixed seed.

mod categories;
mod classes;
mod coverage;
mod drift;
mod evaluation;
mod features;
mod world;
