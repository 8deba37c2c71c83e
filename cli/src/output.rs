//! Everything that is printed, to stdout and to stderr, is printed here.
//!
//! A terminal never receives a control character from text in the cluster: documentation cannot repaint the review that
//! shows it. A reader that stops reading, as in `kubectl understudy list | head -1`, ends the command quietly.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::{error::Error, globals::Format};

/// The text without control characters, except line ends and tabs, and without marks that change its direction.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns_direction(*c))).collect()
}

const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints `value` to stdout, as JSON or as `text`.
pub fn show<T: Serialize>(format: Format, value: &T, text: impl FnOnce(&T) -> String) -> Result<(), Error> {
    match format {
        Format::Json => print(&json(value)),
        Format::Table => print(&printable(&text(value))),
    }
}

/// Prints lines to stdout. [`Error::StdoutClosed`] if nobody reads them.
pub fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()).map_err(|source| {
        match source.kind() {
            ErrorKind::BrokenPipe => Error::StdoutClosed,
            _ => Error::Io { what: "print to stdout", source },
        }
    })
}

/// Prints lines to stderr. If stderr is closed, no place is left to report that, and the command goes on.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text.trim_end_matches('\n')));
}

/// Prints a question to stderr, without a line end.
pub fn ask(question: &str) -> io::Result<()> {
    let mut stderr = io::stderr();
    write!(stderr, "{} ", printable(question))?;
    stderr.flush()
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("what is shown has string keys and finite numbers only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_cannot_repaint_the_review() {
        let hostile = "fine\u{1b}[2J\u{1b}[1;1H\r\u{202e}approved\u{9b}\n\tby bob";
        assert_eq!(printable(hostile), "fine[2J[1;1Happroved\n\tby bob");
    }
}
