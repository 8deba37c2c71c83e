//! What TAB offers, on the real tree of subcommands.

use clap::CommandFactory;
use kubectl_understudy::{
    cli::Cli,
    complete::{Wanted, wanted},
};
use rstest::rstest;

fn at(line: &str) -> Wanted {
    wanted(Cli::command(), &line.split(' ').map(str::to_owned).collect::<Vec<_>>())
}

#[rstest]
#[case("review ", Wanted::Version)]
#[case("-n risk review fr", Wanted::Version)]
#[case("rollback -n risk ", Wanted::Deployment)]
#[case("compare fr", Wanted::Deployment)]
#[case("history --as bob ", Wanted::Any)]
#[case("request fraud-1.3.0 pro", Wanted::Words(vec!["staging".into(), "production".into(), "archived".into()]))]
#[case("accept fraud-1.3.0 --feedback fine ", Wanted::Words(vec!["passed".into(), "failed".into()]))]
#[case("list -o ", Wanted::Words(vec!["table".into(), "json".into()]))]
#[case("review fraud-1.3.0 ", Wanted::Words(vec![]))]
fn a_tab_offers_what_may_stand_there(#[case] line: &str, #[case] expected: Wanted) {
    assert_eq!(at(line), expected);
}

#[test]
fn the_first_word_is_a_subcommand_and_a_dash_is_a_flag() {
    let Wanted::Words(commands) = at("") else { panic!("subcommands are words") };
    assert!(commands.contains(&"approve".to_owned()) && !commands.contains(&"__complete".to_owned()));
    let Wanted::Words(flags) = at("approve fraud-1.3.0 --") else { panic!("flags are words") };
    assert!(["--id", "--wait", "--yes", "--namespace"].iter().all(|f| flags.contains(&(*f).to_owned())));
}
