//! The life of the process: it listens, loads the model, serves and drains.

use std::{
    future::Future, net::SocketAddr, num::NonZeroUsize, path::Path, pin::Pin, sync::Arc, time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::Instant,
};
use understudy_contract::{Failure, Reason};
use understudy_stats::Baseline;

use crate::{
    analysis::{Peers, drift},
    args::Args,
    columns::Columns,
    grpc::{Grpc, Services},
    http::{
        calls::Listener,
        connection::{ListenerContext, Phase, accept},
        connections::{self, Connections, Limits},
        pages::Pages,
        probes::Probes,
        service::Service,
        workers::Workers,
    },
    loading, memory_limit,
    metrics::Metrics,
    model::Model,
    observer::{Observer, ObserverOptions, RecordingOptions},
    records::Sink,
    role::MainRole,
    routing::{self, ActiveRouting},
    runtime::health::Follower,
    termination,
    transports::Transports,
    version_files,
};

/// After SIGTERM, requests still arrive for this time: until every node knows that this endpoint is gone.
const PROPAGATION: Duration = Duration::from_secs(5);
/// After a signal, time for ONNX Runtime to end the loading of a model.
const LOADING: Duration = Duration::from_secs(10);
/// Threads for calls of the system that block: files, and the loading of the model.
const HELPERS: usize = 8;
/// Connections that may be open on the metrics port.
const PROBES: usize = 64;

/// Runs the server until a signal ends it. Writes a failure to the termination log, too.
pub fn run(args: Args) -> Result<(), Failure> {
    let termination_log = args.termination_log.clone();
    // One TLS implementation for all clients. An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // It accepts connections and follows files. Requests have threads of their own.
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(HELPERS)
        .build()
        .map_err(|error| Failure::new(Reason::StartFailed, error))
        .and_then(|runtime| {
            let end = runtime.block_on(async {
                match args.fetch_to.clone() {
                    Some(path) => fetch(&args, &path).await,
                    None => serve(args).await,
                }
            });
            // ONNX Runtime crashes if the process exits while it loads a model. After a drain, no task is waited for.
            let wait = if matches!(end, Ok(End::WhileLoading)) { LOADING } else { Duration::ZERO };
            runtime.shutdown_timeout(wait);
            end.map(|_| ())
        });
    if let Err(failure) = &served
        && let Err(error) = termination::write(failure, &termination_log)
    {
        tracing::warn!(path = %termination_log.display(), error = %error, "failed to write the termination message");
    }
    served
}

/// Fetches the model into this file.
async fn fetch(args: &Args, path: &Path) -> Result<End, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(Reason::StartFailed, error))?;
    tokio::select! {
        fetched = version_files::model_to(args, path) => {
            let artifact = fetched?;
            tracing::info!(path = %path.display(), bytes = artifact.bytes, "fetched the model");
        }
        () = signals.next() => {}
    }
    Ok(End::Drained)
}

/// When the signal arrived that ended the server.
enum End {
    WhileLoading,
    Drained,
}

async fn serve(args: Args) -> Result<End, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::new(Reason::StartFailed, error))?;
    let version = args.version.to_string();
    // First, so that an invalid sink fails before anything is downloaded.
    let sink = sink(&args)?;
    let metrics = Arc::new(Metrics::new(&args.deployment, &version, args.processors()));
    let service = Arc::new(Service::new(
        &args.deployment,
        &version,
        Arc::clone(&metrics),
        args.max_body,
        memory_limit::of(args.memory_limit),
    ));
    let (phase, phase_receiver) = watch::channel(Phase::Serving);
    let (role, role_receiver) = watch::channel(MainRole::NotYet);
    let active = Arc::new(ArcSwap::<ActiveRouting>::default());
    let context = ListenerContext {
        phase: phase_receiver,
        role: None,
        connections: connections(
            Limits::of(
                args.connections.unwrap_or_else(|| connections::fitting(memory_limit::of(args.memory_limit))),
                args.connections_per_caller,
            ),
            &metrics,
            "inference",
        ),
        port: "main",
    };
    let services = Arc::new(Services::default());
    services.report(false).await;
    listen(&args, &service, &services, &metrics, &context, role_receiver).await?;
    if let Some(file) = args.routing_file.clone() {
        let (deployment, version) = (args.deployment.clone(), version.clone());
        let (active, metrics) = (Arc::clone(&active), Arc::clone(&metrics));
        tokio::spawn(async move {
            routing::follow(&file, (&deployment, &version), role, &active, &metrics).await;
        });
    }
    let loaded = async {
        let (baseline, engine) = loading::load(&args, &version, &metrics).await?;
        check_baseline(baseline.as_ref(), engine.model())?;
        Ok::<_, Failure>((baseline, engine))
    };
    let (baseline, engine) = tokio::select! {
        loaded = loaded => loaded?,
        () = signals.next() => return Ok(End::WhileLoading),
    };
    let pages = Pages::new(engine.model(), baseline.as_ref());
    let options = ObserverOptions {
        peers: args.peers.clone().map(|host| Peers::new(host, args.metrics_port)),
        baseline,
        records: RecordingOptions {
            sink,
            spool_dir: args.work_dir.join("spool"),
            spool_bytes: args.spool_bytes,
            pod: args.pod.clone(),
        },
    };
    let observer = Observer::start(engine.model(), active, options, metrics.family())
        .map_err(|error| Failure::new(Reason::StartFailed, format!("failed to start a thread: {error}")))?;
    service.load(engine, observer, pages);
    services.report(true).await;
    if let Some(endpoint) = loading::endpoint(&args) {
        let (service, services) = (Arc::clone(&service), Arc::clone(&services));
        tokio::spawn(async move {
            let mut follower = Follower::new(endpoint);
            loop {
                service.set_available(follower.changed().await);
                services.report(service.is_ready()).await;
            }
        });
    }
    tracing::info!(deployment = args.deployment, version, "ready");
    signals.next().await;
    service.begin_draining();
    services.report(false).await;
    let deadline = Instant::now() + args.drain;
    drain(&args, deadline - args.drain / 3, phase, context).await;
    if let Some(observer) = service.observer() {
        observer.stop(deadline).await;
    }
    Ok(End::Drained)
}

/// Opens the four ports. Until the model is loaded, they respond that they are not ready.
async fn listen(
    args: &Args,
    service: &Arc<Service>,
    services: &Arc<Services>,
    metrics: &Arc<Metrics>,
    context: &ListenerContext,
    role: watch::Receiver<MainRole>,
) -> Result<(), Failure> {
    let bind = |port: u16| async move {
        let address = SocketAddr::new(args.bind, port);
        TcpListener::bind(address).await.map_err(|error| {
            Failure::new(Reason::StartFailed, format!("failed to listen on {address}: {error}"))
        })
    };
    let (main, challenger) = (bind(args.main_port).await?, bind(args.challenger_port).await?);
    let (direct, probes) = (bind(args.direct_port).await?, bind(args.metrics_port).await?);
    let failed = |error| Failure::new(Reason::StartFailed, format!("failed to start a thread: {error}"));
    let shown =
        |listener: &TcpListener| listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(
        main = shown(&main),
        challenger = shown(&challenger),
        direct = shown(&direct),
        metrics = shown(&probes),
        "listening"
    );
    let on = |port| ListenerContext { port, ..context.clone() };
    let workers = Workers::start("worker", args.processors()).map_err(failed)?;
    let api = |listener| Transports {
        listener,
        grpc: Grpc { service: Arc::clone(service), services: Arc::clone(services) },
    };
    let accepts = |socket, context, listener| accept(socket, context, workers.clone(), api(listener));
    tokio::spawn(accepts(main, ListenerContext { role: Some(role), ..on("main") }, Listener::Main));
    tokio::spawn(accepts(challenger, on("challenger"), Listener::Challenger));
    tokio::spawn(accepts(direct, on("direct"), Listener::Direct));
    // The kubelet and Prometheus have connections of their own, which callers cannot use up, and a thread of their own, which
    // no inference occupies.
    let few = connections(Limits::of(PROBES, None), metrics, "metrics");
    let own = ListenerContext { connections: few, ..on("metrics") };
    let handler = Probes { service: Arc::clone(service), metrics: Arc::clone(metrics) };
    tokio::spawn(accept(probes, own, Workers::start("probes", NonZeroUsize::MIN).map_err(failed)?, handler));
    Ok(())
}

/// The open connections of some ports. Those that rest for too long end.
fn connections(limits: Limits, metrics: &Metrics, ports: &str) -> Arc<Connections> {
    let connections = Arc::new(Connections::new(limits, metrics.family(), ports));
    tokio::spawn(Arc::clone(&connections).sweep());
    connections
}

/// The sink of records. `None` without `--record-sink`.
fn sink(args: &Args) -> Result<Option<Sink>, Failure> {
    let Some(uri) = &args.record_sink else { return Ok(None) };
    Sink::new(uri, args.record_secret_dir.as_deref(), args.record_pvc_dir.as_deref()).map(Some)
}

/// Fails if the baseline does not fit the model. Warns if it cannot see a change that it should.
fn check_baseline(baseline: Option<&Baseline>, model: &Model) -> Result<(), Failure> {
    let Some(baseline) = baseline else { return Ok(()) };
    let columns = Columns::of(&model.signature, model.features.as_deref());
    if let Some(mismatch) = drift::mismatch(baseline, &columns) {
        return Err(Failure::new(Reason::InvalidBaseline, mismatch));
    }
    if let Some(warning) = drift::blind_spot(baseline, &columns) {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// Drains until `deadline`, step by step: not ready, then no new connections, then no requests in flight.
async fn drain(args: &Args, deadline: Instant, phase: watch::Sender<Phase>, context: ListenerContext) {
    phase.send_replace(Phase::Draining);
    tracing::info!("draining");
    tokio::time::sleep(PROPAGATION.min(args.drain / 3)).await;
    phase.send_replace(Phase::Closing);
    drop(context);
    // Every listener and connection has a receiver, so the last one that ends closes the channel.
    let ended = tokio::time::timeout_at(deadline, phase.closed()).await;
    tracing::info!(complete = ended.is_ok(), "drained");
}

/// The signals that end the process: SIGTERM from the kubelet, SIGINT from a terminal.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    fn next(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        })
    }
}
