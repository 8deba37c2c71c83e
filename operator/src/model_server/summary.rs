//! Collects what the pods of main have counted of their calls, and adds it up.
//!
//! Estimates are computed later, from the sums: a share or a PSI of one pod is not that of all pods.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::Semaphore;
use tracing::warn;
use understudy_contract::{paths, ports};
use understudy_stats::{Comparison, Identity, Outcomes, Summary};

use super::client::{self, HttpClient, pod_url};
use crate::error_chain::chain;

/// Time limit for one pod, which responds from memory.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit for all pods together. Later responses are not counted, because other deployments wait.
const ROUND: Duration = Duration::from_secs(4);
/// Limit for one response. The summary of the largest baseline that a server accepts is smaller; it has each count
/// twice, for the training data and for calls.
const MAX_BYTES: usize = 8 << 20;
/// Responses that are read concurrently, for all deployments. Together with [`MAX_BYTES`] this limits the memory.
const CONCURRENCY: usize = 8;

/// A pod sent no usable summary.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Http(#[from] client::Error),
    #[error("{url} is answered by {} {}, which is not main", .main.version, .main.digest)]
    OtherMain { url: String, main: Identity },
}

/// Requests summaries. One client serves all deployments.
pub struct SummaryClient {
    http: HttpClient,
    permits: Semaphore,
}

/// The result of one round over the pods of one main.
#[derive(Debug)]
pub struct Collected {
    /// The sum over all pods that answered; `None` if none did.
    pub summary: Option<Summary>,
    /// Pods that were requested.
    pub requested: usize,
    /// Pods that answered.
    pub answered: usize,
}

impl SummaryClient {
    /// A client without open connections.
    pub fn new() -> Self {
        Self { http: HttpClient::new(TIMEOUT).taking_up_to(MAX_BYTES), permits: Semaphore::new(CONCURRENCY) }
    }

    /// Adds up what the pods at these addresses have counted as `main`. Comparisons count only if they are with
    /// `challenger`.
    pub async fn collect(
        &self,
        addresses: Vec<String>,
        main: &Identity,
        challenger: Option<Identity>,
    ) -> Collected {
        let requested = addresses.len();
        let responses = stream::iter(addresses)
            .map(|ip| async move { self.get(&pod_url(&ip, ports::METRICS), main).await })
            .buffer_unordered(CONCURRENCY)
            .take_until(tokio::time::sleep(ROUND));
        let mut responses = std::pin::pin!(responses);
        let mut sum = Sum::new(main.clone(), challenger);
        while let Some(response) = responses.next().await {
            match response {
                Ok(summary) => sum.add(summary),
                Err(error) => warn!(error = chain(&error), "failed to get the summary of a pod"),
            }
        }
        Collected { summary: sum.summary, requested, answered: sum.answered }
    }

    /// The summary of the pod at `base`, if it counts as `main`.
    async fn get(&self, base: &str, main: &Identity) -> Result<Summary, Error> {
        let url = format!("{base}{}", paths::SUMMARY);
        let _permit = self.permits.acquire().await.expect("nobody closes this semaphore");
        let summary: Summary = self.http.json(&url).await?;
        if summary.main != *main {
            return Err(Error::OtherMain { url, main: summary.main });
        }
        Ok(summary)
    }
}

/// Adds up summaries.
struct Sum {
    main: Identity,
    challenger: Option<Identity>,
    summary: Option<Summary>,
    answered: usize,
}

impl Sum {
    fn new(main: Identity, challenger: Option<Identity>) -> Self {
        Self { main, challenger, summary: None, answered: 0 }
    }

    /// Adds the summary of one pod of main. A comparison with another challenger than the present one is left out: that
    /// pod has not read the new routing yet.
    fn add(&mut self, mut summary: Summary) {
        let (main, challenger) = (&self.main, self.challenger.as_ref());
        let is_ours = |c: &Comparison| challenger.is_some_and(|them| c.is_of(main, them));
        if !summary.comparison.as_ref().is_some_and(is_ours) {
            summary.comparison = None;
            summary.outcomes.iter_mut().for_each(Outcomes::forget_challenger);
        }
        self.answered += 1;
        match &mut self.summary {
            Some(sum) => {
                sum.merge(&summary);
            }
            None => self.summary = Some(summary),
        }
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
