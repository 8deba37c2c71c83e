//! Stories that a user may rely on, each on the real cluster of `make up`, in a namespace of its own. They wait for
//! conditions, never for time to pass; the one clock is that of a caller who keeps calling main all the while.

mod acceptance;
mod archive;
mod deletion;
mod failures;
mod gates;
mod life;
mod ownership;
mod reported;
mod requests;
mod rivals;
