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
        let indent = " ".repeat(9);
        let mut lines = vec![];
        for Installation { namespace, release, checks } in &self.installations {
            lines.push(format!("Understudy in namespace {namespace}, release {release}"));
            for check in checks {
                lines.push(format!("{:<9}{:<width$}   {}", check.level.as_str(), check.name, check.message));
                let meaning = check.meaning.as_deref().map(wrapped).unwrap_or_default();
                lines.extend(meaning.iter().map(|line| format!("{indent}{line}")));
                lines.extend(check.commands.iter().map(|command| format!("{indent}$ {command}")));
            }
            lines.push(String::new());
        }
        lines.push(self.counted());
        lines.join("\n")
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{
        checks,
        facts::{DryRun, Facts},
        fixtures,
    };

    fn diagnosis(facts: &Facts) -> Diagnosis {
        let installation = Installation {
            namespace: facts.system.clone(),
            release: facts.config.release.clone(),
            checks: checks::all(facts),
        };
        Diagnosis::of("0.1.0", vec![installation])
    }

    fn assert_text(name: &str, text: &str) {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, text);
        });
    }

    #[test]
    fn a_sound_installation_is_a_short_list_without_a_problem() {
        assert_text("doctor_sound", &diagnosis(&fixtures::facts()).text());
    }

    #[test]
    fn a_problem_has_its_meaning_and_a_command() {
        let mut facts = fixtures::facts();
        facts.policy = Ok(None);
        facts.dry_run = Ok(DryRun::Accepted);
        let mut lease = fixtures::lease();
        lease["spec"]["holderIdentity"] = json!("intruder");
        facts.lease = Ok(Some(lease));
        assert_text("doctor_broken", &diagnosis(&facts).text());
    }

    #[test]
    fn without_any_right_nothing_was_seen() {
        assert!(diagnosis(&fixtures::facts()).saw_anything());
        let skipped = Check::skipped("crds", "you may not get customresourcedefinitions");
        let server = Check::ok("api-server", "Kubernetes answers");
        let installation =
            Installation { namespace: "x".into(), release: "x".into(), checks: vec![server, skipped] };
        assert!(!Diagnosis::of("0.1.0", vec![installation]).saw_anything());
    }
}
