//! What an operator says of itself: `/livez`, `/readyz` and `/metrics`.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::sleep;

use super::{
    operator::Operator,
    patience::{DEADLINE, eventually},
};
use crate::Metrics;

/// Pause between two looks at an operator that starts.
const PACE: Duration = Duration::from_millis(5);

impl Operator {
    /// Status and body of `/readyz`.
    pub async fn readyz(&self) -> Result<(u16, String)> {
        get(self.health_port(), "readyz").await
    }

    /// Status and body of `/livez`.
    pub async fn livez(&self) -> Result<(u16, String)> {
        get(self.health_port(), "livez").await
    }

    /// Waits until it has reached the API server.
    pub async fn await_reachable(&self) -> Result<()> {
        eventually("the operator is ready", async || Ok((self.readyz().await?.0 == 200).then_some(()))).await
    }

    /// Waits until it leads. Returns the time since its start.
    pub async fn await_leading(&self) -> Result<Duration> {
        while self.started().elapsed() < DEADLINE {
            // It does not listen at once.
            if self.metrics().await.is_ok_and(|metrics| metrics.count("understudy_leader", &[]) == 1) {
                return Ok(self.started().elapsed());
            }
            sleep(PACE).await;
        }
        bail!("timed out: the operator does not lead")
    }

    /// Its metrics.
    pub async fn metrics(&self) -> Result<Metrics> {
        let (_, page) = get(self.metrics_port(), "metrics").await?;
        Ok(Metrics::of(page))
    }

    /// The value of the series with this name and these labels. `None` if it does not exist.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<Option<f64>> {
        Ok(self.metrics().await?.first(name, labels))
    }
}

async fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let response = reqwest::get(format!("http://127.0.0.1:{port}/{path}")).await?;
    Ok((response.status().as_u16(), response.text().await?))
}
