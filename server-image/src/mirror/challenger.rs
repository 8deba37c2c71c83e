//! Who gets copies, and the way to it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Uri, uri::InvalidUri};
use understudy_contract::routing::ChallengerRoute;

use super::{breaker::Admission, upstream::Upstream};
use crate::call::Identity;

/// Who gets copies.
#[derive(Debug)]
pub struct Challenger {
    route: ChallengerRoute,
    /// Who it is; another one's answers are not taken for its own.
    pub identity: Arc<Identity>,
    /// Where an inference is asked.
    pub(super) infer: Uri,
    /// Where records of named columns are asked.
    pub(super) predict: Uri,
    /// The reservation of calls that is copied, 0 to 100.
    pub percent: u8,
    /// How long a copy may wait and be under way.
    pub(super) timeout: Duration,
    /// The way to it.
    pub(super) upstream: Upstream,
}

impl Challenger {
    /// The challenger of `deployment` at `route`, without a connection yet. Fails where the URL is none.
    pub fn new(route: &ChallengerRoute, deployment: &str) -> Result<Self, InvalidUri> {
        let uri = |path: &str| format!("{}{path}", route.url).parse::<Uri>();
        Ok(Self {
            infer: uri(&format!("/v2/models/{deployment}/infer"))?,
            predict: uri("/predict")?,
            identity: Arc::new(Identity { version: route.version.clone(), digest: route.digest.clone() }),
            percent: route.sample_percent.min(100),
            timeout: Duration::from_millis(route.timeout_millis),
            upstream: Upstream::default(),
            route: route.clone(),
        })
    }

    /// Whether it is the one that `route` says, with the same rules.
    #[must_use]
    pub fn is_at(&self, route: &ChallengerRoute) -> bool {
        self.route == *route
    }

    /// Whether a call may be copied now. The body is needed only if so.
    #[must_use]
    pub fn admit(&self) -> Admission {
        self.upstream.breaker.admit(Instant::now(), self.timeout)
    }

    /// Whether it is left alone for a while.
    #[must_use]
    pub fn is_open(&self) -> bool {
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
