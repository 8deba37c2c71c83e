//! Commands of README in one shell, one after the other, as somebody types them into it.

use std::{fmt::Write as _, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::process::Command;
use understudy_e2e::{Cluster, tolerance};

use super::readme::Step;

/// The walk waits with timeouts of its own, of at most five minutes each.
const TIMEOUT: Duration = Duration::from_mins(15);

/// Runs the steps as an administrator of the cluster, in the folder of this checkout, up to the first that does not do
/// what README says.
pub async fn run(cluster: &Cluster, steps: &[Step]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = |number: usize, of: &str| folder.path().join(format!("{number}.{of}"));
    let mut script = String::new();
    for (number, step) in steps.iter().enumerate() {
        // A group, not a subshell: later commands use the variables of earlier ones.
        let [stdout, stderr, code] = ["stdout", "stderr", "code"].map(|of| file(number, of));
        let (stdout, stderr, code) = (stdout.display(), stderr.display(), code.display());
        writeln!(script, "{{ {}\n}} >{stdout} 2>{stderr}; code=$?; echo $code >{code}", step.command)?;
        script += if step.is_refused() { "[ $code != 0 ] || exit 0\n" } else { "[ $code = 0 ] || exit 0\n" };
    }
    let tools = cluster.kubectl();
    let folders = tools.parent().into_iter().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .env("KUBECONFIG", cluster.kubeconfig())
        .env("PATH", std::env::join_paths(folders.chain(std::env::split_paths(&path)))?)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let status = tokio::time::timeout(TIMEOUT, shell.status()).await.context("the walk does not end")??;
    ensure!(status.success(), "the shell ended with {status}");
    for (number, step) in steps.iter().enumerate() {
        let read = |of: &str| std::fs::read_to_string(file(number, of));
        let code = read("code").with_context(|| format!("$ {}\nwas never run", step.command))?;
        let (stdout, stderr) = (read("stdout")?, read("stderr")?);
        if (code.trim() == "0") == step.is_refused() {
            bail!("$ {}\nended with {code}and printed\n{stdout}{stderr}", step.command);
        }
        let printed = if step.is_refused() { &stderr } else { &stdout };
        ensure!(
            step.output.is_empty() || same(&step.output, printed)?,
            "$ {}\nprinted\n{printed}\nand README shows\n{}",
            step.command,
            step.output
        );
    }
    Ok(())
}

/// Whether two outputs say the same. README wraps lines; processors differ in the last digits of a probability.
fn same(shown: &str, printed: &str) -> Result<bool> {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match (serde_json::from_str(shown), serde_json::from_str(printed)) {
        (Ok(shown), Ok(printed)) => Ok(near(&shown, &printed, tolerance()?)),
        _ => Ok(words(shown) == words(printed)),
    }
}

fn near(a: &Value, b: &Value, tolerance: f64) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(a, b, tolerance))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| near(a, b, tolerance)))
        }
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance,
            _ => false,
        },
        (a, b) => a == b,
    }
}

#[test]
fn outputs_are_compared_by_words_and_predictions_by_value() -> Result<()> {
    assert!(same("a line\nthat is wrapped", "a line that is wrapped\n")?);
    assert!(!same("annotated", "unchanged")?);
    assert!(same(r#"{"score": [0.91234]}"#, r#"{"score":[0.91235]}"#)?);
    assert!(!same(r#"{"score": [0.91234]}"#, r#"{"score":[0.81234]}"#)?);
    assert!(!same(r#"{"score": 1}"#, r#"{"score": 1, "other": 2}"#)?);
    Ok(())
}
