//! The result of a check, as text and as JSON.

use serde::Serialize;

use super::seen::{Blind, Seen};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but needs attention.
    Warn,
    /// Broken.
    Fail,
    /// Not checked: a right is missing, or nothing exists that could be checked.
    Skipped,
}

impl Level {
    /// How it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skipped => "skipped",
        }
    }
}

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked. A stable name for programs.
    pub name: &'static str,
    /// How it ended.
    pub level: Level,
    /// What was found, in a sentence.
    pub message: String,
    /// What a problem means for users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// Commands that repair it or show more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

impl Check {
    fn new(name: &'static str, level: Level, message: impl Into<String>) -> Self {
        Self { name, level, message: message.into(), meaning: None, commands: vec![] }
    }

    /// As it should be.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Ok, message)
    }

    /// Works, but needs attention.
    pub fn warn(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Warn, message)
    }

    /// Broken.
    pub fn fail(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Level::Fail, message)
    }

    /// Not checked.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Level::Skipped, why)
    }

    /// Adds what the problem means.
    #[must_use]
    pub fn means(mut self, meaning: impl Into<String>) -> Self {
        self.meaning = Some(meaning.into());
        self
    }

    /// Adds a command that repairs it or shows more.
    #[must_use]
    pub fn run(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    /// Whether somebody has to act.
    #[cfg(test)]
    pub fn is_problem(&self) -> bool {
        matches!(self.level, Level::Warn | Level::Fail)
    }
}

/// Judges what was read. If it could not be read, the check says why.
pub fn judge<T>(name: &'static str, seen: &Seen<T>, check: impl FnOnce(&T) -> Vec<Check>) -> Vec<Check> {
    match seen {
        Ok(found) => check(found),
        Err(blind) => vec![unseen(name, blind)],
    }
}

/// The result of a check whose facts could not be read.
pub fn unseen(name: &'static str, blind: &Blind) -> Check {
    match blind {
        Blind::Denied(right) => Check::skipped(name, format!("you may not {right}")),
        Blind::NotTried(why) => Check::skipped(name, why.clone()),
        Blind::Failed(why) => Check::warn(name, format!("could not be checked: {why}"))
            .means("The API server did not answer this request as expected. Repeat the command."),
    }
}
