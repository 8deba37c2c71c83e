//! Attacks that the operator itself must withstand: it reads again what it acts on, and promotes nothing while the API
//! server does not enforce the approval policy. They are a test program of their own, since one of them removes the policy.

mod policy;
mod races;
mod rollback;
