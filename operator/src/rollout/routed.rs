//! What became of the routing: whether callers follow main, and what failed after that.
//!
//! Callers follow the stable Service. Everything else (the pods' file, the budget, the notification of pods) comes after
//! it, and its failures do not change who is main.

use super::error::Error;

/// Proof that the stable Service selects the main of this pass. Without it, main cannot be recorded.
#[derive(Debug)]
pub struct Switched(());

impl Switched {
    /// The API server has confirmed the Service.
    pub(super) const fn confirmed() -> Self {
        Self(())
    }
}

/// The failures after the Service was switched. They are reported, and the next pass tries again.
#[derive(Debug, Default)]
pub struct Rest {
    /// The routing file of the pods could not be written. Then no pod was notified.
    pub file: Option<Error>,
    /// The disruption budget could not be written or deleted.
    pub budget: Option<Error>,
    /// A pod could not be notified of the new file.
    pub pods: Option<Error>,
}

/// What became of the routing.
#[derive(Debug)]
pub struct Routed {
    /// The stable Service.
    pub service: Result<Switched, Error>,
    /// What follows it. Nothing does if the Service failed.
    pub rest: Rest,
}

impl Routed {
    /// The Service was or was not switched. Nothing follows yet.
    pub fn new(service: Result<Switched, Error>) -> Self {
        Self { service, rest: Rest::default() }
    }

    /// Whether callers follow main.
    pub const fn has_callers(&self) -> bool {
        self.service.is_ok()
    }

    /// Whether every pod follows the new routing. Pods that could not be notified continue with the old one.
    pub const fn reached_pods(&self) -> bool {
        self.service.is_ok() && self.rest.file.is_none() && self.rest.pods.is_none()
    }

    /// The first failure.
    pub fn failure(&self) -> Option<&Error> {
        let Rest { file, budget, pods } = &self.rest;
        self.service.as_ref().err().or(file.as_ref()).or(budget.as_ref()).or(pods.as_ref())
    }

    /// The first failure, as the result of the pass.
    pub fn into_result(self) -> Result<(), Error> {
        let Rest { file, budget, pods } = self.rest;
        self.service?;
        file.or(budget).or(pods).map_or(Ok(()), Err)
    }
}
