//! What a node and the Deployment controller do, in one task: pods for each Deployment of the operator, their status, and
//! the status of the Deployment. A rolling update keeps ready pods until new ones are ready, as `maxUnavailable: 0` says.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::{
        WatchStreamExt,
        watcher::{self, watcher},
    },
};
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::{
    garbage::{self, selector},
    model_server::{Behavior, ModelServer},
};

/// Label of a fake pod: a hash of the template that it was made from.
const TEMPLATE: &str = "pod-template-hash";

/// Pause after a round that failed.
const BACKOFF: Duration = Duration::from_millis(200);

/// What goes wrong on the node.
#[derive(Clone, Debug, Default)]
struct Trouble {
    /// Version numbers whose pods never become ready.
    broken: BTreeSet<String>,
    /// Images that no registry has.
    missing_images: BTreeSet<String>,
    /// How a version answers probes, if not as it should.
    behaviors: BTreeMap<String, Behavior>,
}

/// The fake kubelet of one namespace. It ends when this is dropped.
pub struct Kubelet {
    trouble: Arc<Mutex<Trouble>>,
    changed: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Kubelet {
    /// Begins to run the pods of this namespace.
    #[must_use]
    pub fn start(client: Client, namespace: &str) -> Self {
        let trouble = Arc::<Mutex<Trouble>>::default();
        let changed = Arc::new(Notify::new());
        let node = Node {
            client,
            namespace: namespace.to_owned(),
            servers: BTreeMap::new(),
            trouble: Arc::clone(&trouble),
        };
        let task = tokio::spawn(run(node, Arc::clone(&changed)));
        Self { trouble, changed, task }
    }

    /// Pods of this version number never become ready.
    pub fn breaks(&self, version: &str) {
        self.change(|trouble| trouble.broken.insert(version.to_owned()));
    }

    /// Pods with this image never become ready, because it cannot be pulled.
    pub fn misses(&self, image: &str) {
        self.change(|trouble| trouble.missing_images.insert(image.to_owned()));
    }

    /// The model of this version number has this many inputs. Only pods that start later have it.
    pub fn has_inputs(&self, version: &str, inputs: usize) {
        self.behave(version, Behavior { inputs, ..Behavior::default() });
    }

    /// The first probe of each pod of this version number fails. Only pods that start later do this.
    pub fn fails_its_first_probe(&self, version: &str) {
        self.behave(version, Behavior { failures: 1, ..Behavior::default() });
    }

    /// Pods of this version number are ready, and do not answer probes. Only pods that start later do this.
    pub fn silences(&self, version: &str) {
        self.behave(version, Behavior { is_silent: true, ..Behavior::default() });
    }

    fn behave(&self, version: &str, behavior: Behavior) {
        self.change(|trouble| trouble.behaviors.insert(version.to_owned(), behavior));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Trouble) -> T) {
        change(&mut self.trouble.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Works whenever a Deployment or a pod changes, or a `ModelDeployment` is deleted. Several changes are one round.
async fn run(mut node: Node, changed: Arc<Notify>) {
    let (client, namespace) = (&node.client, &node.namespace);
    let ours = watcher::Config::default().labels(&selector());
    let deployments = watcher(Api::<Deployment>::namespaced(client.clone(), namespace), ours.clone());
    let pods = watcher(Api::<Pod>::namespaced(client.clone(), namespace), ours);
    let all = watcher::Config::default();
    let models = watcher(Api::<ModelDeployment>::namespaced(client.clone(), namespace), all);
    // At the end of a list, models may be gone that were there before.
    let deletions = models.default_backoff().filter_map(|event| {
        std::future::ready(
            matches!(event, Ok(watcher::Event::Delete(_) | watcher::Event::InitDone)).then_some(()),
        )
    });
    let events =
        stream::select(deployments.default_backoff().map(|_| ()), pods.default_backoff().map(|_| ()));
    let notice = events.for_each(|()| {
        changed.notify_one();
        std::future::ready(())
    });
    let (client, namespace) = (client.clone(), namespace.clone());
    let collect = async {
        let mut deletions = std::pin::pin!(deletions);
        while deletions.next().await.is_some() {
            while let Err(error) = garbage::collect(&client, &namespace).await {
                retry(&error).await;
            }
        }
    };
    let work = async {
        loop {
            changed.notified().await;
            while let Err(error) = node.round().await {
                retry(&error).await;
            }
        }
    };
    tokio::join!(notice, collect, work);
}

/// A round may meet the operator's own write of an object.
async fn retry(error: &anyhow::Error) {
    eprintln!("the fake kubelet tries again: {error:#}");
    tokio::time::sleep(BACKOFF).await;
}

struct Node {
    client: Client,
    namespace: String,
    /// What answers at the addresses of pods, by their uid.
    servers: BTreeMap<String, ModelServer>,
    trouble: Arc<Mutex<Trouble>>,
}

impl Node {
    async fn round(&mut self) -> Result<()> {
        let ours = ListParams::default().labels(&selector());
        let deployments = self.api::<Deployment>().list(&ours).await?.items;
        let mut pods = self.api::<Pod>().list(&ours).await?.items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        let alive: BTreeSet<_> = pods.iter().filter_map(ResourceExt::uid).collect();
        self.servers.retain(|uid, _| alive.contains(uid));
        let owners: BTreeSet<_> = deployments.iter().filter_map(ResourceExt::uid).collect();
        for pod in &pods {
            if !owners.contains(&owner(pod)) {
                self.delete(pod).await?;
            }
        }
        for deployment in deployments.iter().filter(|d| d.metadata.deletion_timestamp.is_none()) {
            let uid = deployment.uid().unwrap_or_default();
            let own: Vec<&Pod> = pods.iter().filter(|pod| owner(pod) == uid).collect();
            self.roll(deployment, &own).await?;
        }
        Ok(())
    }

    /// One step of a Deployment's roll. The events of its writes trigger the next step.
    async fn roll(&mut self, deployment: &Deployment, pods: &[&Pod]) -> Result<()> {
        let spec = deployment.spec.as_ref().context("a Deployment has a spec")?;
        let wanted = usize::try_from(spec.replicas.unwrap_or(1))?;
        let mut hasher = DefaultHasher::new();
        serde_json::to_vec(&spec.template)?.hash(&mut hasher);
        let hash = format!("{:016x}", hasher.finish());
        for pod in pods {
            self.report(pod).await?;
        }
        let is_new = |pod: &Pod| pod.labels().get(TEMPLATE) == Some(&hash);
        let (new, old): (Vec<&Pod>, Vec<&Pod>) = pods.iter().partition(|pod| is_new(pod));
        let ready = |of: &[&Pod]| of.iter().filter(|pod| is_ready(pod)).count();
        let room = (wanted + usize::from(!old.is_empty())).saturating_sub(pods.len());
        for _ in 0..wanted.saturating_sub(new.len()).min(room) {
            self.create(deployment, &hash).await?;
        }
        let spare = ready(pods).saturating_sub(wanted);
        let (unready_old, ready_old): (Vec<&Pod>, Vec<&Pod>) = old.iter().partition(|pod| !is_ready(pod));
        let surplus = new.iter().skip(wanted);
        for pod in unready_old.iter().chain(ready_old.iter().take(spare)).chain(surplus) {
            self.delete(pod).await?;
        }
        let mut status = json!({"observedGeneration": deployment.metadata.generation});
        for (field, count) in [
            ("replicas", pods.len()),
            ("updatedReplicas", new.len()),
            ("readyReplicas", ready(pods)),
            ("availableReplicas", ready(pods)),
        ] {
            status[field] = json!(count);
        }
        let present = serde_json::to_value(&deployment.status)?;
        let fields = status.as_object().expect("an object was made above");
        // A count of 0 is left out by the API server.
        if fields.iter().any(|(field, value)| present.get(field).unwrap_or(&json!(0)) != value) {
            self.patch_status::<Deployment>(&deployment.name_any(), &status).await?;
        }
        Ok(())
    }

    async fn create(&self, deployment: &Deployment, hash: &str) -> Result<()> {
        let template = &deployment.spec.as_ref().context("a Deployment has a spec")?.template;
        let mut pod = Pod {
            metadata: template.metadata.clone().unwrap_or_default(),
            spec: template.spec.clone(),
            ..Pod::default()
        };
        pod.metadata.generate_name = Some(format!("{}-", deployment.name_any()));
        pod.labels_mut().insert(TEMPLATE.to_owned(), hash.to_owned());
        // The guard lets a pod of the operator be made for a ReplicaSet only. Here, the Deployment stands for it.
        let owner = deployment.controller_owner_ref(&());
        pod.metadata.owner_references =
            owner.map(|owner| vec![OwnerReference { kind: "ReplicaSet".to_owned(), ..owner }]);
        self.api::<Pod>().create(&PostParams::default(), &pod).await?;
        Ok(())
    }

    /// Writes the status of a pod that has none.
    async fn report(&mut self, pod: &Pod) -> Result<()> {
        let reported = pod.status.as_ref().is_some_and(|status| status.conditions.is_some());
        if reported {
            return Ok(());
        }
        let image = pod.spec.as_ref().and_then(|spec| spec.containers.first()?.image.clone());
        let image = image.unwrap_or_default();
        let version = self.version(pod).await?;
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let container = json!({"name": "server", "image": image, "imageID": "", "restartCount": 0});
        let status = if trouble.missing_images.contains(&image) {
            let waiting = json!({"reason": "ImagePullBackOff", "message": format!("{image}: not found")});
            not_ready(container, &json!({"waiting": waiting}))
        } else if trouble.broken.contains(&version.spec.version) {
            let message = json!({"reason": "ArtifactNotFound", "message": "the store has no such file"});
            let now = k8s_openapi::jiff::Timestamp::now();
            let ended =
                json!({"exitCode": 1, "reason": "Error", "message": message.to_string(), "finishedAt": now});
            not_ready(container, &json!({"terminated": ended}))
        } else {
            let behavior = trouble.behaviors.get(&version.spec.version).copied().unwrap_or_default();
            let server = ModelServer::start(&version, behavior).await?;
            let address = server.address();
            self.servers.insert(pod.uid().unwrap_or_default(), server);
            json!({
                "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                "conditions": [{"type": "Ready", "status": "True"}],
            })
        };
        self.patch_status::<Pod>(&pod.name_any(), &status).await
    }

    /// The version that a pod runs.
    async fn version(&self, pod: &Pod) -> Result<ModelVersion> {
        let label = |key: &str| pod.labels().get(key).cloned().unwrap_or_default();
        let (deployment, version) = (label(names::DEPLOYMENT_LABEL), label(names::VERSION_LABEL));
        // A status that a test has made unreadable does not matter to a node.
        let list: Vec<Value> = versions(&self.client, &self.namespace).await?;
        let found = list.into_iter().find(|v| {
            let number = v["spec"]["version"].as_str().unwrap_or_default();
            v["spec"]["deployment"] == deployment.as_str() && names::version_label(number) == version
        });
        let mut found = found.with_context(|| format!("no ModelVersion for the pod {}", pod.name_any()))?;
        found["status"] = Value::Null;
        Ok(serde_json::from_value(found)?)
    }

    async fn delete(&self, pod: &Pod) -> Result<()> {
        match self.api::<Pod>().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            result => Ok(result.map(|_| ())?),
        }
    }

    async fn patch_status<K>(&self, name: &str, status: &Value) -> Result<()>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let patch = Patch::Merge(json!({"status": status}));
        match self.api::<K>().patch_status(name, &PatchParams::default(), &patch).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            result => Ok(result.map(|_| ())?),
        }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// All versions as JSON.
async fn versions(client: &Client, namespace: &str) -> Result<Vec<Value>> {
    let url = format!("/apis/understudy.dev/v1alpha1/namespaces/{namespace}/modelversions");
    let list: Value = client.request(http::Request::get(url).body(vec![])?).await?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

fn not_ready(mut container: Value, state: &Value) -> Value {
    container["ready"] = json!(false);
    container["state"] = state.clone();
    json!({
        "phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [container],
    })
}

fn owner(pod: &Pod) -> String {
    pod.owner_references().first().map(|owner| owner.uid.clone()).unwrap_or_default()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|c| c.type_ == "Ready" && c.status == "True")
}
