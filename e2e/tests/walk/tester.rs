//! A tester calls a version in Staging from their own machine, with the tester role alone.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use understudy_e2e::{Person::Tess, Publication, Sample, rows, with_temp_ns};

#[tokio::test]
async fn a_tester_calls_a_version_in_staging_by_the_tester_role_alone() -> Result<()> {
    with_temp_ns("tester", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.stage(&Publication::of(Sample::V1_0_0)?).await?;
        story.await_serving(&name).await?;
        let mut forward = Command::new(story.cluster().kubectl())
            .args(story.cluster().kubectl_arguments(Tess))
            .args(["-n", story.namespace(), "port-forward", "service/breast-cancer-v1-0-0", ":80"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(forward.stdout.take().context("stdout is piped")?).lines();
        let line = lines.next_line().await?.context("kubectl port-forward ended without an address")?;
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with("127.0.0.1:"))
            .with_context(|| line.clone())?;

        let row = rows()?.into_iter().next().context("the samples have rows")?;
        let tensor = json!({"name": "features", "shape": [1, 30], "datatype": "FP32", "data": row.features});
        let answered = reqwest::Client::new()
            .post(format!("http://{address}/v2/models/breast-cancer/infer"))
            .json(&json!({"inputs": [tensor]}))
            .send()
            .await?;
        let answer: Value = answered.error_for_status()?.json().await?;
        let outputs = answer["outputs"].as_array().cloned().unwrap_or_default();
        let label = outputs.iter().find(|output| output["name"] == "label").context("a label is answered")?;
        ensure!(label["data"][0] == row.expected["1.0.0"].label, "{answer}");
        forward.kill().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_tester_role_reaches_ports_of_pods_and_nothing_behind_them() -> Result<()> {
    with_temp_ns("tester-may", async |story| {
        let can = async |words: &str, namespace: &str| -> Result<bool> {
            let question = ["auth", "can-i", "-n", namespace].into_iter().chain(words.split(' '));
            Ok(story.kubectl(Tess, &question.collect::<Vec<_>>()).await?.success)
        };
        for allowed in ["create pods --subresource=portforward", "list pods", "get pods", "get services"] {
            ensure!(can(allowed, story.namespace()).await?, "the tester role must include: {allowed}");
            ensure!(!can(allowed, "understudy-system").await?, "it must end with the namespace: {allowed}");
        }
        for denied in [
            "create pods --subresource=exec",
            "get pods --subresource=exec",
            "create pods --subresource=attach",
            "get pods --subresource=log",
            "get pods --subresource=proxy",
            "get services --subresource=proxy",
            "patch pods --subresource=ephemeralcontainers",
            "patch pods",
            "create pods",
            "delete pods",
            "get secrets",
            "get configmaps",
            "patch modeldeployments.understudy.dev",
            "create modelversions.understudy.dev",
            "approve stages.understudy.dev/staging",
            "request stages.understudy.dev/staging",
        ] {
            ensure!(!can(denied, story.namespace()).await?, "the tester role must not include: {denied}");
        }
        Ok(())
    })
    .await
}
