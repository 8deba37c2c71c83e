//! What callers may rely on while main changes, pods are deleted and the operator dies: no call fails, at up to
//! 640 calls a second on kept, idle and fresh connections.

mod crash;
mod eviction;
mod operator;
mod switching;
mod text;
mod triton;

use tokio::sync::Mutex;

/// One story runs at a time: each has its own load, and some stop the operator.
static TURN: Mutex<()> = Mutex::const_new(());

const FIRST: &str = "breast-cancer-1.0.0";
const SECOND: &str = "breast-cancer-1.1.0";
