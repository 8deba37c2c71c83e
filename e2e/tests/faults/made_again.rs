//! A23, A24, A30: an object is deleted and made again under its name with other bytes, or is deleted and held by a finalizer.
//! Everybody here has an administrator's rights, so that no rule on deletions hides what the operator does.

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, future::select, stream};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service};
use kube::{
    Resource, ResourceExt,
    api::DeleteParams,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        watcher::{Config, watcher},
    },
};
use rand::RngExt as _;
use serde_json::json;
use tokio::task::JoinHandle;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, condition};

use understudy_e2e::bare::{ALICE, BOB, CAROL, World, eventually, in_a_world};

use crate::invariants::Invariants;

/// Models that are attacked at the same time, and how often each one.
const MODELS: usize = 8;
const TRIES: usize = 25;
/// A promotion causes about as many changes of version, deployment and Service.
const MOMENTS: usize = 14;

/// Watches the Deployments of a namespace, and keeps every digest that a pod template ever had.
struct Served {
    digests: Arc<Mutex<BTreeSet<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    fn of(world: &World) -> Self {
        let digests = Arc::<Mutex<BTreeSet<String>>>::default();
        let found = Arc::clone(&digests);
        let mut seen =
            watcher(world.api::<Deployment>(), Config::default()).default_backoff().applied_objects().boxed();
        let task = tokio::spawn(async move {
            while let Some(workload) = seen.next().await {
                let spec = workload.ok().and_then(|w| w.spec?.template.spec);
                let arguments =
                    spec.into_iter().flat_map(|pod| pod.containers).flat_map(|c| c.args.unwrap_or_default());
                let of = arguments.filter_map(|a| a.strip_prefix("--sha256=").map(str::to_owned));
                found.lock().unwrap_or_else(PoisonError::into_inner).extend(of);
            }
        });
        Self { digests, task }
    }

    fn ensure_never(&self, digests: &[String]) -> Result<()> {
        let seen = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        for digest in digests {
            ensure!(!seen.contains(digest), "pods of {digest}, which nobody approved, have started");
        }
        Ok(())
    }
}

/// Waits until the objects of a model have changed this often, or the version is in Production.
async fn changed(world: &World, model: &str, version: &str, times: usize) -> Result<()> {
    fn changes<K>(world: &World, name: &str) -> stream::BoxStream<'static, ()>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + Send
            + serde::de::DeserializeOwned
            + 'static,
    {
        let only = Config::default().fields(&format!("metadata.name={name}"));
        watcher(world.api::<K>(), only).default_backoff().applied_objects().map(|_| ()).boxed()
    }
    let all = stream::select_all([
        changes::<ModelVersion>(world, version),
        changes::<ModelDeployment>(world, model),
        changes::<Service>(world, model),
    ]);
    let enough = pin!(all.take(times).count());
    let over = pin!(world.await_stage(version, Stage::Production));
    select(enough, over).await;
    Ok(())
}

/// The version label that callers of the model follow.
async fn callers_reach(world: &World, model: &str) -> Result<Option<String>> {
    let service = world.api::<Service>().get_opt(model).await?;
    Ok(service.and_then(|service| service.spec?.selector?.get("understudy.dev/version").cloned()))
}

/// Tries H1 once on this model: at a random moment between approval and Production the version is deleted, and made again
/// with other bytes. Returns the digest of those.
async fn attack(world: &World, model: &str, round: usize) -> Result<String> {
    let number = format!("1.{round}.0");
    let name = world.stage(model, &number).await?;
    let request = world.open_request(&name, Stage::Production).await?;
    let first = world.api::<ModelVersion>().get(&name).await?.uid();
    world.approve(&name, &request.id).await?;
    let moment = rand::rng().random_range(0..MOMENTS);
    changed(world, model, &name, moment).await?;
    world.api::<ModelVersion>().delete(&name, &DeleteParams::default()).await?;
    let other = world.publish_other(&name, model, &number).await?;

    // The operator has seen the new object and has put main in order.
    let new = world.api::<ModelVersion>().get(&name).await?.uid();
    eventually(
        &format!("{name} after {moment} changes: main is what callers reach, and not the old object"),
        async || {
            let md = world.api::<ModelDeployment>().get(model).await?;
            let main = md.main().cloned();
            let is_gone = main.as_ref().is_none_or(|main| main.uid != first);
            let label = main.as_ref().map_or_else(|| "none".to_owned(), |main| main.version.clone());
            let reached = callers_reach(world, model).await?;
            let seen = world.api::<ModelVersion>().get(&name).await?;
            let is_seen = seen.status.as_ref().is_some_and(|s| s.observed_generation.is_some());
            Ok((is_gone && reached == Some(label) && is_seen).then_some(()))
        },
    )
    .await?;
    let version = world.api::<ModelVersion>().get(&name).await?;
    ensure!(version.uid() == new, "the object was made again once more");
    ensure!(version.stage() == Stage::None, "{name} is in {}, after {moment} changes", version.stage());
    ensure!(version.history().is_empty(), "{name} has a history: {:?}", version.history());
    let md = world.api::<ModelDeployment>().get(model).await?;
    ensure!(md.main().is_none_or(|main| main.uid != new), "the new {name} is main, after {moment} changes");
    Ok(other)
}

#[tokio::test]
async fn a23_a_version_that_is_made_again_before_production_starts_anew_and_its_bytes_never_run() -> Result<()>
{
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        let (invariants, served) = (Invariants::of(world), Served::of(world));
        let models = (0..MODELS).map(|model| {
            let served = &served;
            async move {
                let model = format!("model-{model}");
                world.deploy(&model, &json!({})).await?;
                for round in 0..TRIES {
                    let other = attack(world, &model, round).await?;
                    served.ensure_never(&[other])?;
                }
                anyhow::Ok(())
            }
        });
        for attacked in futures::future::join_all(models).await {
            attacked?;
        }
        invariants.ensure_held()
    })
    .await
}

#[tokio::test]
async fn a24_the_previous_version_that_is_made_again_gets_no_pods_and_no_secret() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        let served = Served::of(world);
        world.deploy("fraud", &json!({"rollback": {"keepWarm": "1h"}})).await?;
        let previous = world.promote("fraud", "1.0.0").await?;
        world.promote("fraud", "1.1.0").await?;
        world.await_stage(&previous, Stage::Archived).await?;
        world.api::<ModelVersion>().delete(&previous, &DeleteParams::default()).await?;
        let other = world.publish_other(&previous, "fraud", "1.0.0").await?;
        eventually("the warm pods of the deleted version are gone", async || {
            let labels = |w: &Deployment| w.labels().get("understudy.dev/version").cloned();
            let all = world.owned::<Deployment>().await?;
            Ok(all.iter().all(|w| labels(w).as_deref() == Some("1.1.0")).then_some(()))
        })
        .await?;
        world.roll_back("fraud", "1.0.0", "1").await?;
        let refused = |md: &ModelDeployment| {
            let rollback = md.status.as_ref().and_then(|status| status.rollback.as_ref());
            rollback.is_some_and(|r| r.message.contains("was never approved for Production"))
        };
        world.await_deployment("the rollback is refused", "fraud", refused).await?;
        served.ensure_never(&[other])
    })
    .await
}

#[tokio::test]
async fn a30_a_model_that_is_being_deleted_is_managed_until_it_is_gone() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"rollback": {"keepWarm": "1h"}})).await?;
        let first = world.promote("fraud", "1.0.0").await?;
        let second = world.promote("fraud", "1.1.0").await?;
        world.await_stage(&first, Stage::Archived).await?;
        let hold = json!({"metadata": {"finalizers": ["example.com/hold"]}});
        world.patch::<ModelDeployment>(ALICE, "fraud", &hold).await?;
        world.patch::<ModelVersion>(ALICE, &second, &hold).await?;
        world.api::<ModelDeployment>().delete("fraud", &DeleteParams::background()).await?;
        world.api::<ModelVersion>().delete(&second, &DeleteParams::background()).await?;

        let service = world.api::<Service>().get("fraud").await?.uid();
        world.api::<Service>().delete("fraud", &DeleteParams::background()).await?;
        world.await_object("the Service is repaired", "fraud", |s: &Service| s.uid() != service).await?;
        world.roll_back("fraud", "1.0.0", "1").await?;
        world.await_main("fraud", "1.0.0").await?;
        world.await_stage(&first, Stage::Production).await?;
        world.await_stage(&second, Stage::Archived).await?;
        let release = json!({"metadata": {"finalizers": null}});
        world.patch::<ModelDeployment>(ALICE, "fraud", &release).await?;
        world.await_stage(&first, Stage::Archived).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a32_a_failed_verdict_counts_before_an_approval_that_was_given_while_no_operator_ran() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        world.deploy("fraud", &json!({"approval": {}})).await?;
        let name = world.stage("fraud", "1.0.0").await?;
        let accept = |verdict: &str| {
            json!({"metadata": {"annotations": {"understudy.dev/accept": verdict, "understudy.dev/accepted-by": CAROL}}})
        };
        world.patch::<ModelVersion>(CAROL, &name, &accept("passed")).await?;
        let request = world.open_request(&name, Stage::Production).await?;
        let passed = |v: &ModelVersion| v.status.as_ref().is_some_and(|s| s.acceptance.is_some());
        world.await_version("accepted", &name, passed).await?;
        operator.terminate().await?;
        world.approve(&name, &request.id).await?;
        world.patch::<ModelVersion>(CAROL, &name, &accept("failed")).await?;

        let _operator = world.operator("second").lead().await?;
        let held = |v: &ModelVersion| {
            let conditions = v.status.as_ref().map_or(&[][..], |status| &status.conditions);
            condition::find(conditions, condition::APPROVABLE).is_some_and(|c| c.reason == "AcceptanceFailed")
        };
        let held = world.await_version("the approval waits", &name, held).await?;
        ensure!(held.production_approval().is_none(), "{BOB}'s approval was recorded");
        held.transition().context("the request is open").map(drop)
    })
    .await
}
