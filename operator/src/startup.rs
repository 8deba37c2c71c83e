//! The first contact with the API server.

use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::{backoff::Backoff, error_chain::chain};

/// How long the API server may take to answer one attempt.
const DEADLINE: Duration = Duration::from_secs(5);
/// Longest pause between two attempts, apart from the jitter. After an outage, the operator is back within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Waits until the API server answers, or until `stopped`. Returns whether it has answered.
///
/// A process that ended instead would be restarted by the kubelet, with pauses of up to 5 minutes.
pub async fn contact(client: &Client, stopped: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        () = stopped => false,
        () = answered(client) => true,
    }
}

async fn answered(client: &Client) {
    let (backoff, began) = (Backoff::default(), Instant::now());
    for attempt in 1_u64.. {
        let error = match timeout(DEADLINE, client.apiserver_version()).await {
            Ok(Ok(version)) => {
                info!(version = version.git_version, attempt, "reached the API server");
                return;
            }
            Ok(Err(error)) => chain(&error),
            Err(_elapsed) => format!("no answer within {DEADLINE:?}"),
        };
        let waited = began.elapsed().as_secs();
        warn!(attempt, waited_seconds = waited, error, "failed to reach the API server, trying again");
        sleep(backoff.failed("startup".to_owned()).min(LONGEST_PAUSE)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use serde_json::json;

    use super::*;
    use crate::mock_api::{Cluster, Scenario, get};

    #[tokio::test(start_paused = true)]
    async fn an_operator_that_starts_during_an_outage_waits_until_the_api_server_answers() {
        let mut cluster = Cluster::new();
        let client = cluster.client();
        let version = json!({
            "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "", "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
        });
        let scenario = Scenario::new()
            .then(get("/version").fails(503, "ServiceUnavailable", "the server is shutting down"))
            .then(get("/version").gets_no_answer())
            .then(get("/version").fails(429, "TooManyRequests", "too many requests"))
            .then(get("/version").finds(&version));
        assert!(cluster.play(scenario, contact(&client, pending())).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operator_that_waits_for_the_api_server_ends_when_it_is_stopped() {
        let mut cluster = Cluster::new();
        let client = cluster.client();
        let scenario = Scenario::new().then_repeatedly(get("/version").finds_nothing());
        let stopped = tokio::time::sleep(Duration::from_mins(10));
        assert!(!cluster.play(scenario, contact(&client, stopped)).await);
        assert!(!cluster.play(Scenario::new(), contact(&client, ready(()))).await);
    }
}
