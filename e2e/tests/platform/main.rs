//! What callers and teams may rely on while the platform under the operator is disturbed: API server, etcd, node agent,
//! container runtime. Beside each model runs a control group, a Deployment and a Service that the operator does not know.
//!
//! These tests disturb the whole cluster, so nothing else may run on it.

mod api_server;
mod clock;
mod disk;
mod etcd;
mod model;
mod operator;
mod short;

use tokio::sync::Mutex;

/// One test runs at a time.
static TURN: Mutex<()> = Mutex::const_new(());
