//! The attack list: every known way around the approval, against a real API server with the charts installed and without
//! an operator, so that the API server itself must refuse. The numbers (A1..A38) are those of
//! docs/adr/0002-approval-by-admission-policy.md. Attacks that the operator must withstand are in `insiders` of e2e/tests.

mod acceptance;
mod approval;
mod approvers;
mod control_plane;
mod deletion;
mod governance;
mod guard;
mod identity;
mod images;
mod insiders;
mod people;
mod plugin;
mod record;
mod rejection;
mod request;
mod rights;
mod stamp;
mod switch;
mod uris;
mod world;
mod write_forms;
