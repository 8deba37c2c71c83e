//! Probes: real inferences, requested from pods and through Services.

use std::time::Duration;

use understudy_contract::{ProbeAnswer, paths, probe};
use understudy_crds::{ModelSignature, TensorSpec};

use super::client::{Error, HttpClient};

/// Time limit for one response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Requests probes.
pub struct Prober {
    http: HttpClient,
    /// Base URL of the test's server, which stands for all hosts: `<gateway>/<host>/...`.
    #[cfg(test)]
    gateway: Option<String>,
    /// What the test answers at a base URL, without any connection.
    #[cfg(test)]
    answers: Option<Answers>,
}

/// What a test answers at a base URL.
#[cfg(test)]
pub type Answers = std::sync::Arc<dyn Fn(&str) -> Result<ProbeAnswer, Error> + Send + Sync>;

impl Prober {
    /// A prober without open connections.
    pub fn new() -> Self {
        Self {
            http: HttpClient::new(TIMEOUT),
            #[cfg(test)]
            gateway: None,
            #[cfg(test)]
            answers: None,
        }
    }

    /// A prober that sends nothing, and gets these answers.
    #[cfg(test)]
    pub fn answered_by(answers: Answers) -> Self {
        Self { answers: Some(answers), ..Self::new() }
    }

    /// A prober that sends every request to one server, which learns the host from the path.
    #[cfg(test)]
    pub fn through(gateway: &str) -> Self {
        Self { gateway: Some(gateway.to_owned()), ..Self::new() }
    }

    /// Requests a real inference at this base URL: of a Service, for example `http://fraud.risk.svc`, or of a pod.
    pub async fn url(&self, base: &str) -> Result<ProbeAnswer, Error> {
        #[cfg(test)]
        if let Some(answers) = &self.answers {
            return answers(base);
        }
        #[cfg(test)]
        let base = &self.gateway.as_ref().map_or_else(
            || base.to_owned(),
            |gateway| format!("{gateway}/{}", base.trim_start_matches("http://")),
        );
        self.http.json(&format!("{base}{}", paths::PROBE)).await
    }
}

/// The signature of a model, in the form of `status.model` of its version.
pub fn signature(model: probe::Signature) -> ModelSignature {
    let probe::Signature { inputs, outputs, opset, bytes } = model;
    let tensors = |all: Vec<probe::Tensor>| {
        all.into_iter()
            .map(|probe::Tensor { name, datatype, shape, any_shape }| TensorSpec {
                name,
                datatype,
                shape,
                any_shape,
            })
            .collect()
    };
    ModelSignature {
        inputs: tensors(inputs),
        outputs: tensors(outputs),
        omitted: 0,
        opset,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
    }
}
