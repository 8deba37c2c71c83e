//! What README and the demo promise to one person alone: the five-minute walk, and what a tester can do by their role.

mod alone;
mod readme;
mod shell;
mod tester;
