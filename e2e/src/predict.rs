//! Predictions over the Open Inference Protocol, by the way that callers take.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::Request;
use k8s_openapi::api::core::v1::Service;
use kube::client::Body;
use serde_json::{Value, json};

use crate::{MODEL, Person, Row, Story, rows, tolerance};

/// An answer takes milliseconds; what takes this long is none.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An answer to one or more rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The version that answered.
    pub version: String,
    /// A label for each row.
    pub labels: Vec<i64>,
    /// The probabilities of the labels, row after row.
    pub probabilities: Vec<f64>,
}

impl Prediction {
    fn read(answer: &Value) -> Result<Self> {
        let output = |name: &str| {
            let outputs = answer["outputs"].as_array().into_iter().flatten();
            let found = outputs.clone().find(|output| output["name"] == name);
            found
                .and_then(|output| output["data"].as_array())
                .with_context(|| format!("the answer has no output {name}: {answer}"))
        };
        Ok(Self {
            version: answer["model_version"].as_str().unwrap_or_default().to_owned(),
            labels: output("label")?.iter().filter_map(Value::as_i64).collect(),
            probabilities: output("probabilities")?.iter().filter_map(Value::as_f64).collect(),
        })
    }

    /// Fails unless it is what this sample version answers to `rows`.
    pub fn ensure_equals(&self, rows: &[Row], sample: &str) -> Result<()> {
        let expected: Vec<_> = rows.iter().filter_map(|row| row.expected.get(sample)).collect();
        let labels: Vec<i64> = expected.iter().map(|e| e.label).collect();
        ensure!(self.labels == labels, "labels of {sample} must be {labels:?}, are {:?}", self.labels);
        let probabilities: Vec<f64> = expected.iter().flat_map(|e| e.probabilities.clone()).collect();
        let tolerance = tolerance()?;
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance;
        ensure!(
            self.probabilities.len() == probabilities.len()
                && self.probabilities.iter().zip(&probabilities).all(near),
            "probabilities of {sample} must be {probabilities:?}, are {:?}",
            self.probabilities
        );
        Ok(())
    }
}

/// A way to a Service of a story that any task can take.
#[derive(Clone)]
pub struct Road {
    base: String,
    far: Option<kube::Client>,
    near: reqwest::Client,
}

impl Road {
    /// Predicts by the model of this name, on a connection of its own.
    pub async fn predict(&self, rows: &[Row]) -> Result<Prediction> {
        self.infer(MODEL, None, rows).await
    }

    /// The same for one row, in a call that has an id.
    pub async fn call(&self, id: &str, row: &Row) -> Result<Prediction> {
        self.infer(MODEL, Some(id), std::slice::from_ref(row)).await
    }

    /// The same of a model of another name.
    pub async fn infer(&self, model: &str, id: Option<&str>, rows: &[Row]) -> Result<Prediction> {
        let data: Vec<f64> = rows.iter().flat_map(|row| row.features.clone()).collect();
        let width = rows.first().map_or(0, |row| row.features.len());
        let mut request = json!({
            "inputs": [{"name": "features", "shape": [rows.len(), width], "datatype": "FP32", "data": data}],
        });
        if let Some(id) = id {
            request["id"] = json!(id);
        }
        Prediction::read(&self.post(&format!("/v2/models/{model}/infer"), &request).await?)
    }

    /// Tells what turned out to be true of calls; the answer says to how many it was joined.
    pub async fn tell(&self, outcomes: &Value) -> Result<Value> {
        self.post("/understudy/v1/outcomes", outcomes).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let Some(api_server) = &self.far else {
            let answer = self.near.post(&url).json(body).send().await?;
            return understand(answer.status(), &answer.bytes().await?);
        };
        let request = Request::post(url)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string().into_bytes()))?;
        let answer = tokio::time::timeout(TIMEOUT, api_server.send(request)).await??;
        let status = answer.status();
        understand(status, &answer.into_body().collect_bytes().await?)
    }
}

fn understand(status: http::StatusCode, body: &[u8]) -> Result<Value> {
    if !status.is_success() {
        bail!("answered {status}: {}", String::from_utf8_lossy(body));
    }
    Ok(serde_json::from_slice(body)?)
}

impl Story {
    /// The way to a Service: its address, or where pods are out of reach the API server's proxy.
    pub async fn road(&self, service: &str) -> Result<Road> {
        // Each call finds its own way, as one from another process does.
        let near =
            reqwest::Client::builder().timeout(TIMEOUT).pool_max_idle_per_host(0).no_proxy().build()?;
        if !self.cluster().is_near() {
            let base = format!("/api/v1/namespaces/{}/services/{service}:http/proxy", self.namespace());
            return Ok(Road { base, far: Some(self.client(Person::Admin).clone()), near });
        }
        let service = self.api::<Service>().get(service).await?;
        let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
        let host = if address.contains(':') { format!("[{address}]") } else { address };
        Ok(Road { base: format!("http://{host}"), far: None, near })
    }

    /// The answer of a Service to the samples' rows.
    pub async fn predict(&self, service: &str) -> Result<Prediction> {
        self.road(service).await?.predict(&rows()?).await
    }
}
