//! Attacks that the operator itself must withstand: it reads again what it acts on, and promotes nothing while the API
//! server does not enforce the approval policy. They are a test program of their own, since one of them removes the policy.

mod guard;
mod policy;
mod races;
mod rollback;

use tokio::sync::RwLock;

/// Held for reading by tests that need the approval policy, and for writing by the test that removes it. Without the lock, the
/// requests of the others would be withdrawn and opened again when the policy comes back.
static POLICY_INSTALLED: RwLock<()> = RwLock::const_new(());
