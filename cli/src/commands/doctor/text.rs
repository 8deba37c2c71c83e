//! The result of all checks, as JSON and as text. Pure.

use serde::Serialize;

use super::check::{Check, Level};

/// The result; the JSON of `doctor`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Version of the plugin.
    pub plugin: String,
    /// Each installation that was checked.
    pub installations: Vec<Installation>,
    /// How many checks ended how.
    pub summary: Summary,
}

/// One installation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Namespace of its operator.
    pub namespace: String,
    /// Release of the chart.
    pub release: String,
    /// The checks, in their order.
    pub checks: Vec<Check>,
}

/// Numbers of checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// As it should be.
    pub ok: usize,
    /// Works, but needs attention.
    pub warn: usize,
    /// Broken.
    pub fail: usize,
    /// Not checked.
    pub skipped: usize,
}

impl Summary {
    /// Whether somebody has to act.
    #[must_use]
    pub const fn has_problems(&self) -> bool {
        self.warn + self.fail > 0
    }
}

impl Diagnosis {
    /// Counts the checks.
    #[must_use]
    pub fn of(plugin: &str, installations: Vec<Installation>) -> Self {
        let mut summary = Summary::default();
        for check in installations.iter().flat_map(|i| &i.checks) {
            match check.level {
                Level::Ok => summary.ok += 1,
                Level::Warn => summary.warn += 1,
                Level::Fail => summary.fail += 1,
                Level::Skipped => summary.skipped += 1,
            }
        }
        Self { plugin: plugin.to_owned(), installations, summary }
    }

    /// Whether anything but the API server's address could be checked.
    #[must_use]
    pub fn saw_anything(&self) -> bool {
        let checks = self.installations.iter().flat_map(|i| &i.checks);
        checks.filter(|c| c.name != "api-server").any(|c| c.level != Level::Skipped)
    }

    /// One line for each check. Below a problem: what it means, and commands.
    #[must_use]
    pub fn text(&self) -> String {
        let checks = || self.installations.iter().flat_map(|i| &i.checks);
        let width = checks().map(|c| c.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for installation in &self.installations {
            text += &format!(
                "Understudy in namespace {}, release {}\n",
                installation.namespace, installation.release
            );
            for check in &installation.checks {
                text += &format!("{:<9}{:<width$}   {}\n", check.level.as_str(), check.name, check.message);
                let indent = " ".repeat(9);
                if let Some(meaning) = &check.meaning {
                    for line in wrapped(meaning) {
                        text += &format!("{indent}{line}\n");
                    }
                }
                for command in &check.commands {
                    text += &format!("{indent}$ {command}\n");
                }
            }
            text.push('\n');
        }
        text + &self.counted()
    }

    fn counted(&self) -> String {
        let Summary { ok, warn, fail, skipped } = self.summary;
        let total = ok + warn + fail + skipped;
        let mut parts = vec![format!("{ok} ok")];
        for (number, word) in [(warn, "warn"), (fail, "FAIL"), (skipped, "skipped")] {
            if number > 0 {
                parts.push(format!("{number} {word}"));
            }
        }
        let end = if self.summary.has_problems() {
            "\nThe first problem often explains those below it. `kubectl understudy report` makes an archive for a bug report.\n"
        } else if skipped > 0 {
            ". No problem found in what could be checked.\n"
        } else {
            ". No problem found.\n"
        };
        format!("{total} checks: {}{end}", parts.join(", "))
    }
}

/// Columns of a paragraph.
const COLUMNS: usize = 100;

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a last line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= COLUMNS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
