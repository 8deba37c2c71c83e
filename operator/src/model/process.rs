//! The operator under test: both controllers, their caches, and the passes over one object at a time.

use std::{
    path::Path,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex},
};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{
    coverage::Met,
    http,
    lock::lock,
    objects::{DEPLOYMENT, Kind, NAMESPACE, SLOTS, is_labelled},
    seat::Fault,
    server::World,
    write::Event,
};
use crate::{
    approval,
    cluster::{
        apply, cache::Cache, client::Heard, key::Key, placed::Placed, received::Received, settled::Settled,
        store::Store, triggers::Triggers,
    },
    config::Config,
    context::Context,
    decision_log::{Journal, Replay},
    error_chain::chain,
    fixtures::parse,
    metrics::Metrics,
    model_server::{client, collector::Collector, probe::Prober, probes::Probes, summary::SummaryClient},
    policy::{ApprovalPolicy, Guard},
    rollout,
};

/// What a pass is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Deployment,
    Version(u8),
}

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// No pass was due: the object does not exist, or the cache does not show this process's own write.
    None,
    Done,
    /// The pass failed because what it has read is out of date.
    Outdated,
    /// An object of others has the name of one that is needed.
    Foreign,
    Failed(String),
    /// The pass is held before a request.
    Held,
    /// The process has ended.
    Crashed,
}

type Running = Pin<Box<dyn Future<Output = End>>>;

static CONFIG: LazyLock<Arc<Config>> =
    LazyLock::new(|| Arc::new(parse(json!({"serverImage": "understudy-server:1"}))));
static WAVES: LazyLock<Arc<rollout::Waves>> = LazyLock::new(|| Arc::new(rollout::Waves::new(&CONFIG)));
static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(|| Metrics::new(Heard::default()));

/// A process of the operator.
pub struct Process {
    world: Arc<Mutex<World>>,
    seats: [Arc<Context>; 3],
    state: Arc<rollout::State>,
    halted: Arc<Notify>,
    /// How many events of each kind its caches show.
    seen: [usize; 7],
    held: Option<(usize, Target, Running)>,
}

impl Process {
    /// A new process, whose caches have listed everything.
    pub fn start(world: &Arc<Mutex<World>>) -> Self {
        let cache = Cache::default();
        let halted = Arc::new(Notify::new());
        let seats = [0, 1, 2].map(|seat| context(world, &cache, seat, &halted));
        let mut process = Self {
            world: Arc::clone(world),
            seats,
            state: Arc::new(rollout::State::new(crate::clock::now(), Arc::clone(&WAVES))),
            halted,
            seen: [0; 7],
            held: None,
        };
        for kind in Kind::ALL {
            process.list(kind);
        }
        process
    }

    /// A watch lists its kind again.
    pub fn list(&mut self, kind: Kind) {
        let world = lock(&self.world);
        let objects: Vec<_> =
            world.all(kind).filter(|o| !kind.is_owned() || is_labelled(o)).cloned().collect();
        self.seen[kind as usize] = world.log.get(&kind).map_or(0, Vec::len);
        drop(world);
        let cache = &self.seats[0].cache;
        match kind {
            Kind::ModelDeployment => list(&cache.deployments, &objects),
            Kind::ModelVersion => list(&cache.versions, &objects),
            Kind::Workload => list(&cache.workloads, &objects),
            Kind::Service => list(&cache.services, &objects),
            Kind::ConfigMap => list(&cache.config_maps, &objects),
            Kind::Budget => list(&cache.budgets, &objects),
            Kind::Pod => list(&cache.pods, &objects),
        }
    }

    /// A watch delivers at most this many events.
    pub fn see(&mut self, kind: Kind, most: usize) {
        let seen = self.seen[kind as usize];
        let events: Vec<Event> =
            lock(&self.world).log.get(&kind).into_iter().flatten().skip(seen).take(most).cloned().collect();
        self.seen[kind as usize] += events.len();
        let cache = &self.seats[0].cache;
        for event in &events {
            match kind {
                Kind::ModelDeployment => see(&cache.deployments, event),
                Kind::ModelVersion => see(&cache.versions, event),
                Kind::Workload => see(&cache.workloads, event),
                Kind::Service => see(&cache.services, event),
                Kind::ConfigMap => see(&cache.config_maps, event),
                Kind::Budget => see(&cache.budgets, event),
                Kind::Pod => see(&cache.pods, event),
            }
        }
    }

    /// All watches deliver everything.
    pub fn see_all(&mut self) {
        for kind in Kind::ALL {
            self.see(kind, usize::MAX);
        }
    }

    /// Whether the cache shows all events of this kind.
    pub fn has_seen(&self, world: &World, kind: Kind) -> bool {
        world.log.get(&kind).map_or(0, Vec::len) == self.seen[kind as usize]
    }

    /// Whether a pass is held.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }

    /// One pass, unless one over the same object is held.
    pub async fn pass(&mut self, target: Target, fault: Fault) -> End {
        let taken = self.held.as_ref().map(|(seat, held, _)| (*seat, *held));
        if taken.is_some_and(|(_, held)| held == target) {
            return End::None;
        }
        let fault = match fault {
            Fault::Hold(_) if taken.is_some() => Fault::None,
            fault => fault,
        };
        let seat = match target {
            Target::Deployment => 0,
            Target::Version(_) => 1 + usize::from(taken.is_some_and(|(seat, _)| seat == 1)),
        };
        let Some(pass) = self.begin(target, seat) else { return End::None };
        {
            let mut world = lock(&self.world);
            let (seconds, switches) = (world.seconds, world.ledger.switches.len());
            world.seats[seat].begin(fault, seconds, switches);
            if taken.is_some() {
                world.coverage.note(Met::PassWithinPass);
            }
            if Kind::ALL
                .iter()
                .any(|kind| world.log.get(kind).map_or(0, Vec::len) > self.seen[*kind as usize])
            {
                world.coverage.note(Met::StalePass);
            }
        }
        self.drive(seat, target, pass).await
    }

    /// Continues the pass that is held.
    pub async fn resume(&mut self) -> End {
        let Some((seat, target, pass)) = self.held.take() else { return End::None };
        if let Some(release) = lock(&self.world).seats[seat].release.take() {
            // The request is held as long as its pass.
            let _ = release.send(());
        }
        self.drive(seat, target, pass).await
    }

    async fn drive(&mut self, seat: usize, target: Target, mut pass: Running) -> End {
        tokio::select! {
            biased;
            end = &mut pass => return end,
            () = self.halted.notified() => {}
        }
        if lock(&self.world).seats[seat].release.is_none() {
            return End::Crashed;
        }
        // Requests that were sent together with the one that is held arrive.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        self.held = Some((seat, target, pass));
        End::Held
    }

    fn begin(&self, target: Target, seat: usize) -> Option<Running> {
        let ctx = Arc::clone(&self.seats[seat]);
        match target {
            Target::Deployment => {
                let key = Key::new(NAMESPACE, DEPLOYMENT);
                let md = due(&ctx.cache.deployments, &key)?;
                let state = Arc::clone(&self.state);
                Some(Box::pin(async move {
                    match Box::pin(rollout::reconcile(md, ctx, state)).await {
                        Ok(_) => End::Done,
                        Err(rollout::Error::Apply(apply::Error::Foreign { .. })) => End::Foreign,
                        Err(error) if error.had_no_effect() => End::Outdated,
                        Err(error) => End::Failed(chain(&error)),
                    }
                }))
            }
            Target::Version(slot) => {
                let (name, _) = SLOTS[usize::from(slot) % SLOTS.len()];
                let mv = due(&ctx.cache.versions, &Key::new(NAMESPACE, name))?;
                Some(Box::pin(async move {
                    match Box::pin(approval::reconcile(mv, ctx)).await {
                        Ok(_) => End::Done,
                        Err(error) if error.had_no_effect() => End::Outdated,
                        Err(error) => End::Failed(chain(&error)),
                    }
                }))
            }
        }
    }
}

/// The object, as the loop of the controller looks for it.
fn due<K: Placed>(store: &Store<K>, key: &Key) -> Option<Arc<K>> {
    if store.is_behind(key) { None } else { store.at(key) }
}

fn context(world: &Arc<Mutex<World>>, cache: &Cache, seat: usize, halted: &Arc<Notify>) -> Arc<Context> {
    let client = http::client(Arc::clone(world), seat, Arc::clone(halted));
    let answers = Arc::clone(world);
    let prober = Prober::answered_by(Arc::new(move |url| {
        let answer = lock(&answers).answer(url);
        answer.ok_or_else(|| client::Error::Status {
            url: url.to_owned(),
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: "no pod answers".to_owned(),
        })
    }));
    let triggers = Triggers::default();
    Arc::new(Context {
        cache: cache.clone(),
        config: Arc::clone(&CONFIG),
        policy: ApprovalPolicy::approval(client.clone(), Path::new(""), None)
            .expect("without names no file is read"),
        guard: Guard::guard(client.clone(), Path::new(""), false).expect("there is no file"),
        settled: Settled::default(),
        probes: Probes::new(prober, triggers.clone()),
        journal: Journal::new(client.clone(), "model", Replay::nothing()),
        metrics: Arc::clone(&METRICS),
        collector: Collector::new(SummaryClient::new(), triggers),
        client,
    })
}

fn received<K: DeserializeOwned>(object: &Value) -> Received<K> {
    Received::deserialize(object).expect("a Kubernetes object has metadata")
}

fn see<K: Placed>(store: &Store<K>, event: &Event) {
    if event.deleted {
        store.delete(received(&event.object));
    } else {
        store.apply(received(&event.object));
    }
}

fn list<K: Placed>(store: &Store<K>, objects: &[Arc<Value>]) {
    store.begin_list();
    for object in objects {
        store.list(received(object));
    }
    store.complete_list();
}
