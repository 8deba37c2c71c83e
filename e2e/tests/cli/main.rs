//! The kubectl plugin as a team uses it: the real binary, a kubeconfig for each person, and the real cluster.

mod open;
mod plain;
mod story;
