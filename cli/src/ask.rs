//! The question before a write.

use std::io::{BufRead, IsTerminal};

use crate::{error::Error, output};

/// Asks on stderr and reads the answer from stdin. Only `y` and `yes` continue. Without a terminal it is an error.
pub fn confirm(question: &str, yes: bool) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::Usage(format!(
            "{question} stdin is not a terminal: add --yes to write without asking"
        )));
    }
    let failed = |source| Error::Io { what: "read the answer", source };
    output::ask(&format!("{question} [y/N]")).map_err(|source| Error::Io { what: "ask", source })?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(failed)?;
    if is_yes(&answer) { Ok(()) } else { Err(Error::Declined) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_y_and_yes_continue() {
        for (answer, yes) in
            [("y\n", true), ("Yes\n", true), ("\n", false), ("n\n", false), ("yep\n", false), ("", false)]
        {
            assert_eq!(is_yes(answer), yes, "{answer:?}");
        }
    }
}
