//! An upgrade from the last release: nothing that serves notices it, and everything that was open continues.
//! `e2e/cluster/upgrade` starts the API server and installs the charts of that release. Each test has a model in a state in
//! which the operator of that release left it (`understudy_e2e::recorded`).

mod installation;
mod open;
mod served;
