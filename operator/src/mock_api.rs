//! An API server whose part a test plays, request by request.
//!
//! A [`Scenario`] lists the requests of a pass in their order, each with its response. [`Cluster::play`] runs the pass
//! against it. A request that is not the next one of the list fails the test, and so does one that is not sent.

use std::{collections::VecDeque, fmt::Debug, path::Path, sync::Arc};

use futures::future::LocalBoxFuture;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tower_test::mock;

use crate::{
    cluster::{
        cache::Cache,
        client::Heard,
        guard::Guard,
        store::{Placed, Store},
    },
    context::Context,
    decision_log::Journal,
    fixtures::parse,
    metrics::Metrics,
    model_server::{probe::Prober, summary::SummaryClient},
    policy::ApprovalPolicy,
};

type Handle = mock::Handle<Request<Body>, Response<Body>>;

/// A [`Context`] whose API server and caches the test controls.
pub struct Cluster {
    /// What the passes of the test get.
    pub ctx: Arc<Context>,
    handle: Handle,
    stored: Vec<Value>,
}

impl Cluster {
    /// Empty caches. No pod can be probed.
    pub fn new() -> Self {
        Self::with_prober(Prober::new())
    }

    /// Empty caches, and pods that `prober` reaches.
    pub fn with_prober(prober: Prober) -> Self {
        let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
        let client = Client::new(service, "default");
        let ctx = Context {
            cache: Cache::default(),
            config: Arc::new(parse(json!({"serverImage": "understudy-server:1"}))),
            policy: ApprovalPolicy::new(client.clone(), Path::new(""), None)
                .expect("without names no file is read"),
            prober,
            journal: Journal::new(client.clone(), "test"),
            metrics: Metrics::new(Heard::default()),
            summaries: SummaryClient::new(),
            client,
        };
        Self { ctx: Arc::new(ctx), handle, stored: vec![] }
    }

    /// Sends requests to this API server.
    pub fn client(&self) -> Client {
        self.ctx.client.clone()
    }

    /// A watch delivers this object.
    pub fn sees(&mut self, object: &impl Serialize) {
        let object = serde_json::to_value(object).expect("a Kubernetes object is JSON");
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
                () = serve(&mut self.handle, &mut open, &mut self.stored) => unreachable!("a pass has its server"),
            };
            assert!(open.is_empty(), "not requested: {open:?}");
            result
        })
    }
}

fn apply<K: Placed + DeserializeOwned>(store: &Store<K>, object: Value) {
    store.apply(parse::<Guard<K>>(object));
}

async fn serve(handle: &mut Handle, open: &mut VecDeque<Vec<Exchange>>, stored: &mut Vec<Value>) {
    loop {
        let (request, reply) = handle.next_request().await.expect("the context keeps its client");
        let (head, body) = request.into_parts();
        let sent = body.collect().await.expect("a body").to_bytes();
        let sent: Value = serde_json::from_slice(&sent).unwrap_or_default();
        let Some(next) = open.front_mut() else { panic!("unexpected: {} {} {sent}", head.method, head.uri) };
        let Some(position) = next.iter().position(|exchange| exchange.is(&head)) else {
            panic!("expected {next:?}, not {} {} {sent}", head.method, head.uri);
        };
        let exchange = next.remove(position);
        if next.is_empty() {
            open.pop_front();
        }
        for check in exchange.checks {
            check(&sent);
        }
        let (status, body) = exchange.reply.unwrap_or_else(|| (200, store(sent, stored)));
        let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
        reply.send_response(response.expect("a response"));
    }
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

/// A replacement, here of a status.
pub fn put(path: &str) -> Exchange {
    Exchange::new(Method::PUT, path)
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
        Self { method, path: path.to_owned(), dry_run: false, checks: vec![], reply: None }
    }

    fn is(&self, head: &http::request::Parts) -> bool {
        let dry_run = head.uri.query().is_some_and(|query| query.contains("dryRun=All"));
        head.method == self.method && head.uri.path().ends_with(&self.path) && dry_run == self.dry_run
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
