//! Completion behind `kubectl understudy <TAB>`: kubectl asks the program `kubectl_complete-understudy`, which asks
//! here. What is wanted at this place is pure; only names are looked up in the cluster.

use clap::{Arg, Command, CommandFactory};

use crate::args::Cli;

/// What may stand at the place of the last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One of these.
    Words(Vec<String>),
    /// The name of a version.
    Version,
    /// The name of a deployment.
    Deployment,
    /// Either.
    Any,
}

/// What may stand at the place of the last word; `words` are those after `kubectl understudy`.
#[must_use]
pub fn wanted(words: &[String]) -> Wanted {
    let mut cli = Cli::command();
    cli.build();
    let Some((partial, before)) = words.split_last() else { return subcommands(&cli) };
    let (mut command, mut position, mut valued) = (&cli, 0, None);
    for word in before {
        if valued.take().is_some() {
            continue;
        }
        if word.starts_with('-') {
            valued = flag(command, word).filter(|arg| !word.contains('=') && arg.get_action().takes_values());
        } else if let Some(subcommand) = command.find_subcommand(word) {
            (command, position) = (subcommand, 0);
        } else {
            position += 1;
        }
    }
    if let Some(arg) = valued {
        return values(arg);
    }
    if partial.starts_with('-') {
        let flags = command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_long);
        return Wanted::Words(flags.map(|flag| format!("--{flag}")).collect());
    }
    if command.has_subcommands() {
        return subcommands(command);
    }
    command.get_positionals().nth(position).map_or(Wanted::Words(vec![]), |arg| positional(command, arg))
}

fn subcommands(command: &Command) -> Wanted {
    let visible = command.get_subcommands().filter(|c| !c.is_hide_set());
    Wanted::Words(visible.map(|c| c.get_name().to_owned()).collect())
}

fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.split('=').next().unwrap_or(word);
    command.get_arguments().find(|arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| name == format!("-{short}")),
    })
}

fn values(arg: &Arg) -> Wanted {
    Wanted::Words(arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect())
}

fn positional(command: &Command, arg: &Arg) -> Wanted {
    match (arg.get_id().as_str(), command.get_name()) {
        ("name", "history" | "open") => Wanted::Any,
        ("name", _) => Wanted::Version,
        ("deployment", _) => Wanted::Deployment,
        _ => values(arg),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(line: &str) -> Wanted {
        wanted(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
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
}
