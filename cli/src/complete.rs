//! Completion of `kubectl understudy <TAB>`: kubectl runs the program `kubectl_complete-understudy`, which runs the hidden
//! subcommand `__complete`. Pure: only the names come from the cluster.

use clap::{Arg, Command};

/// What can be completed at the last word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Candidates {
    /// One of these words.
    Words(Vec<String>),
    /// The name of a version.
    Version,
    /// The name of a deployment.
    Deployment,
    /// The name of a deployment or a version.
    Any,
}

/// What can be completed at the last of `words`, which are those after `kubectl understudy`. `tree` has the subcommands.
#[must_use]
pub fn candidates(mut tree: Command, words: &[String]) -> Candidates {
    tree.build();
    let Some((partial, before)) = words.split_last() else { return subcommands(&tree) };
    let (mut command, mut position, mut valued) = (&tree, 0, None);
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
        return Candidates::Words(flags.map(|flag| format!("--{flag}")).collect());
    }
    if command.has_subcommands() {
        return subcommands(command);
    }
    command.get_positionals().nth(position).map_or(Candidates::Words(vec![]), |arg| positional(command, arg))
}

fn subcommands(command: &Command) -> Candidates {
    let visible = command.get_subcommands().filter(|c| !c.is_hide_set());
    Candidates::Words(visible.map(|c| c.get_name().to_owned()).collect())
}

fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.split('=').next().unwrap_or(word);
    command.get_arguments().find(|arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| name == format!("-{short}")),
    })
}

fn values(arg: &Arg) -> Candidates {
    Candidates::Words(arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect())
}

fn positional(command: &Command, arg: &Arg) -> Candidates {
    match (arg.get_id().as_str(), command.get_name()) {
        ("name", "history" | "open") => Candidates::Any,
        ("name", _) => Candidates::Version,
        ("deployment", _) => Candidates::Deployment,
        _ => values(arg),
    }
}
