//! Reads the arguments, starts the log, and runs [`understudy_server::server`] until a signal or a failure ends it.

use std::process::ExitCode;

use clap::Parser;
use understudy_server::{args::Args, server};

fn main() -> ExitCode {
    let args = Args::parse();
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
