//! What an operator says of itself: `/livez`, `/readyz` and `/metrics`.

use anyhow::Result;

use super::operator::Operator;

impl Operator {
    /// Status and body of `/readyz`.
    pub async fn readyz(&self) -> Result<(u16, String)> {
        get(self.health_port(), "readyz").await
    }

    /// Status and body of `/livez`.
    pub async fn livez(&self) -> Result<(u16, String)> {
        get(self.health_port(), "livez").await
    }

    /// The value of the series with this name and these labels. `None` if it does not exist.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<Option<f64>> {
        let (_, page) = get(self.metrics_port(), "metrics").await?;
        let wanted: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let found = page.lines().find_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            let is_it = found == name && wanted.iter().all(|label| labels.contains(label));
            is_it.then(|| value.parse().ok())?
        });
        Ok(found)
    }
}

async fn get(port: u16, path: &str) -> Result<(u16, String)> {
    let response = reqwest::get(format!("http://127.0.0.1:{port}/{path}")).await?;
    Ok((response.status().as_u16(), response.text().await?))
}
