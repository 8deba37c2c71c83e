//! Stories that users may rely on, each on the real cluster of `make up` and in a namespace of its own. They wait for
//! conditions and never sleep. Only the caller, which calls main the whole time, has a clock.

mod acceptance;
mod archive;
mod deadline;
mod deletion;
mod examples;
mod failures;
mod gates;
mod life;
mod ownership;
mod preprocessing;
mod reported;
mod requests;
mod rivals;
mod runtime;
