//! The simulated API server over the client that the operator uses.

use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, request::Parts};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::BoxError;

use super::{
    applied,
    coverage::Met,
    lock::lock,
    objects::Kind,
    people::Who,
    seat::Gate,
    server::World,
    write::{Part, Refusal},
};

/// A client whose requests come from the pass on this seat. `halted` tells that a request was held, or that the process
/// ends.
pub fn client(world: Arc<Mutex<World>>, seat: usize, halted: Arc<Notify>) -> Client {
    let service =
        tower::service_fn(move |request| answer(Arc::clone(&world), seat, Arc::clone(&halted), request));
    Client::new(service, "default")
}

async fn answer(
    world: Arc<Mutex<World>>,
    seat: usize,
    halted: Arc<Notify>,
    request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let Some(call) = Call::of(&head) else {
        // A published event.
        return Ok(Response::builder().status(201).body(Body::from(body))?);
    };
    let content: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    let gate = lock(&world).seats[seat].gate(call.writes());
    match gate {
        Gate::Open => respond(&call.handle(&mut lock(&world), seat, content)),
        Gate::Fails => {
            lock(&world).coverage.note(Met::FailedRequest);
            respond(&Err(Refusal::new(500, "InternalError", "etcdserver: request timed out")))
        }
        Gate::LosesAnswer => {
            let mut world = lock(&world);
            world.coverage.note(Met::LostAnswer);
            let _lost = call.handle(&mut world, seat, content);
            Err("connection reset by peer".into())
        }
        Gate::EndsProcess => {
            let _lost = call.handle(&mut lock(&world), seat, content);
            lock(&world).coverage.note(Met::Crash);
            halted.notify_one();
            std::future::pending().await
        }
        Gate::Waits(released) => {
            halted.notify_one();
            match released.await {
                Ok(()) => respond(&call.handle(&mut lock(&world), seat, content)),
                // The process has ended meanwhile.
                Err(_ended) => std::future::pending().await,
            }
        }
    }
}

fn respond(result: &Result<Arc<Value>, Refusal>) -> Result<Response<Body>, BoxError> {
    let (code, body) = match result {
        Ok(object) => (200, object.to_string()),
        Err(Refusal { code, reason, message }) => {
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
                "code": code,
            });
            (*code, status.to_string())
        }
    };
    Ok(Response::builder().status(code).body(Body::from(body.into_bytes()))?)
}

/// A request about one object.
struct Call {
    method: Method,
    kind: Kind,
    name: String,
    part: Part,
    dry_run: bool,
    content: String,
}

impl Call {
    /// `None` for an event that is published.
    fn of(head: &Parts) -> Option<Self> {
        let mut path = head.uri.path().split('/').skip_while(|part| *part != "namespaces").skip(2);
        let kind = Kind::of_plural(path.next()?)?;
        let name = path.next()?.to_owned();
        let part = if path.next() == Some("status") { Part::Status } else { Part::Main };
        let content = head.headers.get("content-type").and_then(|value| value.to_str().ok());
        Some(Self {
            method: head.method.clone(),
            kind,
            name,
            part,
            dry_run: head.uri.query().is_some_and(|query| query.contains("dryRun=All")),
            content: content.unwrap_or_default().to_owned(),
        })
    }

    fn writes(&self) -> bool {
        self.method != Method::GET && !self.dry_run
    }

    fn handle(&self, world: &mut World, seat: usize, content: Value) -> Result<Arc<Value>, Refusal> {
        if self.writes() {
            world.tried += 1;
        }
        world.writing = seat;
        let result = self.perform(world, content);
        if let (&Method::GET, Ok(object)) = (&self.method, &result) {
            world.seats[seat].reads.push((self.kind, Arc::clone(object)));
        }
        if result.as_ref().is_err_and(|refusal| refusal.code == 409) {
            world.coverage.note(Met::Conflict);
        }
        result
    }

    fn perform(&self, world: &mut World, sent: Value) -> Result<Arc<Value>, Refusal> {
        let found = world.get(self.kind, &self.name).cloned();
        match (&self.method, self.content.as_str()) {
            (&Method::GET, _) => found.ok_or_else(Refusal::not_found),
            (&Method::DELETE, _) => {
                world.delete(Who::Operator, self.kind, &self.name, sent["preconditions"]["uid"].as_str())
            }
            (&Method::PATCH, "application/apply-patch+yaml") => world.apply(self.kind, sent),
            (&Method::PATCH, "application/merge-patch+json") => {
                let found = found.ok_or_else(Refusal::not_found)?;
                let mut after = Value::clone(&found);
                if let Some(uid) = sent["metadata"]["uid"].as_str()
                    && uid != super::objects::uid(&after)
                {
                    return Err(Refusal::conflict("another object has this name"));
                }
                applied::patch(&mut after, &sent);
                if self.dry_run {
                    return world.try_status(Who::Operator, self.kind, &after).map(|()| Arc::new(after));
                }
                world.update(Who::Operator, self.kind, self.part, after)
            }
            (&Method::PATCH, "application/json-patch+json") => {
                let found = found.ok_or_else(Refusal::not_found)?;
                let mut after = Value::clone(&found);
                let patch: json_patch::Patch = serde_json::from_value(sent).expect("a JSON patch");
                if json_patch::patch(&mut after, &patch).is_err() {
                    return Err(Refusal::invalid(
                        "the server rejected our request due to an error in our request",
                    ));
                }
                world.update(Who::Operator, self.kind, self.part, after)
            }
            (method, content) => panic!("the simulation does not know {method} with {content}"),
        }
    }
}
