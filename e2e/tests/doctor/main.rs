//! `kubectl understudy doctor` and `report` against a real API server with the charts, which `e2e/cluster/doctor` starts.
//! No operator runs there: the tests write the Lease, the statuses and the pods as a sound installation has them, and
//! then break one thing.

mod broken;
mod installation;
mod kubectl;
mod models;
mod operator_pages;
mod report;
mod sound;
