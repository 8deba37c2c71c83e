//! Attacks that the operator itself must stand: it reads afresh what it acts on, and does nothing while the API server
//! does not enforce the approval policy. In a program of its own, since one of them takes that policy away.

mod policy;
mod races;
mod rollback;
