//! README as a reader copies it: the commands of a section, each with the output that stands below it.

use std::path::Path;

use anyhow::{Context, Result};

/// A command, and what README prints as its output. Where it prints nothing, any output is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// One or more lines of a shell, without the prompt.
    pub command: String,
    /// Lines as they stand in README.
    pub output: String,
}

impl Step {
    /// README shows that the API server refuses this command.
    pub fn is_refused(&self) -> bool {
        self.output.starts_with("Error from server")
    }
}

/// The text of README.md.
pub fn text() -> Result<String> {
    document("README.md")
}

/// The text of a document of the repository.
pub fn document(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))
}

/// What stands before the first heading of the second level.
pub fn first_screen(readme: &str) -> &str {
    readme.split_once("\n## ").map_or(readme, |(before, _)| before)
}

/// What stands between this heading and the next one of the same level.
pub fn section<'a>(readme: &'a str, title: &str) -> Result<&'a str> {
    let (_, after) = readme
        .split_once(&format!("\n## {title}\n"))
        .with_context(|| format!("README has no section \"{title}\""))?;
    Ok(after.split_once("\n## ").map_or(after, |(section, _)| section))
}

/// The commands of all fenced blocks marked `console`, in order. A command begins with `$ `, goes on where a line ends
/// with a backslash, and is followed by its output.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    let mut inside = false;
    let mut goes_on = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            goes_on = command.ends_with('\\');
            steps.push(Step { command: command.to_owned(), output: String::new() });
        } else if inside && let Some(step) = steps.last_mut() {
            let part = if goes_on { &mut step.command } else { &mut step.output };
            if !part.is_empty() {
                part.push('\n');
            }
            part.push_str(line);
            goes_on = goes_on && line.ends_with('\\');
        }
    }
    steps
}

/// The command with images that the cluster has, in the place of `REGISTRY/<name>` with the chart's default tag.
pub fn with_images(command: &str, images: &[(&str, String)]) -> Result<String> {
    let mut command = command.to_owned();
    for (name, reference) in images {
        let (repository, tag) =
            reference.rsplit_once(':').with_context(|| format!("{reference} is not name:tag"))?;
        for image in ["image", "server.image", "samples.image"] {
            // A tag of digits only would be a number with `--set`.
            command = command.replace(
                &format!("--set {image}.repository=REGISTRY/{name}"),
                &format!("--set-string {image}.repository={repository},{image}.tag={tag}"),
            );
        }
    }
    anyhow::ensure!(!command.contains("REGISTRY"), "no image is known for {command}");
    Ok(command)
}

/// The text with another namespace in the place of README's.
pub fn in_namespace(text: &str, readmes: &str, other: &str) -> String {
    let part_of_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(readmes) {
        let whole = !part_of_name(before.chars().next_back()) && !part_of_name(after.chars().next());
        result.push_str(before);
        result.push_str(if whole { other } else { readmes });
        rest = after;
    }
    result + rest
}

#[test]
fn a_step_is_a_command_with_its_output() {
    let text = "Words.\n```console\n$ one \\\n    --flag\nout\nput\n$ two\n```\n```yaml\n$ three\n```\n";
    let step = |command: &str, output: &str| Step { command: command.into(), output: output.into() };
    assert_eq!(steps(text), [step("one \\\n    --flag", "out\nput"), step("two", "")]);
}

#[test]
fn images_and_namespace_of_readme_are_replaced() -> Result<()> {
    let images = [("understudy-server", "localhost/understudy-server:123".to_owned())];
    let command = with_images("helm --set server.image.repository=REGISTRY/understudy-server", &images)?;
    assert_eq!(
        command,
        "helm --set-string server.image.repository=localhost/understudy-server,server.image.tag=123"
    );
    with_images("helm --set image.repository=REGISTRY/other", &images)
        .expect_err("an image that the test does not know is an error");
    let moved = in_namespace("-n risk {risk} fraud.risk.svc at-risk risky", "risk", "walk-1");
    assert_eq!(moved, "-n walk-1 {walk-1} fraud.walk-1.svc at-risk risky");
    Ok(())
}
