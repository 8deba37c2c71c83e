//! Completion, with the real tree of subcommands.

use clap::CommandFactory;
use kubectl_understudy::{
    cli::Cli,
    complete::{Candidates, candidates},
};
use rstest::rstest;

fn at(line: &str) -> Candidates {
    candidates(Cli::command(), &line.split(' ').map(str::to_owned).collect::<Vec<_>>())
}

#[rstest]
#[case("review ", Candidates::Version)]
#[case("-n risk review fr", Candidates::Version)]
#[case("rollback -n risk ", Candidates::Deployment)]
#[case("compare fr", Candidates::Deployment)]
#[case("history --as bob ", Candidates::Any)]
#[case("request fraud-1.3.0 pro", Candidates::Words(vec!["staging".into(), "production".into(), "archived".into()]))]
#[case("accept fraud-1.3.0 --feedback fine ", Candidates::Words(vec!["passed".into(), "failed".into()]))]
#[case("list -o ", Candidates::Words(vec!["table".into(), "json".into()]))]
#[case("review fraud-1.3.0 ", Candidates::Words(vec![]))]
fn tab_completes_names_stages_verdicts_and_formats(#[case] line: &str, #[case] expected: Candidates) {
    assert_eq!(at(line), expected);
}

#[test]
fn the_first_word_is_a_subcommand_and_a_dash_begins_a_flag() {
    let Candidates::Words(commands) = at("") else { panic!("subcommands are words") };
    assert!(commands.contains(&"approve".to_owned()) && !commands.contains(&"__complete".to_owned()));
    let Candidates::Words(flags) = at("approve fraud-1.3.0 --") else { panic!("flags are words") };
    assert!(["--id", "--wait", "--yes", "--namespace"].iter().all(|f| flags.contains(&(*f).to_owned())));
}
