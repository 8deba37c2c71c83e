//! NVIDIA's own HTTP client from PyPI calls the Service.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use serde_json::json;
use tokio::process::Command;
use understudy_e2e::{MODEL, Publication, Sample, Story, digest, python, with_temp_ns};

use crate::TURN;

const CLIENT: &str = "tritonclient[http]==2.73.0";

/// A file of this checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs the client's script against the stable Service.
async fn check(story: &Story, arguments: &[&str]) -> Result<()> {
    ensure!(story.cluster().is_near(), "the client needs a cluster whose Services this machine can call");
    let service = story.api::<Service>().get(MODEL).await?;
    let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    let script = checkout("server-image/tests/tritonclient_check.py");
    let output = Command::new("python3")
        .arg(script)
        .args([&format!("{host}:80"), MODEL, "1.0.0"])
        .args(arguments)
        .env("PYTHONPATH", python::package(CLIENT).await?)
        .output()
        .await?;
    let printed = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{CLIENT} {arguments:?}: {}", String::from_utf8_lossy(&printed));
    Ok(())
}

#[tokio::test]
async fn tritonclient_reads_metadata_predicts_in_binary_and_json_and_gets_clear_errors() -> Result<()> {
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
