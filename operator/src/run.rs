//! The wiring: one Lease, one set of caches and controllers for each scope, one shutdown signal. If any task ends, the
//! process ends.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use kube::Client;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing::{info, warn};

use crate::{
    approval,
    args::RunArgs,
    clock,
    cluster::{cache::Cache, client, scope::Scope, settled::Settled, triggers::Triggers, watch::watch_all},
    config::{self, Config},
    context::Context,
    controller::Controller,
    decision_log::{Journal, Replay},
    health::Health,
    http,
    leader::{Elector, Lost},
    metrics::Metrics,
    model_server::{collector::Collector, probe::Prober, probes::Probes, summary::SummaryClient},
    policy::{self, ApprovalPolicy, Guard},
    rollout, startup,
};

/// Time for the passes in progress after a signal to end. A pass that is interrupted is continued by the next leader.
const SHUTDOWN: Duration = Duration::from_secs(15);

/// The operator ended without a signal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("failed to load the policies that the chart installed")]
    Policy(#[from] policy::Error),
    #[error("failed to install a signal handler")]
    Setup(#[source] Box<dyn StdError + Send + Sync>),
    #[error(transparent)]
    Http(#[from] http::Error),
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("{0} ended unexpectedly")]
    Ended(&'static str),
}

/// Runs until SIGTERM or SIGINT, or until something ends that must not.
pub async fn run(args: RunArgs) -> Result<(), Error> {
    // First of all: a signal without a handler ends the process as if it had failed.
    let handler = |kind| signal(kind).map_err(|e| Error::Setup(Box::new(e)));
    let (mut terminate, mut interrupt) =
        (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    let config = Arc::new(Config::read(&args.config)?);
    let health = Health::default();
    let client = client::connect(&health.heard).await?;
    let metrics = Metrics::new(health.heard.clone());
    let (stop, stopped) = watch::channel(false);

    let endpoints = http::serve_health(args.health_port, health.clone(), until(stopped.clone()));
    let exposition = http::serve_metrics(args.metrics_port, Arc::clone(&metrics), until(stopped.clone()));
    let work = async {
        if !startup::contact(&client, until(stopped.clone())).await {
            return Ok(());
        }
        health.has_contact();
        lead(&args, config, client.clone(), metrics, health.clone(), stopped).await
    };
    let stopping = health.clone();
    let signals = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        info!("shutting down");
        // From here on /readyz fails. The controllers finish the passes that are in progress.
        stopping.stops();
        let _ = stop.send(true);
        Ok::<(), Error>(())
    };
    tokio::try_join!(signals, work, async { endpoints.await.map_err(Error::from) }, async {
        exposition.await.map_err(Error::from)
    })?;
    info!("shut down");
    Ok(())
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender was dropped: everything else has ended, too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn lead(
    args: &RunArgs,
    config: Arc<Config>,
    client: Client,
    metrics: Arc<Metrics>,
    health: Health,
    stopped: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut elector =
        Elector::new(client.clone(), &args.pod_namespace, &args.pod_name, config.leader_election.clone());
    let renewal = tokio::select! {
        renewal = elector.acquire() => renewal,
        () = until(stopped.clone()) => return Ok(()),
    };
    let replay = Replay::after(renewal, Timestamp::now());
    metrics.leads(true);
    let scopes = if config.watch_namespaces.is_empty() {
        vec![Scope::Cluster]
    } else {
        config.watch_namespaces.iter().cloned().map(Scope::Namespace).collect()
    };
    let scopes: Vec<_> =
        scopes.into_iter().map(|scope| (scope, Cache::default(), Triggers::default())).collect();
    health.leads(scopes.iter().map(|(_, cache, triggers)| (cache.clone(), triggers.clone())).collect());
    let waves = Arc::new(rollout::Waves::new(&config));
    let watched: Vec<_> =
        scopes.iter().map(|(_, cache, triggers)| (cache.clone(), triggers.clone())).collect();
    let mut controllers = vec![];
    for (scope, cache, triggers) in scopes {
        metrics.watch(cache.clone(), triggers.clone());
        let names = config.policy_name.as_deref().zip(config.binding_name.as_deref());
        let ctx = Arc::new(Context {
            client: client.clone(),
            cache,
            settled: Settled::default(),
            config: Arc::clone(&config),
            policy: ApprovalPolicy::approval(client.clone(), &args.policy_dir, names)?,
            guard: Guard::guard(client.clone(), &args.policy_dir, names.is_some())?,
            probes: Probes::new(Prober::new(), triggers.clone()),
            journal: Journal::new(client.clone(), &args.pod_name, replay),
            metrics: Arc::clone(&metrics),
            collector: Collector::new(SummaryClient::new(), triggers.clone()),
        });
        let state = Arc::new(rollout::State::new(clock::now(), Arc::clone(&waves)));
        controllers.push(control(ctx, state, scope, triggers, &health, stopped.clone()));
    }
    let result = tokio::select! {
        result = futures::future::try_join_all(controllers) => result.map(|_| ()),
        lost = elector.renew() => Err(lost.into()),
        () = waves.run(&watched, &metrics) => Err(Error::Ended("the waves of rolls")),
    };
    metrics.leads(false);
    if result.is_ok() {
        elector.release().await;
    }
    result
}

/// Both controllers of one scope, until `stopped`.
fn control(
    ctx: Arc<Context>,
    state: Arc<rollout::State>,
    scope: Scope,
    triggers: Triggers,
    health: &Health,
    stopped: watch::Receiver<bool>,
) -> BoxFuture<'static, Result<(), Error>> {
    let watching = watch_all(&ctx.client, &scope, &ctx.cache, &triggers, &ctx.metrics, &health.heard);
    let (mut approval, mut guard) = (ctx.policy.subscribe(), ctx.guard.subscribe());
    async move {
        let synced = async {
            ctx.cache.synced().await;
            info!(?scope, "filled the caches, reconciling");
        };
        let (of_versions, of_deployments) = (Arc::clone(&ctx), Arc::clone(&ctx));
        let versions = Controller {
            name: "modelversion",
            queue: Arc::clone(&triggers.versions),
            store: ctx.cache.versions.clone(),
            metrics: Arc::clone(&ctx.metrics),
            pass: move |version| approval::reconcile(version, Arc::clone(&of_versions)).boxed(),
        };
        let deployments = Controller {
            name: "modeldeployment",
            queue: Arc::clone(&triggers.deployments),
            store: ctx.cache.deployments.clone(),
            metrics: Arc::clone(&ctx.metrics),
            pass: move |deployment| {
                rollout::reconcile(deployment, Arc::clone(&of_deployments), Arc::clone(&state)).boxed()
            },
        };
        let work = async {
            synced.await;
            tokio::join!(versions.run(stopped.clone()), deployments.run(stopped.clone()));
        };
        let policy_changed = async {
            // An error means that a policy was dropped, and both live as long as the context.
            while tokio::select! { changed = approval.changed() => changed, changed = guard.changed() => changed }
                .is_ok()
            {
                triggers.all(&ctx.cache);
            }
        };
        let abandoned = async {
            until(stopped.clone()).await;
            // Before the caches are filled nothing is in progress.
            if ctx.cache.is_synced() {
                tokio::time::sleep(SHUTDOWN).await;
                warn!(?scope, "abandoned passes that did not end in time");
            }
        };
        tokio::select! {
            () = work => Ok(()),
            () = abandoned => Ok(()),
            () = watching => Err(Error::Ended("a watch")),
            () = policy_changed => Err(Error::Ended("a policy")),
            () = ctx.policy.keep_checking(&ctx.cache, &scope, &ctx.metrics) => {
                Err(Error::Ended("the check of the approval policy"))
            }
            () = ctx.guard.keep_checking(&ctx.cache, &scope, &ctx.metrics) => {
                Err(Error::Ended("the check of the guard"))
            }
        }
    }
    .boxed()
}
