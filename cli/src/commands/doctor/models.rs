//! Counts models and their objects while these are read page by page. Keeps names and uids, not the objects. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde_json::Value;
use understudy_crds::{
    ModelDeployment, ModelVersion, Stage,
    condition::{self, RUNNING, SERVING, STALLED},
    names,
};

use super::seen::{Blind, Seen, Tally};

/// A request that is this much older than its deadline, in seconds, was missed by the operator.
const OVERDUE: i64 = 120;
/// An approved step that takes longer than this, in seconds, is stuck.
const SLOW: i64 = 3600;
/// A child that is younger than this, in seconds, may belong to a deployment that was created after the list was read.
const YOUNG: i64 = 300;
/// Reasons of the kubelet for an image that it cannot run.
const IMAGE_REASONS: [&str; 5] =
    ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"];
/// Reasons of a version that is not meant to serve, or that still starts.
const NOT_A_FAILURE: [&str; 2] = ["NotServed", "Starting"];

/// Both kinds and what belongs to them.
#[derive(Clone, Debug)]
pub struct Models {
    /// Whether the versions were read.
    pub versions: Seen<usize>,
    /// Whether the deployments were read.
    pub deployments: Seen<usize>,
    /// Whether the pods of models were read.
    pub pods: Seen<usize>,
    /// Whether the `EndpointSlice`s of models were read.
    pub slices: Seen<()>,
    /// Whether the objects of models were read.
    pub objects: Seen<usize>,
    /// Objects of both kinds that this version cannot parse.
    pub unreadable: Tally,
    /// Deployments that are stalled, by reason.
    pub stalled: BTreeMap<String, Tally>,
    /// Deployments with a main that does not answer, by reason.
    pub not_running: BTreeMap<String, Tally>,
    /// Versions that should serve and do not, by reason.
    pub not_serving: BTreeMap<String, Tally>,
    /// Requests that the operator should have ended.
    pub overdue: Tally,
    /// Approved steps that do not end.
    pub slow: Tally,
    /// Pods of models whose image cannot be pulled.
    pub image_failures: Tally,
    /// Pods of models with another server image than the operator's.
    pub other_images: Tally,
    /// Objects that have a name that the operator needs, and another owner.
    pub foreign: Tally,
    /// Objects of Understudy whose `ModelDeployment` does not exist.
    pub orphans: Tally,
    /// A version with which a forbidden write can be tried.
    pub witness: Option<Box<ModelVersion>>,
    now: Timestamp,
    server_image: Option<String>,
    owners: HashMap<String, String>,
    uids: HashSet<String>,
    wanted: HashMap<String, String>,
    serving_mains: Vec<String>,
    endpoints: HashMap<String, usize>,
}

impl Models {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(now: Timestamp, server_image: Option<String>) -> Self {
        let unread = || Blind::NotTried("not read".to_owned());
        Self {
            versions: Err(unread()),
            deployments: Err(unread()),
            pods: Err(unread()),
            slices: Err(unread()),
            objects: Err(unread()),
            unreadable: Tally::default(),
            stalled: BTreeMap::new(),
            not_running: BTreeMap::new(),
            not_serving: BTreeMap::new(),
            overdue: Tally::default(),
            slow: Tally::default(),
            image_failures: Tally::default(),
            other_images: Tally::default(),
            foreign: Tally::default(),
            orphans: Tally::default(),
            witness: None,
            now,
            server_image,
            owners: HashMap::new(),
            uids: HashSet::new(),
            wanted: HashMap::new(),
            serving_mains: vec![],
            endpoints: HashMap::new(),
        }
    }

    /// Counts a `ModelDeployment`.
    pub fn deployment(&mut self, object: Value) {
        let shown = shown(&object);
        // Its children are not orphans, even if its spec cannot be parsed.
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        self.uids.insert(uid.clone());
        self.owners.insert(shown.clone(), uid);
        let Ok(md) = serde_json::from_value::<ModelDeployment>(object) else {
            return self.unreadable.add(|| format!("ModelDeployment {shown}"));
        };
        let namespace = md.namespace().unwrap_or_default();
        let name = md.name_any();
        let mut want = |kind: &str, object: &str| {
            self.wanted.insert(key(kind, &namespace, object), shown.clone());
        };
        want("Service", &name);
        want("ConfigMap", &names::routing(&name));
        if md.spec.replicas > 1 {
            want("PodDisruptionBudget", &name);
        }
        if md.spec.challenger.is_some() {
            want("Service", &names::challenger(&name));
        }
        if md.spec.recording.is_some() {
            want("Service", &names::peers(&name));
        }
        let status = md.status.clone().unwrap_or_default();
        if status.main.as_ref().is_some_and(|main| main.ready_replicas > 0) {
            self.serving_mains.push(shown.clone());
        }
        if let Some(stalled) = true_one(&status.conditions, STALLED) {
            self.stalled.entry(stalled.reason.clone()).or_default().add(|| shown.clone());
        }
        let running = condition::find(&status.conditions, RUNNING);
        if let Some(bad) = running.filter(|c| c.status == "False" && status.main.is_some()) {
            self.not_running.entry(bad.reason.clone()).or_default().add(|| shown.clone());
        }
    }

    /// Counts a `ModelVersion`.
    pub fn version(&mut self, object: Value) {
        let shown = shown(&object);
        let Ok(mv) = serde_json::from_value::<ModelVersion>(object) else {
            return self.unreadable.add(|| format!("ModelVersion {shown}"));
        };
        let namespace = mv.namespace().unwrap_or_default();
        let transition = mv.transition();
        let approved = transition.is_some_and(|t| t.approval.is_some());
        if matches!(mv.stage(), Stage::Staging | Stage::Production) || approved {
            let object = names::version_object(&mv.spec.deployment, &mv.spec.version);
            let owner = format!("{namespace}/{}", mv.spec.deployment);
            for kind in ["Deployment", "Service"] {
                self.wanted.insert(key(kind, &namespace, &object), owner.clone());
            }
        }
        if let Some(t) = transition {
            let over = |at: &Timestamp, limit: i64| self.now.as_second() - at.as_second() > limit;
            match (&t.approval, &t.expires_at) {
                (Some(grant), _) if over(&grant.at.0, SLOW) => self.slow.add(|| shown.clone()),
                (None, Some(end)) if over(&end.0, OVERDUE) => self.overdue.add(|| shown.clone()),
                _ => {}
            }
        }
        let conditions = mv.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
        let serving = condition::find(conditions, SERVING);
        if let Some(bad) =
            serving.filter(|c| c.status == "False" && !NOT_A_FAILURE.contains(&c.reason.as_str()))
        {
            self.not_serving.entry(bad.reason.clone()).or_default().add(|| shown.clone());
        }
        if self.witness.is_none() && mv.history().len() < understudy_crds::HISTORY_LIMIT {
            self.witness = Some(Box::new(mv));
        }
    }

    /// Counts a pod of a model.
    pub fn pod(&mut self, pod: &Value) {
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            return;
        }
        let failure = waiting(pod).find(|reason| IMAGE_REASONS.contains(reason));
        if let Some(reason) = failure {
            self.image_failures.add(|| format!("{} ({reason})", shown(pod)));
        }
        let image = pod["spec"]["containers"][0]["image"].as_str();
        if self.server_image.is_some() && image != self.server_image.as_deref() {
            self.other_images.add(|| shown(pod));
        }
    }

    /// Counts the endpoints of a Service.
    pub fn slice(&mut self, slice: &Value) {
        let namespace = slice["metadata"]["namespace"].as_str().unwrap_or_default();
        let service = slice["metadata"]["labels"]["kubernetes.io/service-name"].as_str().unwrap_or_default();
        let ready = slice["endpoints"].as_array().map_or(0, |endpoints| {
            // Without a value, an endpoint counts as ready.
            endpoints.iter().filter(|e| e["conditions"]["ready"] != Value::Bool(false)).count()
        });
        *self.endpoints.entry(format!("{namespace}/{service}")).or_default() += ready;
    }

    /// Judges the owner of an object with a name or a label of Understudy. Needs both kinds to be counted before.
    pub fn object(&mut self, kind: &str, object: &Value) {
        let metadata = &object["metadata"];
        if !metadata["deletionTimestamp"].is_null() {
            return;
        }
        let owner = metadata["ownerReferences"]
            .as_array()
            .and_then(|owners| owners.iter().find(|o| o["controller"] == true))
            .and_then(|owner| owner["uid"].as_str())
            .unwrap_or_default();
        let own_key = key(
            kind,
            metadata["namespace"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or_default(),
        );
        let wanted_owner = self.wanted.get(&own_key).and_then(|md| self.owners.get(md));
        if wanted_owner.is_some_and(|uid| uid != owner) {
            return self.foreign.add(|| format!("{kind} {}", shown(object)));
        }
        let ours = metadata["labels"][names::MANAGED_BY.0] == names::MANAGED_BY.1;
        let made = metadata["creationTimestamp"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let old = made.is_some_and(|at| self.now.as_second() - at.as_second() > YOUNG);
        if ours && old && !self.uids.contains(owner) {
            self.orphans.add(|| format!("{kind} {}", shown(object)));
        }
    }

    /// Deployments whose main is ready and whose Service has no endpoint.
    #[must_use]
    pub fn without_endpoints(&self) -> Tally {
        let mut tally = Tally::default();
        for md in self.serving_mains.iter().filter(|md| self.endpoints.get(*md).is_none_or(|n| *n == 0)) {
            tally.add(|| md.clone());
        }
        tally
    }

    /// Deployments whose main is ready.
    #[must_use]
    pub fn serving(&self) -> usize {
        self.serving_mains.len()
    }
}

fn true_one<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    condition::find(conditions, type_).filter(|c| c.status == "True")
}

fn key(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind} {namespace}/{name}")
}

/// `namespace/name`.
pub fn shown(object: &Value) -> String {
    let part = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    format!("{}/{}", part("namespace"), part("name"))
}

/// The reasons for which containers of a pod wait.
pub fn waiting(pod: &Value) -> impl Iterator<Item = &str> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .filter_map(|list| pod["status"][list].as_array())
        .flatten()
        .filter_map(|container| container["state"]["waiting"]["reason"].as_str())
}

#[cfg(test)]
#[path = "models_tests.rs"]
mod tests;
