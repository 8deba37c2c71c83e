//! The records of a story's deployment, read by `DuckDB` as one table.

use anyhow::Result;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{MODEL, Store, Story, cluster::checkout, python};

/// The files that the sink holds, at one moment. `DuckDB` reads all of them, and fails over one that is not whole.
#[derive(Debug)]
pub struct Records {
    folder: TempDir,
}

impl Story {
    /// What the sink holds of the story's deployment.
    pub async fn records(&self, store: &Store) -> Result<Records> {
        let folder = store.fetch(self.cluster(), &format!("{}/{MODEL}/", self.namespace())).await?;
        Ok(Records { folder })
    }
}

impl Records {
    /// The answer to a query of the table `records`, an object a row.
    pub async fn query(&self, sql: &str) -> Result<Vec<Value>> {
        let output = Command::new("python3")
            .arg(checkout().join("e2e/records.py"))
            .arg(self.folder.path())
            .arg(sql)
            .env("PYTHONPATH", python::sample_package("duckdb").await?)
            .output()
            .await?;
        let told = python::told(sql, output)?;
        told.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// How many rows there are; with `condition`, of which that holds.
    pub async fn count(&self, condition: &str) -> Result<u64> {
        let answer = self.query(&format!("SELECT count(*) AS rows FROM records WHERE {condition}")).await?;
        Ok(answer[0]["rows"].as_u64().unwrap_or_default())
    }
}
