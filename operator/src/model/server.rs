//! The objects of the simulated API server: uids, resourceVersions, generations, finalizers, and the events of watches.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    admission,
    applied::merge,
    coverage::Coverage,
    ledger::Ledger,
    objects::{Kind, NAMESPACE, is_ending, is_labelled, text, uid},
    people::Who,
    pods::PodFacts,
    rules::Rules,
    seat::Seat,
    write::{Event, Part, Refusal, Write},
};

/// Checks a write.
pub type Check = fn(&mut World, &Write<'_>);

/// The simulated cluster.
#[derive(Clone, Default)]
pub struct World {
    pub objects: BTreeMap<(Kind, String), Arc<Value>>,
    /// The events of each kind since the start of the trace.
    pub log: BTreeMap<Kind, Vec<Event>>,
    /// What the operator applied last, by the uid of the object.
    applied: BTreeMap<String, Value>,
    pub pods: BTreeMap<String, PodFacts>,
    pub ledger: Ledger,
    pub rules: Rules,
    pub coverage: Coverage,
    pub seats: [Seat; 3],
    /// Checks each write that is admitted.
    check: Option<Check>,
    /// The first violation.
    pub violation: Option<String>,
    /// Writes that the operator has tried, refused ones and those without an effect included.
    pub tried: usize,
    /// Seconds since the beginning of the world.
    pub seconds: i64,
    /// The seat whose request is handled.
    pub writing: usize,
    /// Whether objects were created or removed since garbage was collected.
    pub collectable: bool,
    serial: u64,
}

impl World {
    /// An empty world.
    pub fn checked_by(check: Check) -> Self {
        Self { check: Some(check), ..Self::default() }
    }

    /// The object of this name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(&(kind, name.to_owned()))
    }

    /// The objects of a kind, by name.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Value>> {
        let all = self.objects.range((kind, String::new())..);
        all.take_while(move |((of, _), _)| *of == kind).map(|(_, object)| object)
    }

    /// The first violation counts.
    pub fn violates(&mut self, invariant: &str, what: impl std::fmt::Display) {
        self.violation.get_or_insert_with(|| format!("{invariant}: {what}"));
    }

    /// The time as objects have it.
    pub fn time(&self) -> String {
        super::time::at(self.seconds).to_string()
    }

    fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Creates an object. The uid `{uid}` in the object becomes its own.
    pub fn create(&mut self, who: Who, kind: Kind, mut object: Value) -> Result<Arc<Value>, Refusal> {
        let name = text(&object, "/metadata/name").to_owned();
        if self.get(kind, &name).is_some() {
            return Err(Refusal::new(409, "AlreadyExists", format!("{kind:?} {name} exists")));
        }
        let uid = format!("uid-{}", self.next());
        object["metadata"]["uid"] = json!(uid);
        object["metadata"]["namespace"] = json!(NAMESPACE);
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["creationTimestamp"] = json!(self.time());
        if let Some(uri) = object.pointer_mut("/spec/artifact/uri") {
            *uri = json!(format!("s3://m/{uid}"));
        }
        self.admit(&Write { who, kind, part: Part::Main, before: None, after: Some(&object) })?;
        Ok(self.put(kind, &name, object))
    }

    /// Replaces an object, or its status.
    pub fn update(
        &mut self,
        who: Who,
        kind: Kind,
        part: Part,
        mut after: Value,
    ) -> Result<Arc<Value>, Refusal> {
        let name = text(&after, "/metadata/name").to_owned();
        let Some(before) = self.get(kind, &name).cloned() else { return Err(Refusal::not_found()) };
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        if version(&after) != version(&before) {
            return Err(Refusal::conflict(format!("{kind:?} {name} was changed")));
        }
        match part {
            Part::Status => after["metadata"] = before["metadata"].clone(),
            Part::Main if kind.is_owned() => {}
            Part::Main => after["status"] = before["status"].clone(),
        }
        if part == Part::Main && after["spec"] != before["spec"] {
            after["metadata"]["generation"] =
                json!(before["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
        }
        if after["status"].is_null()
            && let Some(object) = after.as_object_mut()
        {
            object.remove("status");
        }
        if after == *before {
            return Ok(before);
        }
        self.admit(&Write { who, kind, part, before: Some(&before), after: Some(&after) })?;
        if is_ending(&after) && !has_finalizers(&after) {
            self.remove(kind, &name);
            return Ok(Arc::new(after));
        }
        Ok(self.put(kind, &name, after))
    }

    /// Whether a write would be admitted.
    pub fn try_status(&self, who: Who, kind: Kind, after: &Value) -> Result<(), Refusal> {
        let name = text(after, "/metadata/name");
        let Some(before) = self.get(kind, name) else { return Err(Refusal::not_found()) };
        let write = Write { who, kind, part: Part::Status, before: Some(before), after: Some(after) };
        admission::judge(self.rules, &write)
    }

    /// Deletes an object, or asks its finalizers to.
    pub fn delete(
        &mut self,
        who: Who,
        kind: Kind,
        name: &str,
        only: Option<&str>,
    ) -> Result<Arc<Value>, Refusal> {
        let Some(before) = self.get(kind, name).cloned() else { return Err(Refusal::not_found()) };
        if only.is_some_and(|only| only != uid(&before)) {
            return Err(Refusal::conflict(format!("{kind:?} {name} has another uid")));
        }
        self.admit(&Write { who, kind, part: Part::Main, before: Some(&before), after: None })?;
        if !has_finalizers(&before) {
            self.remove(kind, name);
        } else if !is_ending(&before) {
            let mut after = Value::clone(&before);
            after["metadata"]["deletionTimestamp"] = json!(self.time());
            after["metadata"]["generation"] =
                json!(before["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
            self.put(kind, name, after);
        }
        Ok(before)
    }

    /// A server-side apply of the operator, with uid and resourceVersion as preconditions if the object has them.
    pub fn apply(&mut self, kind: Kind, mut desired: Value) -> Result<Arc<Value>, Refusal> {
        let name = text(&desired, "/metadata/name").to_owned();
        let metadata = desired["metadata"].as_object_mut().expect("an object has metadata");
        let (only, version) = (metadata.remove("uid"), metadata.remove("resourceVersion"));
        let Some(found) = self.get(kind, &name).cloned() else {
            if only.is_some() {
                return Err(Refusal::conflict(format!("{kind:?} {name} is gone")));
            }
            let created = self.create(Who::Operator, kind, desired.clone())?;
            self.applied.insert(uid(&created).to_owned(), desired);
            return Ok(created);
        };
        if only.is_some_and(|only| only != found["metadata"]["uid"])
            || version.is_some_and(|version| version != found["metadata"]["resourceVersion"])
        {
            return Err(Refusal::conflict(format!("{kind:?} {name} is another one")));
        }
        let last = self.applied.get(uid(&found));
        let after = merge(&found, last, &desired);
        self.applied.insert(uid(&found).to_owned(), desired);
        self.update(Who::Operator, kind, Part::Main, after)
    }

    fn admit(&mut self, write: &Write<'_>) -> Result<(), Refusal> {
        admission::judge(self.rules, write)?;
        if let Some(check) = self.check {
            check(self, write);
        }
        self.ledger.note(write, &self.objects);
        Ok(())
    }

    /// Stores an object without asking anybody: what Kubernetes' own controllers write.
    pub fn put(&mut self, kind: Kind, name: &str, mut object: Value) -> Arc<Value> {
        object["metadata"]["resourceVersion"] = json!(self.next().to_string());
        let object = Arc::new(object);
        let before = self.objects.insert((kind, name.to_owned()), Arc::clone(&object));
        // Its owner may be gone already.
        self.collectable |= before.is_none();
        let watched = |object: &Value| !kind.is_owned() || is_labelled(object);
        let log = self.log.entry(kind).or_default();
        if watched(&object) {
            log.push(Event { object: Arc::clone(&object), deleted: false });
        } else if let Some(before) = before.filter(|before| watched(before)) {
            log.push(Event { object: before, deleted: true });
        }
        object
    }

    /// Removes an object without asking anybody.
    pub fn remove(&mut self, kind: Kind, name: &str) {
        let Some(object) = self.objects.remove(&(kind, name.to_owned())) else { return };
        self.collectable = true;
        if let Some(facts) = self.pods.get_mut(uid(&object)) {
            (facts.ready, facts.gone) = (false, true);
        }
        self.log.entry(kind).or_default().push(Event { object, deleted: true });
    }
}

fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty())
}
