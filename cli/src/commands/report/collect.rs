//! Reads the parts of a report and writes them into the archive, one kind after the other.

use std::io;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{archive::Archive, redact::Redactor};
use crate::commands::doctor::{
    config::Config,
    kinds::{
        BINDINGS, BUDGETS, CONFIG_MAPS, CRDS, DEPLOYMENTS, LEASES, MANAGED, MODEL_DEPLOYMENTS, OPERATOR,
        PODS, POLICIES, SERVICES, SLICES, STAMP_BINDINGS, STAMPS, VERSIONS, scopes,
    },
    models::shown,
    read::{Kind, Reader},
    seen::{Blind, Seen},
};

const EVENTS: Kind = Kind("api/v1", "events");
/// Bytes of the log of one container.
const LOG_BYTES: usize = 2 << 20;
/// Lines of the log of one container.
const LOG_LINES: usize = 20_000;
/// Events in one namespace list that are kept in memory.
const EVENTS_LIMIT: usize = 5_000;

/// Reads with the rights of the person who runs the plugin.
pub struct Collector<'a> {
    reader: &'a Reader,
    system: &'a str,
    config: &'a Config,
    since: Timestamp,
    now: Timestamp,
    /// What could not be read, and why.
    pub missing: Vec<String>,
    logs: Vec<(String, String)>,
    events: Vec<Value>,
    pods: Vec<Value>,
}

impl<'a> Collector<'a> {
    /// Logs and events since this time.
    #[must_use]
    pub const fn new(
        reader: &'a Reader,
        system: &'a str,
        config: &'a Config,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            reader,
            system,
            config,
            since,
            now,
            missing: vec![],
            logs: vec![],
            events: vec![],
            pods: vec![],
        }
    }

    /// Reads logs and events, and learns the names of people from everything. Nothing is written yet: an object may
    /// quote a name that only a later one shows to be a name.
    pub async fn learn(&mut self, redactor: &mut Redactor) {
        for kind in [VERSIONS, MODEL_DEPLOYMENTS] {
            for namespace in scopes(self.config) {
                let seen =
                    self.reader.list(kind, namespace, "", false, |object| redactor.learn(&object)).await;
                // The same list is read again for the archive, which reports its failure.
                drop(seen);
            }
        }
        self.read_pods().await;
        self.read_logs().await;
        self.read_events().await;
        for (_, log) in &self.logs {
            redactor.learn_log(log);
        }
        for event in &self.events {
            redactor.learn_note(event["message"].as_str().unwrap_or_default());
        }
    }

    /// Writes everything.
    pub async fn write(&mut self, archive: &mut Archive, redactor: &Redactor) -> io::Result<()> {
        self.cluster(archive, redactor).await?;
        self.operator(archive, redactor).await?;
        for (name, log) in std::mem::take(&mut self.logs) {
            archive.add(&name, &redactor.text(&log))?;
        }
        let events: Vec<String> =
            std::mem::take(&mut self.events).into_iter().map(|e| yaml(e, redactor)).collect();
        archive.add("events.yaml", &events.join("---\n"))?;
        for kind in [MODEL_DEPLOYMENTS, VERSIONS] {
            self.objects(archive, redactor, kind, "").await?;
        }
        for kind in [PODS, DEPLOYMENTS, SERVICES, SLICES, CONFIG_MAPS, BUDGETS] {
            self.objects(archive, redactor, kind, MANAGED).await?;
        }
        Ok(())
    }

    fn miss<T>(&mut self, what: &str, seen: Seen<T>) -> Option<T> {
        match seen {
            Ok(found) => return Some(found),
            Err(Blind::Denied(right)) => self.missing.push(format!("{what}: you may not {right}")),
            Err(Blind::Failed(why) | Blind::NotTried(why)) => self.missing.push(format!("{what}: {why}")),
        }
        None
    }

    /// CRDs without their schemas, which doctor compares, and policies.
    async fn cluster(&mut self, archive: &mut Archive, redactor: &Redactor) -> io::Result<()> {
        let policy = self.config.policy.clone();
        let stamp = format!("{}-stamp", self.config.fullname);
        let objects = [
            (CRDS, "modelversions.understudy.dev"),
            (CRDS, "modeldeployments.understudy.dev"),
            (POLICIES, policy.as_str()),
            (BINDINGS, policy.as_str()),
            (STAMPS, stamp.as_str()),
            (STAMP_BINDINGS, stamp.as_str()),
        ];
        for (kind, name) in objects {
            let seen = self.reader.get(kind, None, name).await;
            if let Some(Some(mut object)) = self.miss(&format!("{} {name}", kind.1), seen) {
                for version in object["spec"]["versions"].as_array_mut().into_iter().flatten() {
                    if let Some(version) = version.as_object_mut() {
                        version.remove("schema");
                    }
                }
                archive.add(&format!("cluster/{}/{name}.yaml", kind.1), &yaml(object, redactor))?;
            }
        }
        Ok(())
    }

    async fn operator(&mut self, archive: &mut Archive, redactor: &Redactor) -> io::Result<()> {
        let system = Some(self.system);
        let maps = [format!("{}-config", self.config.fullname), format!("{}-policy", self.config.fullname)];
        let objects = [
            (DEPLOYMENTS, &self.config.operator),
            (LEASES, &self.config.lease),
            (CONFIG_MAPS, &maps[0]),
            (CONFIG_MAPS, &maps[1]),
        ];
        for (kind, name) in objects {
            let seen = self.reader.get(kind, system, name).await;
            if let Some(Some(object)) = self.miss(&format!("{} {name}", kind.1), seen) {
                archive.add(&format!("operator/{}-{name}.yaml", kind.1), &yaml(object, redactor))?;
            }
        }
        for pod in std::mem::take(&mut self.pods) {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            archive.add(&format!("operator/pods-{name}.yaml"), &yaml(pod.clone(), redactor))?;
            for page in crate::commands::doctor::gather::pages(self.reader, self.system, &[pod]).await {
                let health = |page: (u16, String)| format!("{}\n{}", page.0, page.1);
                let parts = [
                    ("metrics", page.metrics),
                    ("livez", page.livez.map(health)),
                    ("readyz", page.readyz.map(health)),
                ];
                for (part, seen) in parts {
                    if let Some(text) = self.miss(&format!("/{part} of pod {name}"), seen) {
                        archive.add(&format!("operator/{part}-{name}.txt"), &redactor.text(&text))?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn read_pods(&mut self) {
        let mut pods = vec![];
        let seen = self.reader.list(PODS, Some(self.system), OPERATOR, false, |pod| pods.push(pod)).await;
        self.miss("pods of the operator", seen);
        self.pods = pods;
    }

    async fn read_logs(&mut self) {
        let seconds = (self.now.as_second() - self.since.as_second()).max(1);
        for pod in self.pods.clone() {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let restarted = pod["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0) > 0;
            let mut wanted = vec![(format!("logs/{name}.log"), format!("&sinceSeconds={seconds}"))];
            if restarted {
                wanted.push((format!("logs/{name}-previous.log"), "&previous=true".to_owned()));
            }
            for (file, more) in wanted {
                let path = format!(
                    "{}/{name}/log?tailLines={LOG_LINES}&limitBytes={LOG_BYTES}{more}",
                    PODS.path(Some(self.system))
                );
                let right = format!("get pods/log in namespace {}", self.system);
                let seen = self.reader.text(&path, &right).await;
                if let Some(log) = self.miss(&file, seen) {
                    self.logs.push((file, log));
                }
            }
        }
    }

    /// Events of the operator's namespace, and of models elsewhere.
    async fn read_events(&mut self) {
        let since = self.since;
        let mut events = vec![];
        let mut left_out = 0_usize;
        let mut keep = |event: Value, all: bool| {
            let ours = event["involvedObject"]["apiVersion"]
                .as_str()
                .is_some_and(|v| v.starts_with("understudy.dev/"))
                || event["source"]["component"] == "understudy-operator"
                || event["reportingComponent"] == "understudy-operator";
            if (all || ours) && time(&event).is_none_or(|at| at >= since) {
                if events.len() < EVENTS_LIMIT { events.push(event) } else { left_out += 1 }
            }
        };
        let system = self.reader.list(EVENTS, Some(self.system), "", false, |event| keep(event, true)).await;
        let mut models = Ok(0);
        for namespace in scopes(self.config).into_iter().filter(|ns| *ns != Some(self.system)) {
            let elsewhere = |event: &Value| event["metadata"]["namespace"] != self.system;
            let seen = self
                .reader
                .list(EVENTS, namespace, "", false, |event| {
                    if elsewhere(&event) {
                        keep(event, false);
                    }
                })
                .await;
            models = models.and(seen);
        }
        self.events = events;
        self.miss("events of the operator's namespace", system);
        self.miss("events of models", models);
        if left_out > 0 {
            self.missing.push(format!("{left_out} events, because of their number; use a shorter --since"));
        }
    }

    async fn objects(
        &mut self,
        archive: &mut Archive,
        redactor: &Redactor,
        kind: Kind,
        selector: &str,
    ) -> io::Result<()> {
        let mut written = Ok(());
        for namespace in scopes(self.config) {
            let seen = self
                .reader
                .list(kind, namespace, selector, false, |object| {
                    if written.is_ok() {
                        let file = format!("objects/{}/{}.yaml", kind.1, shown(&object));
                        written = archive.add(&file, &yaml(object, redactor));
                    }
                })
                .await;
            self.miss(kind.1, seen);
        }
        written
    }
}

fn time(event: &Value) -> Option<Timestamp> {
    ["lastTimestamp", "eventTime"].iter().find_map(|key| event[*key].as_str()?.parse().ok())
}

fn yaml(mut object: Value, redactor: &Redactor) -> String {
    redactor.object(&mut object);
    // JSON is YAML, too.
    serde_saphyr::to_string(&object).unwrap_or_else(|_| json!(object).to_string())
}
