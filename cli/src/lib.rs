//! The kubectl plugin: shows what a reviewer must see, asks before it writes, and explains why the API server refused.
//!
//! [`cli`] has the command line and [`commands`] one file for each subcommand. What they print and what they write are
//! pure functions. Every write is a patch that the same person can make with plain kubectl, see
//! [`write::Write::kubectl`].

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "only output prints: it knows what a closed pipe means"
)]

pub mod approvals;
pub mod ask;
pub mod cli;
pub mod commands;
pub mod comment;
pub mod compare;
pub mod complete;
pub mod error;
pub mod globals;
pub mod history;
pub mod identity;
pub mod kubectl;
pub mod list;
pub mod main_record;
pub mod name;
pub mod output;
pub mod pending;
pub mod perform;
pub mod progress;
pub mod refusal;
pub mod review;
pub mod session;
pub mod state;
pub mod table;
pub mod wait;
pub mod when;
pub mod write;

#[cfg(test)]
mod fixtures;

use std::process::ExitCode;

use clap::CommandFactory;
use cli::{Cli, Command};
use error::Error;
use session::Session;

/// Runs one invocation. Errors are printed to stderr.
pub async fn run(cli: Cli) -> ExitCode {
    let Cli { globals, command } = cli;
    let (session, result) = match command {
        Command::Completion(completion) => (None, completion.run(Cli::command())),
        Command::Complete(complete) => (None, complete.run(Cli::command()).await),
        command => match Session::connect(globals).await {
            Ok(session) => {
                // The futures of all subcommands together are large.
                let result = Box::pin(dispatch(command, &session)).await;
                (Some(session), result)
            }
            // Without a client, nothing can be checked.
            Err(error) if matches!(command, Command::Doctor(_) | Command::Report(_)) => {
                (None, Err(Error::Unseen(error.to_string())))
            }
            Err(error) => (None, Err(error)),
        },
    };
    let error = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    match session {
        _ if matches!(error, Error::StdoutClosed | Error::Problems) => {}
        Some(session) => output::note(&refusal::describe(&error, &session).await),
        None => output::note(&error.to_string()),
    }
    ExitCode::from(error.exit_code())
}

async fn dispatch(command: Command, session: &Session) -> Result<(), Error> {
    match command {
        Command::List(list) => list.run(session).await,
        Command::Review(review) => review.run(session).await,
        Command::Request(request) => request.run(session).await,
        Command::Withdraw(withdraw) => withdraw.run(session).await,
        // The largest of these futures.
        Command::Approve(approve) => Box::pin(approve.run(session)).await,
        Command::Reject(reject) => reject.run(session).await,
        Command::Accept(accept) => accept.run(session).await,
        Command::Rollback(rollback) => rollback.run(session).await,
        Command::Compare(compare) => compare.run(session).await,
        Command::History(history) => history.run(session).await,
        Command::Open(open) => open.run(session).await,
        Command::Doctor(doctor) => doctor.run(session).await,
        Command::Report(report) => report.run(session).await,
        // `run` handles them: they need no session.
        Command::Completion(_) | Command::Complete(_) => Ok(()),
    }
}
