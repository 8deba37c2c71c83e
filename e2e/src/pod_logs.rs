//! What operators and model servers have logged: no panic, and no error that no story causes.
//!
//! `e2e/cluster/pod-logs` keeps the logs of a cluster's containers in a folder, also those of deleted pods. Each file has
//! the path `NAMESPACE_POD_UID/CONTAINER/FILE` and the format of the container runtime: time, stream, `F` or `P` (the line
//! continues), text.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::log_line::fault;

/// The containers whose logs count.
const CONTAINERS: [&str; 2] = ["operator", "server"];
/// Most characters of a line in a finding.
const SHOWN: usize = 600;

/// Errors that stories cause: beginning of the namespace, words of the line, and why it is expected.
const EXPECTED: [(&str, &str, &str); 8] = [
    ("bomb-", r#""reason":"WarmUpFailed""#, "the story publishes a model that needs gigabytes"),
    (
        "deadline-",
        r#""reason":"DigestMismatch""#,
        "the story replaces the file, so that its version never serves",
    ),
    ("differ-", r#""reason":"ExamplesDiffer""#, "the story publishes a wrong example"),
    ("digest-", r#""reason":"DigestMismatch""#, "the story publishes another digest than that of the file"),
    ("missing-", r#""reason":"ArtifactNotFound""#, "the story publishes a file that does not exist"),
    ("misjoined-", r#""reason":"InvalidModel""#, "the story publishes a graph that does not fit its model"),
    ("not-onnx-", r#""reason":"InvalidModel""#, "the story publishes a pickle"),
    ("swap-", r#""reason":"DigestMismatch""#, "the story replaces the file behind its URI"),
];

/// A line that no story causes.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Namespace, pod and uid, joined as in the name of the pod's folder.
    pub pod: String,
    /// The line.
    pub line: String,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pod, self.line.chars().take(SHOWN).collect::<String>())
    }
}

/// What was found in a folder of logs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Lines of operators and model servers that were read.
    pub lines: BTreeMap<String, usize>,
    /// Lines that should not be there.
    pub findings: Vec<Finding>,
}

/// Reads the logs in this folder, from this time on.
pub fn scan(folder: &Path, since: &str) -> Result<Scan> {
    let mut scan = Scan::default();
    for pod in entries(folder)? {
        let name = pod.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for container in CONTAINERS {
            let of_container = pod.join(container);
            if !of_container.is_dir() {
                continue;
            }
            for file in entries(&of_container)? {
                let bytes = fs::read(&file).with_context(|| format!("failed to read {}", file.display()))?;
                let lines = lines(&String::from_utf8_lossy(&bytes), since);
                *scan.lines.entry(container.to_owned()).or_default() += lines.len();
                let bad = lines.into_iter().filter(|line| is_unexpected(&name, line));
                scan.findings.extend(bad.map(|line| Finding { pod: name.clone(), line }));
            }
        }
    }
    Ok(scan)
}

/// The folders or files in a folder, in the order of their names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read =
        fs::read_dir(folder).with_context(|| format!("failed to read the folder {}", folder.display()))?;
    let mut found = read.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    found.retain(|path| path.file_name().is_some_and(|name| name != "since"));
    found.sort();
    Ok(found)
}

/// The lines that a container wrote at this time or later. The runtime splits long lines.
fn lines(log: &str, since: &str) -> Vec<String> {
    let mut lines = vec![];
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    for record in log.lines() {
        let mut parts = record.splitn(4, ' ');
        let (Some(time), Some(stream), Some(tag)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if time < since {
            continue;
        }
        let text = begun.entry(stream).or_default();
        text.push_str(parts.next().unwrap_or_default());
        if tag == "F" {
            lines.push(std::mem::take(text));
        }
    }
    lines.extend(begun.into_values().filter(|text| !text.is_empty()));
    lines
}

fn is_unexpected(pod: &str, line: &str) -> bool {
    let is_expected =
        || EXPECTED.iter().any(|(namespace, words, _)| pod.starts_with(namespace) && line.contains(words));
    fault(line, is_expected).is_some()
}

/// Fails if the logs in this folder have a line that no story causes, or if there are no logs of one of the programs.
pub fn ensure_clean(folder: &Path) -> Result<()> {
    let since = fs::read_to_string(folder.join("since"))
        .with_context(|| format!("{} has no logs: e2e/cluster/pod-logs keeps them", folder.display()))?;
    let Scan { lines, findings } = scan(folder, since.trim())?;
    for container in CONTAINERS {
        let count = lines.get(container).copied().unwrap_or_default();
        println!("{count} lines of containers named {container} since {}", since.trim());
        ensure!(count > 0, "{} has no line of a container named {container}", folder.display());
    }
    let found: Vec<String> = findings.iter().map(Finding::to_string).collect();
    ensure!(
        found.is_empty(),
        "{} lines that no story causes:\n{}\nIf a story causes such a line on purpose, add it to EXPECTED in {}",
        found.len(),
        found.join("\n"),
        file!()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "2026-11-22T10:00:00";

    /// A folder with one log.
    fn kept(pod: &str, container: &str, log: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let of_container = folder.path().join(pod).join(container);
        fs::create_dir_all(&of_container).expect("a folder");
        fs::write(of_container.join("0.log.17"), log).expect("a file");
        fs::write(folder.path().join("since"), format!("{BEGIN}\n")).expect("a file");
        folder
    }

    fn found(pod: &str, container: &str, log: &str) -> Vec<String> {
        let folder = kept(pod, container, log);
        let scan = scan(folder.path(), BEGIN).expect("the log can be read");
        scan.findings.into_iter().map(|finding| finding.line).collect()
    }

    const PANIC: &str = "thread 'engine' panicked at server-image/src/engine.rs:7:1:";
    const ERROR: &str = r#"{"level":"ERROR","message":"the server failed","reason":"DigestMismatch"}"#;

    #[test]
    fn a_panic_and_an_end_without_memory_are_found_in_every_namespace() {
        for bad in [PANIC, "memory allocation of 8192 bytes failed"] {
            let log = format!("2026-11-22T10:00:01.5Z stderr F {bad}\n");
            assert_eq!(found("life-x_pod_uid", "server", &log), [bad]);
            assert_eq!(found("digest-x_pod_uid", "operator", &log), [bad]);
        }
    }

    #[test]
    fn an_error_is_found_unless_its_story_causes_it() {
        let log = format!("2026-11-22T10:00:01.5Z stderr F {ERROR}\n");
        assert_eq!(found("life-x_pod_uid", "server", &log), [ERROR]);
        assert_eq!(found("digest-x_pod_uid", "server", &log), [""; 0]);
    }

    #[test]
    fn a_line_that_the_runtime_has_split_is_read_as_one() {
        let (begin, end) = PANIC.split_at(20);
        let log = format!(
            "2026-11-22T10:00:01Z stderr P {begin}\n2026-11-22T10:00:01Z stdout F other\n\
             2026-11-22T10:00:02Z stderr F {end}\n"
        );
        assert_eq!(found("life-x_pod_uid", "server", &log), [PANIC]);
    }

    #[test]
    fn lines_from_before_the_suite_and_of_other_programs_do_not_count() {
        let log = format!("2026-11-22T09:59:59.9Z stderr F {PANIC}\n");
        assert_eq!(found("life-x_pod_uid", "server", &log), [""; 0]);
        let log = format!("2026-11-22T10:00:01Z stderr F {PANIC}\n");
        assert_eq!(found("life-x_pod_uid", "s3", &log), [""; 0]);
    }

    #[test]
    fn a_suite_without_logs_is_not_clean() {
        let folder = kept("life-x_pod_uid", "server", "2026-11-22T10:00:01Z stderr F fine\n");
        let error = ensure_clean(folder.path()).expect_err("the operator has no log");
        assert!(error.to_string().contains("has no line of a container named operator"), "{error}");
    }
}
