//! The command line: the flags of every subcommand and the tree of subcommands.

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        accept::AcceptArgs,
        approve::ApproveArgs,
        compare::CompareArgs,
        completion::{CompleteArgs, CompletionArgs},
        history::HistoryArgs,
        list::ListArgs,
        open::OpenArgs,
        reject::RejectArgs,
        request::RequestArgs,
        review::ReviewArgs,
        rollback::RollbackArgs,
        withdraw::WithdrawArgs,
    },
    globals::Globals,
};

const AFTER_HELP: &str = "\
NAME is a ModelVersion's name (fraud-1.3.0) or deployment/version (fraud/1.3.0).

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Example: kubectl understudy list -n risk";

/// Review, approve, compare and roll back model versions: nobody promotes alone.
#[derive(Debug, Parser)]
#[command(name = "kubectl-understudy", bin_name = "kubectl understudy", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// Flags of every subcommand.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows deployments and versions, and what waits for whom
    List(ListArgs),
    /// Shows what a reviewer must see of a version
    Review(ReviewArgs),
    /// Asks for a stage
    Request(RequestArgs),
    /// Takes a request back
    Withdraw(WithdrawArgs),
    /// Approves a colleague's request
    Approve(ApproveArgs),
    /// Rejects a request, with the reason
    Reject(RejectArgs),
    /// Records a tester's verdict on a version in Staging
    Accept(AcceptArgs),
    /// Goes back to a version that was in Production before, at once
    Rollback(RollbackArgs),
    /// Shows how the challenger does beside main, and what drifts
    Compare(CompareArgs),
    /// Shows who decided what, when and why
    History(HistoryArgs),
    /// Opens the form page of a version or of what is main
    Open(OpenArgs),
    /// Prints a completion script
    Completion(CompletionArgs),
    /// Completes the last of these words, for kubectl
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(CompleteArgs),
}
