//! The operator's own pods, and ways to disturb them.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{apps::v1::Deployment, coordination::v1::Lease, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};

use crate::{Person, Story, installation, signal};

/// The namespace and name of the operator of `make up`.
const NAMESPACE: &str = "understudy-system";
const NAME: &str = "understudy-operator";
/// Much longer than a pod of the operator takes to start, even after several crashes in a row.
const DEADLINE: Duration = Duration::from_mins(4);

/// The operator of a Helm release.
pub struct Operator {
    client: Client,
    namespace: String,
    name: String,
}

/// The process of the leader.
pub struct Leader {
    process: u32,
}

impl Leader {
    /// Kills the process with SIGKILL, like a crash. The kubelet starts it again.
    pub fn crash(self) -> Result<()> {
        signal::send("-KILL", self.process)
    }
}

/// No replica of the operator runs, until [`Absence::end`] or until this is dropped.
pub struct Absence {
    operator: Operator,
    /// Scales the operator, if nobody has ended the absence.
    scale: Option<Command>,
    replicas: i32,
}

impl Absence {
    /// Starts the replicas again, and waits until they are ready.
    pub async fn end(mut self) -> Result<()> {
        self.operator.scale(self.replicas).await?;
        self.scale = None;
        Ok(())
    }
}

impl Drop for Absence {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.scale.as_mut().map(Command::status) {
            eprintln!("the operator has no replicas, run `make up`: {error}");
        }
    }
}

impl Story {
    /// Ends all replicas of the operator of `make up`.
    pub async fn without_operator(&self) -> Result<Absence> {
        let operator = self.operator();
        let replicas = i32::try_from(operator.pods().await?.len())?;
        let mut scale = Command::new(self.cluster().kubectl());
        scale.args(self.cluster().kubectl_arguments(Person::Admin));
        scale.args(["-n", NAMESPACE, "scale", "deployment", NAME, &format!("--replicas={replicas}")]);
        let absence = Absence { operator, scale: Some(scale), replicas };
        absence.operator.scale(0).await?;
        Ok(absence)
    }

    /// The operator of `make up`.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator_of(NAMESPACE, NAME)
    }

    /// The operator with this name in another namespace.
    #[must_use]
    pub fn operator_of(&self, namespace: &str, name: &str) -> Operator {
        Operator {
            client: self.client(Person::Admin).clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl Operator {
    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Its pods, without those that are being deleted or have ended.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let selector = format!("app.kubernetes.io/name={NAME}");
        let pods = self.api::<Pod>().list(&ListParams::default().labels(&selector)).await?;
        let has_ended = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            matches!(phase, Some("Failed" | "Succeeded"))
        };
        let remains = |pod: &Pod| pod.metadata.deletion_timestamp.is_none() && !has_ended(pod);
        Ok(pods.items.into_iter().filter(remains).collect())
    }

    /// Name of the leader's pod.
    pub async fn leader(&self) -> Result<String> {
        let holds = |lease: Option<&Lease>| holder(lease).is_some();
        let found = await_condition(self.api::<Lease>(), &self.name, holds);
        let lease = tokio::time::timeout(DEADLINE, found).await.context("no operator became leader")??;
        holder(lease.as_ref()).context("the predicate asks for a holder")
    }

    /// Waits until another pod than this one is leader.
    pub async fn await_other_leader(&self, than: &str) -> Result<()> {
        let other = |lease: Option<&Lease>| holder(lease).is_some_and(|name| name != than);
        let found = await_condition(self.api::<Lease>(), &self.name, other);
        tokio::time::timeout(DEADLINE, found).await.context("no other pod became leader")??;
        Ok(())
    }

    /// Waits until every replica is ready.
    pub async fn await_ready(&self) -> Result<()> {
        let found = await_condition(self.api::<Deployment>(), &self.name, is_complete);
        tokio::time::timeout(DEADLINE, found).await.context("the operator's pods are not ready")??;
        Ok(())
    }

    /// Deletes all its pods without a grace period, as when their nodes are lost. Its Deployment replaces them.
    pub async fn kill_all_pods(&self) -> Result<()> {
        let pods = self.pods().await?;
        ensure!(pods.len() > 1, "the operator of `make up` has two replicas");
        for pod in pods {
            self.api::<Pod>().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
        }
        Ok(())
    }

    /// Finds the process of the leader, to be able to kill it without delay.
    pub async fn leader_process(&self) -> Result<Leader> {
        let leader = self.leader().await?;
        let pod = self.api::<Pod>().get(&leader).await.context("failed to get the leader's pod")?;
        Ok(Leader { process: process_of(&pod, NAME)? })
    }

    /// The program of one of its pods, as long as the pod runs.
    pub async fn program(&self) -> Result<PathBuf> {
        let pods = self.pods().await?;
        let pod = pods.first().context("the operator has no pod")?;
        Ok(PathBuf::from(format!("/proc/{}/exe", process_of(pod, NAME)?)))
    }

    /// A file of a `ConfigMap` that the chart wrote for the operator.
    pub async fn file(&self, config_map: &str, key: &str) -> Result<String> {
        installation::file(&self.api(), config_map, key).await
    }

    /// A kubeconfig for this cluster (a value of `clusters` in a kubeconfig) with a token of its service account.
    pub async fn kubeconfig(&self, cluster: Value) -> Result<Value> {
        installation::kubeconfig(cluster, (&self.api(), &self.name), None).await
    }

    /// Resident memory of each of its processes, in bytes.
    pub async fn resident(&self) -> Result<Vec<u64>> {
        self.pods().await?.iter().map(|pod| resident(process_of(pod, NAME)?)).collect()
    }

    /// Restarts it like `kubectl rollout restart`.
    pub async fn restart(&self) -> Result<()> {
        let at = k8s_openapi::jiff::Timestamp::now().to_string();
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        self.api::<Deployment>().patch(&self.name, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        Ok(())
    }

    /// Waits until all of these pods are gone.
    pub async fn await_replaced(&self, pods: &[Pod]) -> Result<()> {
        for pod in pods {
            let (name, uid) = (pod.name_any(), pod.uid());
            let other = move |seen: Option<&Pod>| seen.is_none_or(|seen| seen.uid() != uid);
            let gone = await_condition(self.api::<Pod>(), &name, other);
            tokio::time::timeout(DEADLINE, gone)
                .await
                .with_context(|| format!("pod {name} is not gone"))??;
        }
        Ok(())
    }

    /// Sets the number of its replicas. Waits until that many are ready and no other pod is left.
    pub async fn scale(&self, replicas: i32) -> Result<()> {
        let before = if replicas == 0 { self.pods().await? } else { vec![] };
        let patch = json!({"spec": {"replicas": replicas}});
        self.api::<Deployment>().patch(&self.name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        self.await_replaced(&before).await?;
        self.await_ready().await
    }
}

/// Whether all replicas have the newest template and are ready, and no other pod is left.
fn is_complete(deployment: Option<&Deployment>) -> bool {
    let Some((spec, status)) = deployment.and_then(|d| d.spec.as_ref().zip(d.status.as_ref())) else {
        return false;
    };
    let wanted = spec.replicas.unwrap_or(1);
    let generation = deployment.and_then(|d| d.metadata.generation);
    status.observed_generation >= generation
        && [status.replicas, status.updated_replicas, status.ready_replicas]
            .iter()
            .all(|n| n.unwrap_or(0) == wanted)
}

fn holder(lease: Option<&Lease>) -> Option<String> {
    lease?.spec.as_ref()?.holder_identity.clone().filter(|name| !name.is_empty())
}

/// Resident memory of a process of this machine, in bytes.
pub fn resident(process: u32) -> Result<u64> {
    memory(process, "VmRSS:")
}

/// The largest resident memory of a process so far, in bytes.
pub(crate) fn largest_resident(process: u32) -> Result<u64> {
    memory(process, "VmHWM:")
}

fn memory(process: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib = kib.with_context(|| format!("/proc/PID/status has {field} in kB"))?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// The process id of this program in a pod. The pods of the local cluster are processes of this machine.
pub(crate) fn process_of(pod: &Pod, program: &str) -> Result<u32> {
    let uid = pod.uid().context("a pod has a uid")?;
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let path: PathBuf = entry?.path();
        let Some(id) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok()) else {
            continue;
        };
        // A process may end in between.
        let read = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
        if read("cgroup").contains(&uid) && read("cmdline").contains(program) {
            found.insert(id);
        }
    }
    match found.len() {
        1 => Ok(found.pop_first().expect("the set has one element")),
        0 => {
            bail!("found no process of pod {uid} on this machine: this story needs the cluster of `make up`")
        }
        _ => bail!("pod {uid} has several processes: {found:?}"),
    }
}
