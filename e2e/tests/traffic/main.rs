//! What callers may rely on while main changes, pods go and the operator dies: at least 500 calls a second, on kept,
//! idle and fresh connections, and not one of them fails.

mod crash;
mod eviction;
mod operator;
mod switching;
mod triton;

use tokio::sync::Mutex;

/// One story at a time: each brings its load, and some take the operator away.
static TURN: Mutex<()> = Mutex::const_new(());

const FIRST: &str = "breast-cancer-1.0.0";
const SECOND: &str = "breast-cancer-1.1.0";
