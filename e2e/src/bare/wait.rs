//! Waits for a state of objects in a [`World`].

use std::{collections::BTreeMap, pin::pin, time::Duration};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use tokio::time::timeout;
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{
    control_plane::OPERATOR,
    patience::{DEADLINE, await_holder, await_object, is_held_by},
    world::World,
};
use crate::awaited::{Namespaced, within};

impl World {
    /// Waits until the object exists and is as `predicate` says.
    pub async fn await_object<K: Namespaced>(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(&K) -> bool,
    ) -> Result<K> {
        await_object(what, (self.api(), name), predicate).await
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
    pub async fn await_all<K: Namespaced>(
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
        await_holder(self.api(), operator).await
    }

    /// The same with another time limit.
    pub async fn await_leader_within(&self, limit: Duration, operator: &str) -> Result<()> {
        within(limit, &format!("{operator} leads"), async || {
            Ok(self.api::<Lease>().get_opt(OPERATOR).await?.filter(is_held_by(operator)).map(drop))
        })
        .await
    }
}
