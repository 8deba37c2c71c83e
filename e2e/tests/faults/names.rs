//! Names that people write: none of them ends the operator.

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::ModelVersion;

use understudy_e2e::bare::in_a_world;

#[tokio::test]
async fn a_version_with_a_long_name_of_non_ascii_letters_does_not_end_the_operator() -> Result<()> {
    in_a_world(async |world| {
        let mut operator = world.operator("only").lead().await?;
        let accents = format!("a{}", "é".repeat(30));
        world.publish_as("accents", &accents, "1.0.0").await?;
        let seen = |v: &ModelVersion| v.status.is_some();
        let accents = world.await_version("seen", "accents", seen).await;
        // What matters more is that the others go on.
        world.deploy("fraud", &json!({})).await?;
        world.stage("fraud", "1.0.0").await?;
        ensure!(operator.ended()?.is_none(), "the operator has ended");
        accents.map(drop)
    })
    .await
}
