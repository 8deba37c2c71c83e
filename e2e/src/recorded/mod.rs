//! What a release leaves behind on the API server, kept as files: objects of Understudy with their status, and what the
//! operator owns. A later release is installed over them, and must continue.
//!
//! `e2e/cluster/upgrade record` makes the files: the operator of that release brings the models into their states, and
//! [`record`] reads the objects. In the test of an upgrade, [`restore`] creates them again.

mod file;
mod model;
mod record;
mod restore;
mod stand_in;
mod state;

pub use self::{
    file::{load, save, server_image},
    model::{MODELS, accept, left_behind},
    record::record,
    restore::{restore, under_the_installed_policy},
    state::{State, settled},
};
