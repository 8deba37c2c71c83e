//! Waits for a state. Objects are watched. What has no watch is read again and again.

use std::{fmt::Debug, time::Duration};

use anyhow::{Result, anyhow, bail};
use kube::{Api, Resource, core::NamespaceResourceScope, runtime::wait};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// What has no watch is read again after this pause.
const PACE: Duration = Duration::from_millis(250);

/// A kind that a test waits for.
pub trait Awaited: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {}
impl<K> Awaited for K where K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {}

/// One with a namespace.
pub trait Namespaced: Awaited + Resource<Scope = NamespaceResourceScope> {}
impl<K> Namespaced for K where K: Awaited + Resource<Scope = NamespaceResourceScope> {}

/// Waits until the object with this name is as `predicate` says (`None`: it does not exist), and returns it. After
/// `limit`, the error is what `timed_out` makes of the kind, the name and `what`.
pub async fn condition<K: Awaited>(
    limit: Duration,
    what: &str,
    (api, name): (Api<K>, &str),
    predicate: impl Fn(Option<&K>) -> bool,
    timed_out: impl AsyncFnOnce(&str) -> anyhow::Error,
) -> Result<Option<K>> {
    match timeout(limit, wait::await_condition(api, name, predicate)).await {
        Ok(found) => Ok(found?),
        Err(_) => Err(timed_out(&format!("{} {name}: {what}", K::kind(&()))).await),
    }
}

/// Waits until `check` returns something, and returns it. An error of `check` counts as not yet.
pub async fn within<T>(limit: Duration, what: &str, check: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let (begun, mut pace) = (Instant::now(), interval(PACE));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        match check().await {
            Ok(Some(found)) => return Ok(found),
            seen if begun.elapsed() > limit => {
                bail!("timed out: {what}: {:#}", seen.err().unwrap_or_else(|| anyhow!("not yet")))
            }
            _ => {}
        }
    }
}
