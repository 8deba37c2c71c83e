//! The installation, which is upgraded once for all tests: CRDs and policies exist once in a cluster.

use std::{
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;
use tokio::{process::Command, runtime::Runtime, sync::OnceCell};
use understudy_e2e::{
    bare::{Operator, World, eventually},
    recorded::{State, load, restore, server_image, under_the_installed_policy},
};

/// The recorded models, and in how many namespaces each is restored: one for each test.
const MODELS: [(&str, usize); 4] = [("served", 2), ("requested", 1), ("waiting", 1), ("rolled-back", 1)];

/// The tests share namespaces' kubelets and clients, which live on this runtime.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime can be built"));
/// The upgraded models, or why there are none.
static UPGRADED: OnceCell<Result<Mutex<Vec<Model>>, String>> = OnceCell::const_new();

/// A model after the upgrade of the charts, before the new operator starts.
pub struct Model {
    name: &'static str,
    server_image: String,
    world: World,
    /// What the release left behind.
    pub before: State,
}

impl Model {
    /// Its namespace.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Starts the new operator, with the server image of the release. Waits until it leads.
    pub async fn operator(&self) -> Result<Operator> {
        self.world.operator("new").server_image(&self.server_image).lead().await
    }
}

/// Runs a test with a recorded model that was upgraded.
pub fn upgraded(model: &str, test: impl AsyncFnOnce(&Model) -> Result<()>) -> Result<()> {
    RUNTIME.block_on(async {
        // The upgrade is a large future.
        let once = async || Box::pin(upgrade()).await.map_err(|error| format!("{error:#}"));
        let upgraded = UPGRADED.get_or_init(once).await;
        let models = upgraded.as_ref().map_err(|error| anyhow!("the upgrade failed: {error}"))?;
        let model = {
            let mut models = models.lock().unwrap_or_else(PoisonError::into_inner);
            let index = models.iter().position(|m| m.name == model);
            models.remove(index.with_context(|| format!("MODELS has fewer of {model} than there are tests"))?)
        };
        model.world.checked(async |_| test(&model).await).await
    })
}

/// A person acts. For some seconds after an upgrade of the CRDs, the stamping policy does not know their new fields, and
/// the API server refuses each write of an object that has one. Then the person tries again.
pub async fn patiently(act: impl AsyncFn() -> Result<()>) -> Result<()> {
    eventually("the stamping policy knows the new fields", async || match act().await {
        Err(error) if format!("{error:#}").contains("field not declared in schema") => Err(error),
        result => Ok(Some(result)),
    })
    .await?
}

async fn upgrade() -> Result<Mutex<Vec<Model>>> {
    let folder = std::env::var_os("RECORDED").map(PathBuf::from);
    let folder = folder.context("RECORDED is not set: run e2e/cluster/upgrade")?;
    let folder = checkout().join(folder);
    let mut models = vec![];
    for (name, count) in MODELS {
        let objects: Vec<Value> = load(&folder, name)?;
        for _ in 0..count {
            let world = World::new().await?;
            restore(&world, objects.clone()).await.with_context(|| format!("failed to restore {name}"))?;
            models.push((name, server_image(&objects)?.to_owned(), world));
        }
    }
    step("policies").await?;
    for (_, _, world) in &models {
        under_the_installed_policy(world).await?;
    }
    let mut before = vec![];
    for (name, server_image, world) in models {
        pods_are_ready(&world).await?;
        let state = State::of(&world).await?;
        before.push(Model { name, server_image, world, before: state });
    }
    step("charts").await?;
    Ok(Mutex::new(before))
}

/// Waits until each Deployment has its pods, as at the release.
async fn pods_are_ready(world: &World) -> Result<()> {
    let is_complete = |deployment: &Deployment| {
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
        deployment.status.as_ref().and_then(|status| status.ready_replicas) == wanted
    };
    let count = world.owned::<Deployment>().await?.len();
    world.await_all("its pods are ready", count, is_complete).await
}

/// A step of `e2e/cluster/upgrade`.
async fn step(name: &str) -> Result<()> {
    let status = Command::new(checkout().join("e2e/cluster/upgrade")).arg(name).status().await?;
    ensure!(status.success(), "e2e/cluster/upgrade {name} failed");
    Ok(())
}

/// The root of this checkout.
fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace")
}
