//! The attack list: every way around the approval that we know of, against a real API server with the charts
//! installed and no operator running, so that what refuses is the API server itself. The numbers (A1..A22) are
//! those of docs/adr/0002-approval-by-admission-policy.md. Where an operator has to stand firm too, the tests in
//! `guard` go on.

mod acceptance;
mod approval;
mod control_plane;
mod deletion;
mod governance;
mod people;
mod record;
mod rejection;
mod request;
mod stamp;
mod world;
mod write_forms;
