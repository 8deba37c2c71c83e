//! The records of a story's deployment. `DuckDB` reads them as one table.

use anyhow::Result;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{MODEL, Store, Story, cluster::checkout, python};

/// The files in the sink at one moment. `DuckDB` reads all of them, and fails if one is incomplete.
#[derive(Debug)]
pub struct Records {
    folder: TempDir,
}

impl Story {
    /// The files of the story's deployment in the sink.
    pub async fn records(&self, store: &Store) -> Result<Records> {
        let folder = store.fetch(self.cluster(), &format!("{}/{MODEL}/", self.namespace())).await?;
        Ok(Records { folder })
    }
}

impl Records {
    /// The result of a query of the table `records`, one object for each row.
    pub async fn query(&self, sql: &str) -> Result<Vec<Value>> {
        let output = Command::new("python3")
            .arg(checkout().join("e2e/records.py"))
            .arg(self.folder.path())
            .arg(sql)
            .env("PYTHONPATH", python::sample_package("duckdb").await?)
            .output()
            .await?;
        let rows = python::stdout(sql, output)?;
        rows.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The number of rows for which `condition` holds.
    pub async fn count(&self, condition: &str) -> Result<u64> {
        let found = self.query(&format!("SELECT count(*) AS rows FROM records WHERE {condition}")).await?;
        Ok(found[0]["rows"].as_u64().unwrap_or_default())
    }
}
