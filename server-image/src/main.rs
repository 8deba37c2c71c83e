//! Reads the arguments, starts the log, and runs [`understudy_server::server`] until a signal or a failure ends it.

use std::{
    convert::Infallible,
    io,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use clap::Parser;
use tikv_jemallocator::Jemalloc;
use understudy_server::{args::Args, server};

/// `1` means that ONNX Runtime has no telemetry. It reads this when its library is loaded. Its API comes too late: by then there
/// is a database in the home directory, and lookups of Microsoft's collector have begun.
const NO_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// Also that of ONNX Runtime (ADR 0018). `.cargo/config.toml` has its options.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    if std::env::var_os(NO_TELEMETRY).is_none_or(|value| value != "1") {
        let Err(error) = start_without_telemetry();
        eprintln!("failed to start without the telemetry of ONNX Runtime: {error}");
        return ExitCode::FAILURE;
    }
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

/// Starts this program again in the same process. A running program cannot change its own environment safely.
fn start_without_telemetry() -> io::Result<Infallible> {
    let program = std::env::current_exe()?;
    Err(Command::new(program).args(std::env::args_os().skip(1)).env(NO_TELEMETRY, "1").exec())
}

/// Ends the process when any thread panics. Without a thread of the engine a pod would be alive and never answer.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}
