//! An API server whose part a test plays, request by request.
//!
//! A [`Scenario`] lists the requests of a pass in their order, each with its response. [`Cluster::play`] runs the pass
//! against it. A request that is not the next one of the list fails the test, and so does one that is not sent.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Debug,
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures::future::LocalBoxFuture;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tower_test::mock;

use crate::{
    cluster::{
        cache::Cache, client::Heard, placed::Placed, received::Received, settled::Settled, store::Store,
        triggers::Triggers,
    },
    context::Context,
    decision_log::{Journal, Replay},
    fixtures::parse,
    metrics::Metrics,
    model_server::{collector::Collector, probe::Prober, probes::Probes, summary::SummaryClient},
    policy::{ApprovalPolicy, Guard},
};

/// Passes wait for pods that answer, however slow the machine is.
const PATIENT: Duration = Duration::from_mins(1);

type Handle = mock::Handle<Request<Body>, Response<Body>>;

/// A [`Context`] whose API server and caches the test controls.
pub struct Cluster {
    /// What the passes of the test get.
    pub ctx: Arc<Context>,
    /// Who gets a pass after a probe.
    pub triggers: Triggers,
    handle: Handle,
    stored: Vec<Value>,
    known: Known,
}

/// The last form of each object that a watch or a read delivered, by the end of its path.
type Known = HashMap<String, Value>;

impl Cluster {
    /// Empty caches. No pod can be probed.
    pub fn new() -> Self {
        Self::with_prober(Prober::new())
    }

    /// Empty caches, and pods that `prober` reaches.
    pub fn with_prober(prober: Prober) -> Self {
        Self::with_probes(|triggers| Probes::new(prober, triggers).with_grace(PATIENT))
    }

    /// Empty caches, and these probes.
    pub fn with_probes(probes: impl FnOnce(Triggers) -> Probes) -> Self {
        let triggers = Triggers::default();
        let probes = probes(triggers.clone());
        let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
        let client = Client::new(service, "default");
        let ctx = Context {
            cache: Cache::default(),
            settled: Settled::default(),
            config: Arc::new(parse(json!({"serverImage": "understudy-server:1"}))),
            policy: ApprovalPolicy::approval(client.clone(), Path::new(""), None)
                .expect("without names no file is read"),
            guard: Guard::guard(client.clone(), Path::new(""), false).expect("there is no file"),
            probes,
            journal: Journal::new(client.clone(), "test", Replay::nothing()),
            metrics: Metrics::new(Heard::default()),
            collector: Collector::new(SummaryClient::new(), triggers.clone()),
            client,
        };
        Self { ctx: Arc::new(ctx), triggers, handle, stored: vec![], known: Known::new() }
    }

    /// The passes of the test are those of a process that leads after this one.
    pub fn leads_after_a_leader_that_renewed_last_at(&mut self, time: jiff::Timestamp) {
        let ctx = Arc::get_mut(&mut self.ctx).expect("no pass has begun");
        ctx.journal = Journal::new(ctx.client.clone(), "test", Replay::after(Some(time), time));
    }

    /// Sends requests to this API server.
    pub fn client(&self) -> Client {
        self.ctx.client.clone()
    }

    /// A watch delivers this object.
    pub fn sees(&mut self, object: &impl Serialize) {
        let object = serde_json::to_value(object).expect("a Kubernetes object is JSON");
        let (kind, name) = (object["kind"].as_str().unwrap_or_default(), &object["metadata"]["name"]);
        let path = format!("/{}s/{}", kind.to_lowercase(), name.as_str().unwrap_or_default());
        self.known.insert(path, object.clone());
        let cache = &self.ctx.cache;
        match object["kind"].as_str().unwrap_or_default() {
            "ModelDeployment" => apply(&cache.deployments, object),
            "ModelVersion" => apply(&cache.versions, object),
            "Deployment" => apply(&cache.workloads, object),
            "Service" => apply(&cache.services, object),
            "ConfigMap" => apply(&cache.config_maps, object),
            "PodDisruptionBudget" => apply(&cache.budgets, object),
            "Pod" => apply(&cache.pods, object),
            other => panic!("no cache holds {other}: {object}"),
        }
    }

    /// The watches deliver everything that was written since the last call.
    pub fn sees_what_was_written(&mut self) {
        for object in std::mem::take(&mut self.stored) {
            self.sees(&object);
        }
    }

    /// Runs `pass` against the scenario, and checks that the scenario was played to its end.
    pub fn play<'a, T>(
        &'a mut self,
        scenario: Scenario,
        pass: impl Future<Output = T> + 'a,
    ) -> LocalBoxFuture<'a, T> {
        let mut open = scenario.0;
        Box::pin(async move {
            let result = tokio::select! {
                biased;
                result = pass => result,
                () = serve(&mut self.handle, &mut open, &mut self.stored, &mut self.known) => unreachable!("a pass has its server"),
            };
            open.retain(|next| next.iter().any(|exchange| !exchange.repeats));
            assert!(open.is_empty(), "not requested: {open:?}");
            result
        })
    }
}

fn apply<K: Placed + DeserializeOwned>(store: &Store<K>, object: Value) {
    store.apply(parse::<Received<K>>(object));
}

async fn serve(
    handle: &mut Handle,
    open: &mut VecDeque<Vec<Exchange>>,
    stored: &mut Vec<Value>,
    known: &mut Known,
) {
    let mut unanswered = vec![];
    loop {
        let (request, reply) = handle.next_request().await.expect("the context keeps its client");
        let (head, body) = request.into_parts();
        let sent = body.collect().await.expect("a body").to_bytes();
        let mut sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
        let object = end_of(head.uri.path().trim_end_matches("/status"));
        if head.method == Method::PATCH && sent.is_array() {
            sent = patched(known.get(&object), sent);
        }
        if open.front().is_some_and(|next| next.iter().all(|e| e.repeats && !e.is(&head))) {
            open.pop_front();
        }
        let Some(next) = open.front_mut() else { panic!("unexpected: {} {} {sent}", head.method, head.uri) };
        let Some(position) = next.iter().position(|exchange| exchange.is(&head)) else {
            panic!("expected {next:?}, not {} {} {sent}", head.method, head.uri);
        };
        if next[position].repeats {
            let (status, body) = next[position].reply.clone().expect("a repeated exchange has a response");
            respond(reply, status, &body);
            continue;
        }
        let exchange = next.remove(position);
        if next.is_empty() {
            open.pop_front();
        }
        for check in exchange.checks {
            check(&sent);
        }
        if exchange.unanswered {
            unanswered.push(reply);
            continue;
        }
        let reply_with = exchange.reply.or_else(|| exchange.later.map(|body| (200, body())));
        let (status, body) = reply_with.unwrap_or_else(|| (200, store(sent, stored)));
        if status == 200 && body["kind"].is_string() {
            known.insert(object, body.clone());
        }
        respond(reply, status, &body);
    }
}

/// Plural and name of the object at this path.
fn end_of(path: &str) -> String {
    let start = path.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at);
    path[start..].to_owned()
}

/// The object after this JSON patch.
fn patched(object: Option<&Value>, patch: Value) -> Value {
    let mut object = object.expect("a status is patched after its object was read or seen").clone();
    let patch: json_patch::Patch = serde_json::from_value(patch).expect("a JSON patch");
    json_patch::patch(&mut object, &patch).expect("the patch fits the object");
    object
}

fn respond(reply: mock::SendResponse<Response<Body>>, status: u16, body: &Value) {
    let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
    reply.send_response(response.expect("a response"));
}

/// The object as the API server has it after the write. A merge patch is not a whole object and is not kept.
fn store(mut object: Value, stored: &mut Vec<Value>) -> Value {
    let written = object["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse::<u64>().ok());
    object["metadata"]["resourceVersion"] = json!(written.map_or(1, |v| v + 1).to_string());
    if object["kind"].as_str().is_some_and(|kind| kind != "Event") {
        stored.push(object.clone());
    }
    object
}

/// Requests in their order.
#[derive(Debug, Default)]
pub struct Scenario(VecDeque<Vec<Exchange>>);

impl Scenario {
    /// No request at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// This request comes next.
    pub fn then(self, exchange: Exchange) -> Self {
        self.concurrently([exchange])
    }

    /// These requests come next, in any order.
    pub fn concurrently(mut self, exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        self.0.push_back(exchanges.into_iter().collect());
        self
    }

    /// These requests come next.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// This request comes next, any number of times.
    pub fn then_repeatedly(self, exchange: Exchange) -> Self {
        self.then(Exchange { repeats: true, ..exchange })
    }

    /// An object that does not exist is read and then created. `check` gets what is created.
    pub fn then_creates(self, path: &str, check: impl FnOnce(&Value) + 'static) -> Self {
        self.then(get(path).finds_nothing()).then(patch(path).with(check))
    }
}

type Check = Box<dyn FnOnce(&Value)>;

/// One request that is expected, and its response. Without another response, a write succeeds.
pub struct Exchange {
    method: Method,
    path: String,
    dry_run: bool,
    checks: Vec<Check>,
    reply: Option<(u16, Value)>,
    later: Option<Box<dyn FnOnce() -> Value>>,
    repeats: bool,
    unanswered: bool,
}

impl Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dry_run = if self.dry_run { " (dry run)" } else { "" };
        write!(f, "{} ..{}{dry_run}", self.method, self.path)
    }
}

/// A read of the object at the end of this path.
pub fn get(path: &str) -> Exchange {
    Exchange::new(Method::GET, path)
}

/// A server-side apply or a merge patch.
pub fn patch(path: &str) -> Exchange {
    Exchange::new(Method::PATCH, path)
}

/// A JSON patch of a status. Checks get the whole object as it is after the patch: the last one that was read or seen,
/// with the changes.
pub fn write_status(path: &str) -> Exchange {
    Exchange::new(Method::PATCH, path)
}

/// A replacement.
pub fn put(path: &str) -> Exchange {
    Exchange::new(Method::PUT, path)
}

/// A new object in the collection at the end of this path.
pub fn post(path: &str) -> Exchange {
    Exchange::new(Method::POST, path)
}

/// A deletion.
pub fn delete(path: &str) -> Exchange {
    Exchange::new(Method::DELETE, path)
}

/// A new Kubernetes Event with this reason.
pub fn event(reason: &'static str) -> Exchange {
    Exchange::new(Method::POST, "/namespaces/risk/events")
        .with(move |sent| assert_eq!(sent["reason"], reason, "{sent}"))
}

impl Exchange {
    fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            dry_run: false,
            checks: vec![],
            reply: None,
            later: None,
            repeats: false,
            unanswered: false,
        }
    }

    fn is(&self, head: &http::request::Parts) -> bool {
        let dry_run = head.uri.query().is_some_and(|query| query.contains("dryRun=All"));
        head.method == self.method && head.uri.path().ends_with(&self.path) && dry_run == self.dry_run
    }

    /// The connection is silently dead: neither a response nor an error comes.
    pub fn gets_no_answer(self) -> Self {
        Self { unanswered: true, ..self }
    }

    /// The request must have no effect.
    pub fn in_a_dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// The body must pass this check.
    pub fn with(mut self, check: impl FnOnce(&Value) + 'static) -> Self {
        self.checks.push(Box::new(check));
        self
    }

    /// The response is this object.
    pub fn finds(self, object: &impl Serialize) -> Self {
        let object = serde_json::to_value(object).expect("a Kubernetes object is JSON");
        Self { reply: Some((200, object)), ..self }
    }

    /// The response is the object that this function returns when the request comes.
    pub fn finds_then(self, object: impl FnOnce() -> Value + 'static) -> Self {
        Self { later: Some(Box::new(object)), ..self }
    }

    /// The object does not exist.
    pub fn finds_nothing(self) -> Self {
        self.fails(404, "NotFound", "not found")
    }

    /// The request is refused.
    pub fn fails(self, code: u16, reason: &str, message: &str) -> Self {
        let failure = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
            "code": code,
        });
        Self { reply: Some((code, failure)), ..self }
    }
}
