//! What pods serve on their metrics port: metrics, and the summary of what they have seen.

use std::time::Duration;

use anyhow::{Context, Result};
use http::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{Person, Story};

/// Metrics have no watch. They are read again after this pause.
const PACE: Duration = Duration::from_millis(250);
/// Much longer than any change takes.
const DEADLINE: Duration = Duration::from_mins(2);

/// The metrics of one or more pods, in Prometheus text format.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Vec<String>);

impl Metrics {
    /// The metrics of one process.
    pub(crate) fn of(page: String) -> Self {
        Self(vec![page])
    }

    /// The sum over all pods of the series with this name and these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.values(name, labels).sum()
    }

    /// The first of these series, if one exists.
    pub(crate) fn first(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.values(name, labels).next()
    }

    fn values(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = f64> {
        let wanted: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        self.0.iter().flat_map(|text| text.lines()).filter_map(move |line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, labels) = series.split_once('{').unwrap_or((series, ""));
            let is_it = found == name && wanted.iter().all(|label| labels.contains(label));
            is_it.then(|| value.parse::<f64>().ok())?
        })
    }

    /// The same sum, as a whole number.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts in a story are small whole numbers"
    )]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.sum(name, labels) as u64
    }

    /// The metrics of each pod.
    pub fn by_pod(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|text| Self(vec![text.clone()]))
    }
}

impl Story {
    /// The body of a `GET` on a pod's metrics port.
    pub async fn get_from(&self, pod: &Pod, path: &str) -> Result<String> {
        let (namespace, name) = (self.namespace(), pod.name_any());
        let url = format!("/api/v1/namespaces/{namespace}/pods/{name}:9090/proxy{path}");
        let body = self.client(Person::Admin).request_text(Request::get(url).body(vec![])?).await;
        body.with_context(|| format!("failed to get {path} from pod {name}"))
    }

    /// The same of each of these pods.
    pub async fn get_from_all(&self, pods: &[Pod], path: &str) -> Result<Vec<String>> {
        let mut all = vec![];
        for pod in pods {
            all.push(self.get_from(pod, path).await?);
        }
        Ok(all)
    }

    /// The metrics of all pods of a version.
    pub async fn metrics(&self, version: &str) -> Result<Metrics> {
        self.metrics_of(&self.pods_of(version).await?).await
    }

    /// The metrics of these pods.
    pub async fn metrics_of(&self, pods: &[Pod]) -> Result<Metrics> {
        Ok(Metrics(self.get_from_all(pods, "/metrics").await?))
    }

    /// Waits until the metrics of all pods of a version are as `predicate` says.
    pub async fn await_metrics(
        &self,
        what: &str,
        version: &str,
        predicate: impl Fn(&Metrics) -> bool,
    ) -> Result<Metrics> {
        let texts = |texts: &[String]| predicate(&Metrics(texts.to_vec()));
        Ok(Metrics(self.await_path(what, version, "/metrics", texts).await?))
    }

    /// Waits until every pod of `main` has read in its routing file that this version is the challenger (`None`: that no
    /// version is).
    pub async fn await_routing(&self, main: &str, challenger: Option<&str>) -> Result<()> {
        let followed = |text: &String| {
            let summary: Value = serde_json::from_str(text).unwrap_or_default();
            summary["comparison"]["challenger"]["version"].as_str() == challenger
        };
        let what = format!("every pod of {main} follows the challenger {challenger:?}");
        let all = |texts: &[String]| !texts.is_empty() && texts.iter().all(followed);
        self.await_path(&what, main, "/understudy/v1/summary", all).await?;
        Ok(())
    }

    /// Waits until the bodies that the pods of a version serve at `path` are as `predicate` says.
    async fn await_path(
        &self,
        what: &str,
        version: &str,
        path: &str,
        predicate: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>> {
        let (begun, mut pace) = (Instant::now(), interval(PACE));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            let pods = self.pods_of(version).await?;
            // A pod may be deleted in between.
            match self.get_from_all(&pods, path).await {
                Ok(texts) if predicate(&texts) => return Ok(texts),
                found if begun.elapsed() > DEADLINE => {
                    let seen = found.map_or_else(|error| format!("{error:#}"), |texts| texts.join("\n"));
                    return Err(self.timed_out(&format!("{what}; {path} of {version}:\n{seen}")).await);
                }
                _ => {}
            }
        }
    }
}
