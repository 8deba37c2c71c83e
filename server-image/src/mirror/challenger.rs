//! The challenger as the routing file names it, with its connections.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Uri, uri::InvalidUri};
use understudy_contract::routing::ChallengerRoute;

use super::{breaker::Admission, upstream::Upstream};
use crate::{call::Identity, proto::MODEL_INFER};

/// The version that gets copies of main's calls.
#[derive(Debug)]
pub struct Challenger {
    route: ChallengerRoute,
    /// Version and digest. Answers of another version are dropped.
    pub identity: Arc<Identity>,
    /// Percentage of calls that are copied, 0 to 100.
    pub sample_percent: u8,
    /// URL for copies of inference requests.
    pub(super) infer: Uri,
    /// URL for copies of calls over gRPC.
    pub(super) grpc: Uri,
    /// URL for copies of `/predict` requests.
    pub(super) predict: Uri,
    /// The time that it has to answer a copy, and the longest time of a copy in the queue.
    pub(super) timeout: Duration,
    /// Connections and circuit breaker.
    pub(super) upstream: Upstream,
}

impl Challenger {
    /// The challenger of `deployment` at `route`, without open connections. Fails if the route has an invalid URL.
    pub fn new(route: &ChallengerRoute, deployment: &str) -> Result<Self, InvalidUri> {
        let uri = |path: &str| format!("{}{path}", route.url).parse::<Uri>();
        Ok(Self {
            infer: uri(&format!("/v2/models/{deployment}/infer"))?,
            grpc: uri(MODEL_INFER)?,
            predict: uri("/predict")?,
            identity: Arc::new(Identity { version: route.version.clone(), digest: route.digest.clone() }),
            sample_percent: route.sample_percent.min(100),
            timeout: Duration::from_millis(route.timeout_millis),
            upstream: Upstream::default(),
            route: route.clone(),
        })
    }

    /// Whether it was made of exactly this `route`.
    #[must_use]
    pub fn has_route(&self, route: &ChallengerRoute) -> bool {
        self.route == *route
    }

    /// The time that it has to answer a copy.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether its circuit breaker allows a copy now.
    #[must_use]
    pub fn admit(&self) -> Admission {
        self.upstream.breaker.admit(Instant::now(), self.timeout)
    }

    /// Whether its circuit is open: it failed several times in a row and gets no copies.
    #[must_use]
    pub fn is_circuit_open(&self) -> bool {
        self.upstream.breaker.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_go_to_the_inference_paths_of_the_challengers_service() {
        let mut route = ChallengerRoute {
            version: "1.4.0".to_owned(),
            digest: "sha256:00".to_owned(),
            url: "http://fraud-challenger.risk.svc".to_owned(),
            sample_percent: 100,
            timeout_millis: 1000,
        };
        let challenger = Challenger::new(&route, "fraud").unwrap();
        assert_eq!(challenger.infer, "http://fraud-challenger.risk.svc/v2/models/fraud/infer");
        assert_eq!(challenger.predict, "http://fraud-challenger.risk.svc/predict");
        route.url = "http://a b".to_owned();
        assert!(Challenger::new(&route, "fraud").is_err());
    }
}
