//! What a policy forbids, and the dry run of a write that it must refuse.

use std::sync::Arc;

use kube::Client;

use crate::{cluster::cache::Cache, error_chain::is_unanswered, metrics::Metrics};

/// A policy that the operator can try.
pub trait Rule: Send + Sync + 'static {
    /// What the dry run needs an object of.
    type Witness: kube::Resource<DynamicType = ()> + Send + Sync;

    /// The policy in sentences.
    const NAME: &'static str;

    /// An object to try the policy with.
    fn witness(cache: &Cache) -> Option<Arc<Self::Witness>>;

    /// Whether the policy refused the forbidden write, which is a dry run. `Ok(false)` if nothing could be tried. Any
    /// other result is an error.
    fn refuses(client: &Client, witness: &Self::Witness) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Publishes whether the policy is in force in `namespace`. Empty: in all namespaces.
    fn publish(metrics: &Metrics, namespace: &str, active: bool);
}

/// The write was not refused by the policy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the API server accepted {write} (dry run): {policy} is not in force")]
    Accepted { write: &'static str, policy: &'static str },
    #[error("failed to try {policy} on {with}")]
    Try {
        policy: &'static str,
        with: String,
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// The sentence in conditions. `None` if the API server did not answer. The name of the object and the words of a
    /// webhook are only in the log: they vary from check to check.
    pub fn finding(&self) -> Option<String> {
        match self {
            Self::Accepted { .. } => Some(self.to_string()),
            Self::Try { source, .. } if is_unanswered(source) => None,
            Self::Try { policy, .. } => Some(format!(
                "the API server refused the dry run that tries {policy}, but not by the policy: \
                 the operator's log has the answer"
            )),
        }
    }
}
