//! Printing. What others wrote into the cluster is shown, never obeyed: a terminal sees no control character of
//! theirs, so that no documentation can repaint the review that it stands in.

use serde::Serialize;

use crate::globals::Format;

/// The text without control characters (but for line ends and tabs) and without marks that turn its direction.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns_direction(*c))).collect()
}

const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Prints `value` as JSON where that was asked for, else `text`.
pub fn show<T: Serialize>(format: Format, value: &T, text: impl FnOnce(&T) -> String) {
    let shown = if format == Format::Json { json(value) } else { printable(&text(value)) };
    println!("{}", shown.trim_end_matches('\n'));
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
