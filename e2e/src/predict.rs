//! Predictions over the Open Inference Protocol, through a Service as callers use it.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::Request;
use k8s_openapi::api::core::v1::Service;
use kube::client::Body;
use serde_json::{Value, json};

use crate::{MODEL, Person, Row, Story, rows, tolerance};

/// Time limit of a call. A response takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The response to one or more rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The version that responded.
    pub version: String,
    /// A label for each row.
    pub labels: Vec<i64>,
    /// The probabilities of the labels, row after row.
    pub probabilities: Vec<f64>,
}

impl Prediction {
    fn read(response: &Value) -> Result<Self> {
        let output = |name: &str| {
            let outputs = response["outputs"].as_array().into_iter().flatten();
            let found = outputs.clone().find(|output| output["name"] == name);
            found
                .and_then(|output| output["data"].as_array())
                .with_context(|| format!("the response has no output {name}: {response}"))
        };
        Ok(Self {
            version: response["model_version"].as_str().unwrap_or_default().to_owned(),
            labels: output("label")?.iter().filter_map(Value::as_i64).collect(),
            probabilities: output("probabilities")?.iter().filter_map(Value::as_f64).collect(),
        })
    }

    /// Fails unless it is the expected response of this sample version to `rows`.
    pub fn ensure_equals(&self, rows: &[Row], sample: &str) -> Result<()> {
        let expected: Vec<_> = rows.iter().filter_map(|row| row.expected.get(sample)).collect();
        let labels: Vec<i64> = expected.iter().map(|e| e.label).collect();
        ensure!(self.labels == labels, "expected the labels {labels:?} of {sample}, found {:?}", self.labels);
        let probabilities: Vec<f64> = expected.iter().flat_map(|e| e.probabilities.clone()).collect();
        let tolerance = tolerance()?;
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance;
        ensure!(
            self.probabilities.len() == probabilities.len()
                && self.probabilities.iter().zip(&probabilities).all(near),
            "expected the probabilities {probabilities:?} of {sample}, found {:?}",
            self.probabilities
        );
        Ok(())
    }
}

/// A Service of a story, as any task can call it.
#[derive(Clone)]
pub struct Endpoint {
    base: String,
    direct: reqwest::Client,
    /// Set if the Service can only be called through the API server's proxy.
    proxy: Option<kube::Client>,
}

impl Endpoint {
    /// Calls the model of the samples, on a new connection.
    pub async fn predict(&self, rows: &[Row]) -> Result<Prediction> {
        self.infer(MODEL, None, rows).await
    }

    /// The same with one row and the id of the call.
    pub async fn call(&self, id: &str, row: &Row) -> Result<Prediction> {
        self.infer(MODEL, Some(id), std::slice::from_ref(row)).await
    }

    /// Calls the model of this name.
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

    /// The answer of `/predict` to a list of records.
    pub async fn predict_records(&self, records: &Value) -> Result<Value> {
        self.post("/predict", &json!({"records": records})).await
    }

    /// Sends the ground truth of earlier calls. The response says how many calls it was joined to.
    pub async fn send_outcomes(&self, outcomes: &Value) -> Result<Value> {
        self.post("/understudy/v1/outcomes", outcomes).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let Some(proxy) = &self.proxy else {
            let response = self.direct.post(&url).json(body).send().await?;
            return parse(response.status(), &response.bytes().await?);
        };
        let request = Request::post(url)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string().into_bytes()))?;
        let response = tokio::time::timeout(TIMEOUT, proxy.send(request)).await??;
        let status = response.status();
        parse(status, &response.into_body().collect_bytes().await?)
    }
}

fn parse(status: http::StatusCode, body: &[u8]) -> Result<Value> {
    if !status.is_success() {
        bail!("response {status}: {}", String::from_utf8_lossy(body));
    }
    Ok(serde_json::from_slice(body)?)
}

impl Story {
    /// A Service by its address, or by the API server's proxy if this machine cannot call pods.
    pub async fn endpoint(&self, service: &str) -> Result<Endpoint> {
        // A new connection for each call, so that each call may reach another pod.
        let direct =
            reqwest::Client::builder().timeout(TIMEOUT).pool_max_idle_per_host(0).no_proxy().build()?;
        if !self.cluster().is_near() {
            let base = format!("/api/v1/namespaces/{}/services/{service}:http/proxy", self.namespace());
            return Ok(Endpoint { base, direct, proxy: Some(self.client(Person::Admin).clone()) });
        }
        let service = self.api::<Service>().get(service).await?;
        let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
        let host = if address.contains(':') { format!("[{address}]") } else { address };
        Ok(Endpoint { base: format!("http://{host}"), direct, proxy: None })
    }

    /// The response of a Service to the samples' rows.
    pub async fn predict(&self, service: &str) -> Result<Prediction> {
        self.endpoint(service).await?.predict(&rows()?).await
    }
}
