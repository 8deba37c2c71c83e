//! `open`: a connection from a person's own machine to the model.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use understudy_e2e::{
    MODEL,
    Person::{Bob, Tess},
    Publication, Sample,
    plugin::{command, run},
    with_temp_ns,
};

#[tokio::test]
async fn a_tester_reaches_a_version_in_staging_from_their_own_machine() -> Result<()> {
    with_temp_ns("cli-open", async |story| {
        story.deploy(&json!({})).await?;
        let refused = run(&story, Bob, &["open", MODEL, "--no-browser"]).await?.refused(1)?;
        assert!(refused.contains("nothing is in Production"), "{refused}");
        let name = story.stage(&Publication::of(Sample::V1_0_0)?).await?;
        story.await_serving(&name).await?;
        let mut open = command(&story, Tess, &["open", &name, "--no-browser", "-o", "json"])?.spawn()?;
        let mut lines = BufReader::new(open.stdout.take().context("stdout is piped")?).lines();
        let opened: Value =
            serde_json::from_str(&lines.next_line().await?.context("the plugin printed no URL")?)?;
        let url = opened["url"].as_str().context("the URL is not a string")?;
        for _ in 0..2 {
            let model: Value = reqwest::get(format!("{url}v2/models/{MODEL}")).await?.json().await?;
            assert_eq!(model["inputs"][0]["name"], "features", "{model}");
        }
        open.kill().await?;
        Ok(())
    })
    .await
}
