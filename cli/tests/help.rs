//! Help: every subcommand has an example, and every example is valid.

use clap::{Command, CommandFactory, Parser};
use kubectl_understudy::cli::Cli;

fn example(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let example = help.lines().find_map(|line| line.strip_prefix("Example: "));
    example.unwrap_or_else(|| panic!("{} --help has no example", command.get_name())).to_owned()
}

/// Splits a line as a shell does, with single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

#[test]
fn every_subcommand_has_a_valid_example() {
    let cli = Cli::command();
    for command in std::iter::once(&cli).chain(cli.get_subcommands().filter(|c| !c.is_hide_set())) {
        let example = example(command);
        let line = example.as_str();
        let typed =
            line.strip_prefix("kubectl ").unwrap_or_else(|| panic!("{line} does not begin with kubectl"));
        if command.get_name() != cli.get_name() {
            assert!(
                typed.starts_with(&format!("understudy {}", command.get_name())),
                "{line} is of another subcommand"
            );
        }
        Cli::try_parse_from(words(typed)).unwrap_or_else(|error| panic!("{line} is not valid: {error}"));
    }
}

#[test]
fn every_flag_and_argument_has_help() {
    let cli = Cli::command();
    for command in cli.get_subcommands() {
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{} {} has no help",
                command.get_name(),
                argument.get_id()
            );
        }
    }
}

#[test]
fn the_flags_are_those_of_kubectl() {
    let typed = [
        "understudy",
        "review",
        "fraud/1.3.0",
        "-n",
        "risk",
        "--context",
        "c",
        "--kubeconfig",
        "k",
        "--as",
        "bob",
        "--as-group",
        "reviewers",
        "-o",
        "json",
    ];
    let Cli { globals, .. } = Cli::try_parse_from(typed).unwrap();
    assert_eq!((globals.namespace.as_deref(), globals.as_user.as_deref()), (Some("risk"), Some("bob")));
    assert_eq!(globals.as_group, ["reviewers"]);
}

#[test]
fn a_failed_test_needs_feedback_and_a_rejection_needs_a_reason() {
    for typed in ["understudy accept fraud-1.3.0 failed", "understudy reject fraud-1.3.0"] {
        assert!(Cli::try_parse_from(typed.split(' ')).is_err(), "{typed}");
    }
}

#[test]
fn every_act_takes_a_comment_and_no_comment_is_empty() {
    for act in [
        "request fraud-1.3.0 staging",
        "approve fraud-1.3.0",
        "reject fraud-1.3.0",
        "rollback fraud",
        "withdraw fraud-1.3.0",
    ] {
        let typed = |reason: &str| {
            let words =
                format!("understudy {act} --reason").split(' ').map(str::to_owned).collect::<Vec<_>>();
            Cli::try_parse_from(words.into_iter().chain([reason.to_owned()]))
        };
        assert!(typed("recall is back").is_ok(), "{act}");
        assert!(typed(" ").is_err(), "{act}");
    }
}
