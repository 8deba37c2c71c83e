//! Callers who name their calls, and tell later what was true.

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

/// Between two calls.
const PACE: Duration = Duration::from_millis(50);
/// Calls between an answer and its truth: nobody knows the truth at once.
const LATER: usize = 10;

/// Calls main until it is told to stop.
pub struct Traffic {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<usize>>,
}

impl Traffic {
    /// Begins, with the rows of the samples in turn; the truth is what `version` should say.
    pub async fn begin(story: &Story, version: &'static str) -> Result<Self> {
        let service = story.api::<Service>().get(MODEL).await?;
        let address = service.spec.and_then(|s| s.cluster_ip).context("the Service has no address")?;
        let base =
            if address.contains(':') { format!("http://[{address}]") } else { format!("http://{address}") };
        let rows = rows()?;
        let (stop, stopped) = watch::channel(false);
        // Each call finds its own way, and so its own pod.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build()?;
        let task = tokio::spawn(async move {
            let outcome = call(&client, &base, &rows, version, &stopped).await;
            // Said at once: whoever waits for what follows from calls waits in vain.
            if let Err(error) = &outcome {
                eprintln!("the callers stopped: {error:#}");
            }
            outcome
        });
        Ok(Self { stop, task })
    }

    /// Stops; how many calls there were, all of them answered.
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
    let mut untold = VecDeque::new();
    for (number, row) in rows.iter().cycle().enumerate() {
        if *stopped.borrow() {
            return Ok(number);
        }
        pace.tick().await;
        let id = format!("call-{number}");
        let features = json!({"name": "features", "shape": [1, row.features.len()], "datatype": "FP32", "data": row.features});
        post(client, &format!("{base}/v2/models/{MODEL}/infer"), &json!({"id": id, "inputs": [features]}))
            .await?;
        let truth = row.expected.get(version).context("the samples have an answer of each version")?.label;
        untold.push_back(json!({"id": id, "label": truth}));
        if untold.len() > LATER
            && let Some(outcome) = untold.pop_front()
        {
            post(client, &format!("{base}/understudy/v1/outcomes"), &outcome).await?;
        }
    }
    Ok(0)
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Result<()> {
    let answer = client.post(url).json(body).send().await?;
    let status = answer.status();
    ensure!(status.is_success(), "{url} answered {status}: {}", answer.text().await?);
    Ok(())
}
