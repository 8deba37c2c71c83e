//! Kubernetes' own controllers and the nodes: pods of Deployments, garbage collection, and what pods answer.

use std::sync::Arc;

use serde_json::{Value, json};
use understudy_contract::{
    ProbeAnswer,
    probe::{self, Proof},
};

use super::{
    coverage::Met,
    objects::{DEPLOYMENT, Kind, NAMESPACE, Source, controller, number, text, uid},
    pods::PodFacts,
    server::World,
};

impl World {
    /// One step of each controller. Returns whether anything changed.
    pub fn controllers(&mut self) -> bool {
        let collected = self.collect_garbage();
        let names: Vec<_> =
            self.all(Kind::Workload).map(|object| text(object, "/metadata/name").to_owned()).collect();
        names.iter().fold(collected, |changed, name| self.roll(name) | changed)
    }

    /// One more pod becomes ready, the oldest that can. Returns whether there was one.
    pub fn start_pod(&mut self) -> bool {
        let next = self.pods.iter().find(|(_, pod)| !pod.gone && !pod.ready && !pod.is_broken());
        let Some(uid) = next.map(|(uid, _)| uid.clone()) else { return false };
        self.set_ready(&uid, true);
        true
    }

    /// A ready pod of this version number is not ready any more.
    pub fn fail_pod(&mut self, number: &str) {
        let failing = self.pods.iter().find(|(_, pod)| pod.ready && pod.of.number == number);
        if let Some(uid) = failing.map(|(uid, _)| uid.clone()) {
            self.coverage.note(Met::PodFailed);
            self.set_ready(&uid, false);
        }
    }

    /// Controllers and nodes work until nothing changes.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            let changed = self.controllers();
            if !self.start_pod() && !changed {
                return;
            }
        }
        self.violates("simulation", "the controllers of Kubernetes do not come to rest");
    }

    /// The pods that callers of the stable Service reach.
    pub fn reached(&self) -> Vec<&PodFacts> {
        let Some(service) = self.get(Kind::Service, DEPLOYMENT) else { return vec![] };
        let Some(selector) = service["spec"]["selector"].as_object() else { return vec![] };
        let selects =
            |pod: &Value| selector.iter().all(|(key, value)| *value == pod["metadata"]["labels"][key]);
        let pods = self.all(Kind::Pod).filter(|pod| selects(pod)).filter_map(|pod| self.pods.get(uid(pod)));
        pods.filter(|facts| facts.ready).collect()
    }

    /// What answers an inference at this base URL.
    pub fn answer(&self, url: &str) -> Option<ProbeAnswer> {
        let host = url.trim_start_matches("http://");
        let facts = match host.split_once(':') {
            Some((ip, _)) => self.pods.values().find(|pod| pod.ready && pod.ip == ip)?,
            None if host == format!("{DEPLOYMENT}.{NAMESPACE}.svc") => self.reached().into_iter().next()?,
            None => return None,
        };
        Some(ProbeAnswer {
            deployment: DEPLOYMENT.to_owned(),
            version: facts.of.number.clone(),
            digest: facts.of.digest.clone(),
            model: probe::Signature { inputs: vec![], outputs: vec![], opset: 17, bytes: 1 },
            latency_micros: 12,
            proof: Proof::Synthetic,
            runtime_image: None,
        })
    }

    /// Deletes what belongs to objects that do not exist any more.
    fn collect_garbage(&mut self) -> bool {
        if !std::mem::take(&mut self.collectable) {
            return false;
        }
        let uids: Vec<String> = self.objects.values().map(|object| uid(object).to_owned()).collect();
        let orphans: Vec<_> = self
            .objects
            .iter()
            .filter(|((kind, _), object)| {
                kind.is_owned()
                    && controller(object).is_some_and(|owner| !uids.iter().any(|uid| uid == owner))
            })
            .map(|(key, _)| key.clone())
            .collect();
        for (kind, name) in &orphans {
            self.remove(*kind, name);
        }
        !orphans.is_empty()
    }

    /// One step of the rolling update of a Deployment: never fewer ready pods than asked for, one more at most.
    fn roll(&mut self, name: &str) -> bool {
        let Some(workload) = self.get(Kind::Workload, name).cloned() else { return false };
        let wanted = usize::try_from(number(&workload, "/spec/replicas")).unwrap_or(0);
        let template = &workload["spec"]["template"];
        let mine: Vec<_> = self
            .all(Kind::Pod)
            .filter(|pod| controller(pod) == Some(uid(&workload)))
            .map(|pod| uid(pod).to_owned())
            .collect();
        let (new, old): (Vec<_>, Vec<_>) =
            mine.iter().cloned().partition(|uid| *self.pods[uid].template == *template);
        let ready = |world: &Self, pods: &[String]| pods.iter().filter(|uid| world.pods[*uid].ready).count();
        let mut changed = true;
        if new.len() < wanted && mine.len() < wanted + usize::from(!old.is_empty()) {
            self.create_pod(&workload);
        } else if let Some(idle) = old.iter().find(|uid| !self.pods[*uid].ready) {
            self.delete_pod(idle);
        } else if !old.is_empty() && ready(self, &mine) > wanted {
            self.delete_pod(&old[0]);
        } else if old.is_empty() && new.len() > wanted {
            let first = new.iter().find(|uid| !self.pods[*uid].ready).unwrap_or(&new[0]);
            self.delete_pod(first);
        } else {
            changed = false;
        }
        self.report(name) | changed
    }

    /// Writes the status of a Deployment.
    fn report(&mut self, name: &str) -> bool {
        let Some(workload) = self.get(Kind::Workload, name).cloned() else { return false };
        let template = &workload["spec"]["template"];
        let mine: Vec<_> = self
            .all(Kind::Pod)
            .filter(|pod| controller(pod) == Some(uid(&workload)))
            .map(|pod| &self.pods[uid(pod)])
            .collect();
        let status = json!({
            "observedGeneration": workload["metadata"]["generation"],
            "replicas": mine.len(),
            "updatedReplicas": mine.iter().filter(|pod| *pod.template == *template).count(),
            "readyReplicas": mine.iter().filter(|pod| pod.ready).count(),
        });
        if workload["status"] == status {
            return false;
        }
        let mut after = Value::clone(&workload);
        after["status"] = status;
        self.put(Kind::Workload, name, after);
        true
    }

    fn create_pod(&mut self, workload: &Value) {
        let of = Source::of(workload);
        let name = format!("{}-{}", text(workload, "/metadata/name"), self.pods.len());
        let taken = |ip: &String| self.pods.values().any(|pod| !pod.gone && pod.ip == *ip);
        // The addresses of pods that are gone are used again.
        let ip = (1..=254).map(|n| format!("10.0.0.{n}")).find(|ip| !taken(ip)).expect("an address is free");
        let id = format!("uid-of-pod-{:04}", self.pods.len());
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": NAMESPACE, "uid": id, "creationTimestamp": self.time(),
                "labels": workload["spec"]["template"]["metadata"]["labels"],
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": workload["metadata"]["name"],
                    "uid": workload["metadata"]["uid"], "controller": true,
                }],
            },
            "status": {"podIP": ip, "conditions": [
                {"type": "Ready", "status": "False", "lastTransitionTime": self.time()},
            ]},
        });
        let template = Arc::new(workload["spec"]["template"].clone());
        let facts =
            PodFacts { of, name: name.clone(), ip, template, ready: false, gone: false, last_ready: None };
        if facts.is_broken() {
            self.coverage.note(Met::BrokenBytes);
        }
        self.pods.insert(id, facts);
        self.put(Kind::Pod, &name, pod);
    }

    fn delete_pod(&mut self, uid: &str) {
        let name = self.pods[uid].name.clone();
        self.remove(Kind::Pod, &name);
    }

    fn set_ready(&mut self, uid: &str, ready: bool) {
        let seconds = self.seconds;
        let facts = self.pods.get_mut(uid).expect("a pod has facts");
        facts.ready = ready;
        facts.last_ready = Some(seconds);
        let name = facts.name.clone();
        let Some(pod) = self.get(Kind::Pod, &name).cloned() else { return };
        let mut after = Value::clone(&pod);
        after["status"]["conditions"] = json!([
            {"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": self.time()},
        ]);
        self.put(Kind::Pod, &name, after);
    }
}
