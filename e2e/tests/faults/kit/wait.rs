//! Waits for a state. Objects are watched. Health, metrics and logs have no watch and are read again and again.

use std::{collections::BTreeMap, fmt::Debug, pin::pin, time::Duration};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Resource, ResourceExt,
    core::NamespaceResourceScope,
    runtime::{WatchStreamExt, wait, watcher},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{control_plane::OPERATOR, world::World};

/// Longer than any step of a working operator takes on a busy machine, a change of the leader included.
pub const DEADLINE: Duration = Duration::from_mins(1);
/// Health, metrics and logs are read again after this pause.
const PACE: Duration = Duration::from_millis(250);

/// A kind that a test waits for.
pub trait Awaited:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + 'static
{
}
impl<K> Awaited for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static
{
}

impl World {
    /// Waits until the object exists and is as `predicate` says.
    pub async fn await_object<K: Awaited>(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(&K) -> bool,
    ) -> Result<K> {
        let is_it = |object: Option<&K>| object.is_some_and(&predicate);
        let waiting = wait::await_condition(self.api::<K>(), name, is_it);
        let found = timeout(DEADLINE, waiting).await;
        let found = found.with_context(|| format!("timed out: {} {name}: {what}", K::kind(&())))?;
        found?.context("the predicate requires an object")
    }

    /// Waits for a `ModelVersion`.
    pub async fn await_version(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(&ModelVersion) -> bool,
    ) -> Result<ModelVersion> {
        self.await_object(what, name, predicate).await
    }

    /// Waits for a `ModelDeployment`.
    pub async fn await_deployment(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(&ModelDeployment) -> bool,
    ) -> Result<ModelDeployment> {
        self.await_object(what, name, predicate).await
    }

    /// Waits until exactly `count` objects of this kind are as `predicate` says.
    pub async fn await_all<K: Awaited>(
        &self,
        what: &str,
        count: usize,
        predicate: impl Fn(&K) -> bool,
    ) -> Result<()> {
        let changes =
            watcher::watcher(self.api::<K>(), watcher::Config::default()).default_backoff().applied_objects();
        let mut changes = pin!(changes);
        let mut fulfilled = BTreeMap::new();
        let waiting = async {
            while fulfilled.values().filter(|is_it| **is_it).count() != count {
                let object = changes.try_next().await?.context("a watch does not end")?;
                fulfilled.insert(object.name_any(), predicate(&object));
            }
            Ok(())
        };
        let result: Option<Result<()>> = timeout(DEADLINE, waiting).await.ok();
        result.unwrap_or_else(|| {
            let done = fulfilled.values().filter(|is_it| **is_it).count();
            bail!("timed out: {done} of {count} objects of the kind {}: {what}", K::kind(&()))
        })
    }

    /// Waits until the operator of this name holds the Lease.
    pub async fn await_leader(&self, operator: &str) -> Result<()> {
        self.await_object(&format!("held by {operator}"), OPERATOR, is_held_by(operator)).await.map(drop)
    }

    /// The same with another time limit.
    pub async fn await_leader_within(&self, limit: Duration, operator: &str) -> Result<()> {
        within(limit, &format!("{operator} leads"), async || {
            Ok(self.api::<Lease>().get_opt(OPERATOR).await?.filter(is_held_by(operator)).map(drop))
        })
        .await
    }
}

fn is_held_by(operator: &str) -> impl Fn(&Lease) -> bool {
    move |lease| lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()) == Some(operator)
}

/// Waits until `check` returns something, and returns it. An error of `check` counts as not yet.
pub async fn eventually<T>(what: &str, check: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    within(DEADLINE, what, check).await
}

/// The same with another time limit.
pub async fn within<T>(limit: Duration, what: &str, check: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let (begun, mut pace) = (Instant::now(), interval(PACE));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        match check().await {
            Ok(Some(found)) => return Ok(found),
            seen if begun.elapsed() > limit => {
                bail!("timed out: {what}: {:#}", seen.err().unwrap_or_else(|| anyhow::anyhow!("not yet")))
            }
            _ => {}
        }
    }
}
