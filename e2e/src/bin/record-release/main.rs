//! `record-release FOLDER`: records what the operator of `OPERATOR_BINARY` leaves behind, one file for each model.
//! `e2e/cluster/upgrade record` installs the charts of that release and calls it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use understudy_e2e::{
    bare::in_a_world,
    recorded::{MODELS, left_behind, record, save},
};

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map(PathBuf::from).context("usage: record-release FOLDER")?;
    for model in MODELS {
        in_a_world(async |world| {
            let state = left_behind(world, model).await?;
            save(&folder, model, &record(world, &state).await?)
        })
        .await
        .with_context(|| format!("failed to record the model {model}"))?;
    }
    Ok(())
}
