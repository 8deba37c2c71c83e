//! What an operator wrote to its log. After every test it holds no panic, no unexpected error, and no whole object.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Most bytes in a line. A line that names an object and says what failed is shorter; one that holds an object is not.
const LINE: usize = 4096;

/// The log of one operator.
#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
    /// Words of errors that the test causes.
    expected: Vec<&'static str>,
}

impl Log {
    /// A log in this file, in which errors with these words are expected.
    pub const fn new(path: PathBuf, expected: Vec<&'static str>) -> Self {
        Self { path, expected }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that was written so far.
    pub fn text(&self) -> Result<String> {
        let bytes = std::fs::read(&self.path)
            .with_context(|| format!("failed to read the log {}", self.path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Fails if the log has a line that no operator should write.
    pub fn check(&self) -> Result<()> {
        let text = self.text()?;
        for line in text.lines() {
            let beginning: String = line.chars().take(600).collect();
            ensure!(!line.contains("panicked at"), "the operator panicked: {beginning}");
            let is_error = line.contains(r#""level":"ERROR""#);
            let is_expected = self.expected.iter().any(|words| line.contains(words));
            ensure!(!is_error || is_expected, "the operator logged an unexpected error: {beginning}");
            ensure!(line.len() <= LINE, "a line of {} bytes in the log: {beginning}", line.len());
        }
        Ok(())
    }

    /// The last lines, shortened, for the output of a failed test.
    pub fn end(&self) -> String {
        let text = self.text().unwrap_or_default();
        let lines: Vec<String> =
            text.lines().map(|line| line.chars().take(400).collect::<String>()).collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}
