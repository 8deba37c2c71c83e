//! NVIDIA's own HTTP client, from PyPI, against the Service.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use serde_json::json;
use tokio::process::Command;
use understudy_e2e::{MODEL, Publication, Sample, Story, digest, with_temp_ns};

use crate::TURN;

const CLIENT: &str = "tritonclient[http]==2.73.0";

/// The folder of the client and what it needs, installed there once a machine.
async fn client() -> Result<PathBuf> {
    let cache = std::env::var_os("UNDERSTUDY_CACHE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/understudy"));
    let cache = cache.or(home).context("neither UNDERSTUDY_CACHE nor HOME is set")?;
    let folder = cache.join("python").join(CLIENT.replace(['[', ']', '='], "-"));
    if folder.is_dir() {
        return Ok(folder);
    }
    // Complete under another name first: a run that is cut off leaves nothing that looks whole.
    let partial = folder.with_extension(std::process::id().to_string());
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"])
        .arg("--target")
        .args([partial.as_os_str(), CLIENT.as_ref()])
        .status();
    ensure!(pip.await?.success(), "failed to install {CLIENT}");
    std::fs::rename(&partial, &folder)?;
    Ok(folder)
}

/// A file of this checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs the client's script against the stable Service.
async fn check(story: &Story, arguments: &[&str]) -> Result<()> {
    ensure!(story.cluster().is_near(), "the client needs a cluster whose Services can be called from here");
    let service = story.api::<Service>().get(MODEL).await?;
    let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    let script = checkout("server-image/tests/tritonclient_check.py");
    let output = Command::new("python3")
        .arg(script)
        .args([&format!("{host}:80"), MODEL, "1.0.0"])
        .args(arguments)
        .env("PYTHONPATH", client().await?)
        .output()
        .await?;
    let told = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{CLIENT} {arguments:?}: {}", String::from_utf8_lossy(&told));
    Ok(())
}

#[tokio::test]
async fn tritonclient_reads_metadata_and_predicts_in_binary_and_json_and_is_told_its_errors() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("triton", async |story| {
        story.serve_main(&json!({})).await?;
        check(&story, &[]).await
    })
    .await
}

#[tokio::test]
async fn tritonclient_sends_and_receives_strings() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("strings", async |story| {
        let bytes = std::fs::read(checkout("server-image/tests/models/identity/BYTES.onnx"))?;
        let uri = story.upload("strings.onnx", &bytes).await?;
        story.deploy(&json!({})).await?;
        story.promote(&Publication::of(Sample::V1_0_0)?.file(uri, digest(&bytes))).await?;
        check(&story, &["--strings"]).await
    })
    .await
}
