//! How long a test waits, and waits for what is not in a namespace of its own.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use super::control_plane::OPERATOR;
use crate::awaited::{Namespaced, condition, within};

/// Longer than any step of a working operator takes on a busy machine, a change of the leader included.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until the object with this name exists and is as `predicate` says, and returns it.
pub(super) async fn await_object<K: Namespaced>(
    what: &str,
    (api, name): (Api<K>, &str),
    predicate: impl Fn(&K) -> bool,
) -> Result<K> {
    let is_it = |object: Option<&K>| object.is_some_and(&predicate);
    let timed_out = async |what: &str| anyhow!("timed out: {what}");
    let found = condition(DEADLINE, what, (api, name), is_it, timed_out).await?;
    found.context("the predicate requires an object")
}

/// Waits until the operator of this name holds the Lease.
pub(super) async fn await_holder(leases: Api<Lease>, operator: &str) -> Result<()> {
    let what = format!("held by {operator}");
    await_object(&what, (leases, OPERATOR), is_held_by(operator)).await.map(drop)
}

/// Whether the operator of this name holds the Lease.
pub(super) fn is_held_by(operator: &str) -> impl Fn(&Lease) -> bool {
    move |lease| lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()) == Some(operator)
}

/// Waits until `check` returns something, and returns it. An error of `check` counts as not yet.
pub async fn eventually<T>(what: &str, check: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    within(DEADLINE, what, check).await
}
