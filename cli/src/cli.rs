//! The command line: the flags of every subcommand and the tree of subcommands.

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        accept::AcceptArgs,
        approve::ApproveArgs,
        compare::CompareArgs,
        completion::{CompleteArgs, CompletionArgs},
        doctor::DoctorArgs,
        history::HistoryArgs,
        list::ListArgs,
        open::OpenArgs,
        reject::RejectArgs,
        report::ReportArgs,
        request::RequestArgs,
        review::ReviewArgs,
        rollback::RollbackArgs,
        withdraw::WithdrawArgs,
    },
    globals::Globals,
};

const AFTER_HELP: &str = "\
NAME is the name of a ModelVersion (fraud-1.3.0) or deployment/version (fraud/1.3.0).

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Example: kubectl understudy list -n risk";

/// Review, approve, compare and roll back model versions. A promotion needs two people.
#[derive(Debug, Parser)]
#[command(name = "kubectl-understudy", bin_name = "kubectl understudy", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// The flags of every subcommand.
    #[command(flatten)]
    pub globals: Globals,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the arguments of each subcommand have its documentation, which is its help")]
pub enum Command {
    List(ListArgs),
    Review(ReviewArgs),
    Request(RequestArgs),
    Withdraw(WithdrawArgs),
    Approve(ApproveArgs),
    Reject(RejectArgs),
    Accept(AcceptArgs),
    Rollback(RollbackArgs),
    Compare(CompareArgs),
    History(HistoryArgs),
    Open(OpenArgs),
    Doctor(DoctorArgs),
    Report(ReportArgs),
    Completion(CompletionArgs),
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(CompleteArgs),
}
