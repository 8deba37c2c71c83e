//! A caller that gives its calls ids, and sends their outcomes later.

use std::{collections::VecDeque, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use understudy_e2e::{MODEL, Row, Story, rows};

/// Pause between two calls.
const PACE: Duration = Duration::from_millis(50);
/// Number of calls between a call and its outcome, which is not known immediately.
const LATER: usize = 10;

/// Calls main until [`Traffic::finish`].
pub struct Traffic {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<usize>>,
}

impl Traffic {
    /// Starts to call with the rows of the samples. The outcomes are the expected labels of `version`.
    pub async fn begin(story: &Story, version: &'static str) -> Result<Self> {
        let service = story.api::<Service>().get(MODEL).await?;
        let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
        let base =
            if address.contains(':') { format!("http://[{address}]") } else { format!("http://{address}") };
        let rows = rows()?;
        let (stop, stopped) = watch::channel(false);
        // A new connection for each call, so that the calls reach all pods.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build()?;
        let task = tokio::spawn(async move {
            let outcome = call(&client, &base, &rows, version, &stopped).await;
            // Printed immediately, since a test that waits for the effect of calls would time out.
            if let Err(error) = &outcome {
                eprintln!("the caller failed: {error:#}");
            }
            outcome
        });
        Ok(Self { stop, task })
    }

    /// Stops. Returns the number of calls, all of which succeeded.
    pub async fn finish(self) -> Result<usize> {
        let _ = self.stop.send(true);
        self.task.await?
    }
}

async fn call(
    client: &reqwest::Client,
    base: &str,
    rows: &[Row],
    version: &str,
    stopped: &watch::Receiver<bool>,
) -> Result<usize> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pending = VecDeque::new();
    for (number, row) in rows.iter().cycle().enumerate() {
        if *stopped.borrow() {
            return Ok(number);
        }
        pace.tick().await;
        let id = format!("call-{number}");
        let mut data = row.features.clone();
        // The sensor of the last feature is stuck: an issue has a metric only while there is one.
        if let Some(last) = data.last_mut() {
            *last = 0.08;
        }
        let features =
            json!({"name": "features", "shape": [1, data.len()], "datatype": "FP32", "data": data});
        post(client, &format!("{base}/v2/models/{MODEL}/infer"), &json!({"id": id, "inputs": [features]}))
            .await?;
        let label =
            row.expected.get(version).context("the samples have no expected label of this version")?.label;
        pending.push_back(json!({"id": id, "label": label}));
        if pending.len() > LATER
            && let Some(outcome) = pending.pop_front()
        {
            post(client, &format!("{base}/understudy/v1/outcomes"), &outcome).await?;
        }
    }
    Ok(0)
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Result<()> {
    let response = client.post(url).json(body).send().await?;
    let status = response.status();
    ensure!(status.is_success(), "{url} returned {status}: {}", response.text().await?);
    Ok(())
}
