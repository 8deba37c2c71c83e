//! `make bench`: the figures of the whole system, each with what limits it, measured in the same run. On a shared
//! machine compare the ratios, not the absolute times. `BENCH_SECONDS` (default 10) sets its length. With arguments
//! (`server`, `promotion`, `operator`) it measures only these parts.

mod operator;
mod promotion;

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};

use understudy_e2e::{Table, with_temp_ns};

/// Promotions at the default length: enough for the second slowest to be meaningful.
const PROMOTIONS: u64 = 24;

const PARTS: [&str; 3] = ["server", "promotion", "operator"];

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = match std::env::var("BENCH_SECONDS") {
        Ok(text) => text.parse().context("BENCH_SECONDS is a number of seconds")?,
        Err(_) => 10,
    };
    let count = (PROMOTIONS * seconds / 10).clamp(4, PROMOTIONS);
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let parts = if chosen.is_empty() { PARTS.map(str::to_owned).to_vec() } else { chosen };
    let mut table = Table::default();
    for part in parts {
        match part.as_str() {
            "server" => server()?,
            "promotion" => {
                with_temp_ns("bench", async |story| promotion::measure(&story, count, &mut table).await)
                    .await?;
            }
            "operator" => {
                with_temp_ns("bench-start", async |story| operator::measure(&story, &mut table).await)
                    .await?;
            }
            other => bail!("{other} is not a part: use {}", PARTS.join(", ")),
        }
    }
    print!("\n{table}");
    Ok(())
}

/// The server's own benchmark. It prints its figures, and fails immediately if a program that it needs is missing.
fn server() -> Result<()> {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server-image/bench/run");
    let status = Command::new(&run).status().with_context(|| format!("failed to start {}", run.display()))?;
    ensure!(status.success(), "{} failed", run.display());
    Ok(())
}
