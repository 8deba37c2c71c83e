//! The kubectl plugin as the team uses it: the real binary, each person with their own kubeconfig, on the real
//! cluster.

mod open;
mod plain;
mod story;
