//! The time from an approval to the switch of the Service, of a version whose pods are ready before.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryFutureExt, TryStreamExt};
use k8s_openapi::api::core::v1::Service;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, wait::await_condition, watcher},
};
use serde_json::json;
use tokio::time::timeout;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, names};

use super::fleet::Fleet;

/// Much longer than a promotion takes.
const LIMIT: Duration = Duration::from_mins(1);

/// Promotes versions with these indices, one after the other, in each of so many models. Returns the times from the approval
/// to the change of the selector, and those of as many changes of a selector by hand, each as a watch sees it.
pub async fn promote_and_time(
    fleet: &Fleet,
    models: usize,
    versions: std::ops::Range<usize>,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut own, mut by_hand) = (vec![], vec![]);
    for version in versions {
        let names = (0..models).map(|model| Fleet::version(model, version));
        fleet.bring(names.collect(), Stage::Staging).await?;
        for model in 0..models {
            own.push(promote(fleet, model, version).await?);
            by_hand.push(switch(fleet, model, version).await?);
        }
    }
    Ok((own, by_hand))
}

async fn promote(fleet: &Fleet, model: usize, version: usize) -> Result<Duration> {
    let (deployment, name) = (Fleet::model(model), Fleet::version(model, version));
    let versions = fleet.api::<ModelVersion>();
    let serves = |mv: Option<&ModelVersion>| {
        let status = mv.and_then(|mv| mv.status.as_ref());
        status.is_some_and(|s| {
            understudy_crds::condition::is_true(&s.conditions, understudy_crds::condition::SERVING)
        })
    };
    timeout(LIMIT, await_condition(versions.clone(), &name, serves)).await.context("it does not serve")??;
    fleet.request(&name, Stage::Production).await?;
    let pending = |mv: Option<&ModelVersion>| {
        mv.and_then(ModelVersion::transition).is_some_and(|t| t.to == Stage::Production)
    };
    let requested = timeout(LIMIT, await_condition(versions, &name, pending)).await;
    let requested = requested.context("the request is not open")??;
    let id = requested.and_then(|mv| mv.transition().map(|t| t.id.clone())).context("it is open")?;
    let label = names::version_label(&Fleet::number(version));
    let is_switched = |service: &Service| {
        let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
        selector.and_then(|selector| selector.get(names::VERSION_LABEL)) == Some(&label)
    };
    let took = time_until(fleet, &deployment, is_switched, fleet.approve(&name, &id)).await?;
    let is_main = |md: Option<&ModelDeployment>| {
        md.and_then(ModelDeployment::main).is_some_and(|main| main.version == Fleet::number(version))
    };
    timeout(LIMIT, await_condition(fleet.api::<ModelDeployment>(), &deployment, is_main))
        .await
        .context("it is not main")??;
    Ok(took)
}

/// An annotation on the Service of the model: one write of the same object, as a limit of every switch.
async fn switch(fleet: &Fleet, model: usize, version: usize) -> Result<Duration> {
    let name = Fleet::model(model);
    let mark = Fleet::number(version);
    let is_marked = |service: &Service| service.annotations().get("example.com/by-hand") == Some(&mark);
    let marked = async {
        let patch = json!({"metadata": {"annotations": {"example.com/by-hand": mark}}});
        let patch = Patch::Merge(patch);
        fleet.api::<Service>().patch(&name, &PatchParams::default(), &patch).await.map(drop)
    };
    time_until(fleet, &name, is_marked, marked.err_into()).await
}

/// The time from the beginning of `act` until a watch of the Service delivers it as `is_it` says. The Service is listed before:
/// with many Services, that list would be a load of its own.
async fn time_until(
    fleet: &Fleet,
    service: &str,
    is_it: impl Fn(&Service) -> bool,
    act: impl Future<Output = Result<()>>,
) -> Result<Duration> {
    let one = watcher::Config::default().fields(&format!("metadata.name={service}"));
    let mut changes = watcher(fleet.api::<Service>(), one).default_backoff().applied_objects().boxed();
    changes.try_next().await?.context("the Service exists")?;
    let begun = Instant::now();
    let seen = async {
        while let Some(service) = changes.try_next().await? {
            if is_it(&service) {
                return Ok(begun.elapsed());
            }
        }
        anyhow::bail!("a watch does not end")
    };
    let seen = async { timeout(LIMIT, seen).await.context("the Service does not change")? };
    // Not at the same time: the watch could take the open connection, and the act would wait for another one.
    act.await?;
    seen.await
}
