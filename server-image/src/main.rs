//! Reads the arguments, starts the log, and runs [`understudy_server::server`] until a signal or a failure ends it.

use std::process::ExitCode;

use clap::Parser;
use tikv_jemallocator::Jemalloc;
use understudy_server::{args::Args, server};

/// Also that of ONNX Runtime (ADR 0018). `.cargo/config.toml` has its options.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    abort_on_panic();
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .init();
    match server::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(reason = failure.reason.as_str(), error = failure.message, "the server failed");
            ExitCode::FAILURE
        }
    }
}

/// Ends the process when any thread panics. Without a thread of the engine a pod would be alive and never answer.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}
