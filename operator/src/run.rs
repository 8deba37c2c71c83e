//! The wiring: one Lease, one set of caches and controllers for each scope, one shutdown signal. If any task ends, the
//! process ends.

use std::{error::Error as StdError, sync::Arc, time::Instant};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use jiff::Timestamp;
use kube::{
    Client, Resource, ResourceExt,
    runtime::{Controller, controller, controller::Action, reflector::ObjectRef, reflector::Store},
};
use serde::de::DeserializeOwned;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::{ReceiverStream, WatchStream};
use tracing::{info, warn};

use crate::{
    approval,
    args::RunArgs,
    backoff::Backoff,
    cluster::{scope::Scope, watch::watch_all},
    config::{self, Config},
    context::Context,
    decision_log::{Journal, Replay},
    error_chain::chain,
    http,
    leader::{Elector, Lost},
    metrics::Metrics,
    model_server::{probe::Prober, summary::SummaryClient},
    policy::{self, ApprovalPolicy},
    rollout, startup,
};

/// Concurrent passes of each controller: enough to use an API server well, without starving its other clients.
const CONCURRENCY: u16 = 16;

/// The operator ended without a signal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error("failed to configure the client of the API server")]
    Client(#[source] Box<dyn StdError + Send + Sync>),
    #[error("failed to load the approval policy that the chart installed")]
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
    let config = Arc::new(Config::read(&args.config)?);
    let client = Client::try_default().await.map_err(|e| Error::Client(Box::new(e)))?;
    let metrics = Metrics::new();
    let (stop, stopped) = watch::channel(false);
    let (ready, readiness) = watch::channel(false);

    let health = http::serve_health(args.health_port, readiness, until(stopped.clone()));
    let exposition = http::serve_metrics(args.metrics_port, Arc::clone(&metrics), until(stopped.clone()));
    let contacted = ready.clone();
    let work = async {
        if !startup::contact(&client, until(stopped.clone())).await {
            return Ok(());
        }
        // Without a receiver, the endpoints have ended, and with them the process.
        let _ = contacted.send(true);
        lead(&args, config, client.clone(), metrics, stopped).await
    };
    let signals = async move {
        let mut terminate = signal(SignalKind::terminate()).map_err(|e| Error::Setup(Box::new(e)))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| Error::Setup(Box::new(e)))?;
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        info!("shutting down");
        // From here on /readyz fails. The controllers finish the passes that are in progress.
        let _ = ready.send(false);
        let _ = stop.send(true);
        Ok::<(), Error>(())
    };
    tokio::try_join!(signals, work, async { health.await.map_err(Error::from) }, async {
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
    let mut controllers = vec![];
    for scope in scopes {
        controllers.push(control(
            args,
            scope,
            replay,
            Arc::clone(&config),
            client.clone(),
            Arc::clone(&metrics),
            stopped.clone(),
        )?);
    }
    let result = tokio::select! {
        result = futures::future::try_join_all(controllers) => result.map(|_| ()),
        lost = elector.renew() => Err(lost.into()),
    };
    metrics.leads(false);
    if result.is_ok() {
        elector.release().await;
    }
    result
}

/// Both controllers of one scope, until `stopped`.
fn control(
    args: &RunArgs,
    scope: Scope,
    replay: Replay,
    config: Arc<Config>,
    client: Client,
    metrics: Arc<Metrics>,
    stopped: watch::Receiver<bool>,
) -> Result<BoxFuture<'static, Result<(), Error>>, Error> {
    let names = config.policy_name.as_deref().zip(config.binding_name.as_deref());
    let policy = ApprovalPolicy::new(client.clone(), &args.policy_dir, names)?;
    let journal = Journal::new(client.clone(), &args.pod_name, replay);
    let (cache, triggers, watching) = watch_all(&client, &scope, &metrics);
    metrics.watch(cache.versions.clone(), cache.deployments.clone());
    let ctx = Arc::new(Context {
        client,
        cache,
        config,
        policy,
        prober: Prober::new(),
        journal,
        metrics,
        summaries: SummaryClient::new(),
    });
    let work = async move {
        let controllers = async {
            if ctx.cache.synced().await.is_err() {
                return Err(Error::Ended("a watch"));
            }
            info!(?scope, "filled the caches, reconciling");
            let versions = drive(
                triggers.versions,
                ctx.cache.versions.clone(),
                &ctx,
                stopped.clone(),
                "modelversion",
                |version, ctx| approval::reconcile(version, ctx).boxed(),
            );
            let state = Arc::new(rollout::State::default());
            let deployments = drive(
                triggers.deployments,
                ctx.cache.deployments.clone(),
                &ctx,
                stopped.clone(),
                "modeldeployment",
                move |deployment, ctx| rollout::reconcile(deployment, ctx, Arc::clone(&state)).boxed(),
            );
            tokio::join!(versions, deployments);
            Ok(())
        };
        tokio::select! {
            result = controllers => result,
            () = watching => Err(Error::Ended("a watch")),
            () = ctx.policy.keep_checking(&ctx.cache, &scope, &ctx.metrics) => Err(Error::Ended("the check of the approval policy")),
        }
    };
    Ok(work.boxed())
}

/// The error of a pass.
pub trait PassError: StdError + Send + Sync + 'static {
    /// The reason in metrics and logs.
    fn reason(&self) -> &'static str;
    /// Whether the pass wrote nothing because its input was out of date. It is logged at level debug: another pass
    /// follows.
    fn had_no_effect(&self) -> bool;
}

impl PassError for approval::Error {
    fn reason(&self) -> &'static str {
        Self::reason(self).as_str()
    }

    fn had_no_effect(&self) -> bool {
        Self::had_no_effect(self)
    }
}

impl PassError for rollout::Error {
    fn reason(&self) -> &'static str {
        Self::reason(self)
    }

    fn had_no_effect(&self) -> bool {
        Self::had_no_effect(self)
    }
}

/// Runs one controller on the shared caches until `stopped`.
async fn drive<K, E>(
    triggers: mpsc::Receiver<ObjectRef<K>>,
    store: Store<K>,
    ctx: &Arc<Context>,
    stopped: watch::Receiver<bool>,
    name: &'static str,
    pass: impl Fn(Arc<K>, Arc<Context>) -> BoxFuture<'static, Result<Action, E>>,
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    E: PassError,
{
    let backoff = Arc::new(Backoff::default());
    let succeeded = Arc::clone(&backoff);
    let reconcile = move |object: Arc<K>, ctx: Arc<Context>| {
        let (backoff, started) = (Arc::clone(&succeeded), Instant::now());
        let pass = pass(Arc::clone(&object), Arc::clone(&ctx));
        async move {
            let result = pass.await;
            ctx.metrics.reconciled(name, started.elapsed(), result.as_ref().err().map(PassError::reason));
            if result.is_ok() {
                backoff.succeeded(&key(object.as_ref()));
            }
            result
        }
    };
    let after_error = move |object: Arc<K>, _: &E, _| Action::requeue(backoff.failed(key(object.as_ref())));
    // The first value of the channel is not a change.
    let policy_changes = WatchStream::from_changes(ctx.policy.subscribe()).map(|_| ());
    Controller::for_stream(stream::empty(), store)
        .reconcile_on(ReceiverStream::new(triggers))
        .reconcile_all_on(policy_changes)
        .with_config(controller::Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(until(stopped))
        .run(reconcile, after_error, Arc::clone(ctx))
        .for_each(|result| async move { log(name, result) })
        .await;
}

fn key<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

fn log<K, E>(
    controller: &str,
    result: Result<(ObjectRef<K>, Action), controller::Error<E, kube::runtime::watcher::Error>>,
) where
    K: Resource<DynamicType = ()>,
    E: PassError,
{
    match result {
        // The object was deleted between its event and its pass.
        Ok(_) | Err(controller::Error::ObjectNotFound(_)) => {}
        Err(controller::Error::ReconcilerFailed(error, object)) if error.had_no_effect() => {
            tracing::debug!(controller, %object, reason = error.reason(), "pass had no effect, trying again");
        }
        Err(controller::Error::ReconcilerFailed(error, object)) => {
            warn!(controller, %object, reason = error.reason(), error = chain(&error), "pass failed, trying again");
        }
        Err(error) => warn!(controller, error = chain(&error), "failed to schedule a pass, trying again"),
    }
}
