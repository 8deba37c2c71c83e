//! The operator's own pods, and what can befall them.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::{apps::v1::Deployment, coordination::v1::Lease, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::json;

use crate::{Person, Story};

/// Where `make up` installs it, and under which name.
const NAMESPACE: &str = "understudy-system";
const NAME: &str = "understudy-operator";
/// Far more than a pod of it takes to start, also after several crashes in a row.
const DEADLINE: Duration = Duration::from_mins(4);

/// The operator of a release.
pub struct Operator {
    client: Client,
    namespace: String,
    name: String,
}

/// The process that leads.
pub struct Leader {
    process: u32,
}

impl Leader {
    /// Kills it, as a crash would (SIGKILL); the kubelet starts it again.
    pub fn crash(self) -> Result<()> {
        let killed = Command::new("kill").args(["-KILL", &self.process.to_string()]).status()?;
        ensure!(killed.success(), "failed to kill process {}", self.process);
        Ok(())
    }
}

impl Story {
    /// The operator of `make up`.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator_of(NAMESPACE, NAME)
    }

    /// The operator of this name in another namespace.
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

    /// Its pods, those on their way out left aside.
    pub async fn pods(&self) -> Result<Vec<Pod>> {
        let selector = format!("app.kubernetes.io/name={NAME}");
        let pods = self.api::<Pod>().list(&ListParams::default().labels(&selector)).await?;
        Ok(pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect())
    }

    /// Name of the pod that leads.
    pub async fn leader(&self) -> Result<String> {
        let holds = |lease: Option<&Lease>| holder(lease).is_some();
        let found = await_condition(self.api::<Lease>(), &self.name, holds);
        let lease = tokio::time::timeout(DEADLINE, found).await.context("nobody leads")??;
        holder(lease.as_ref()).context("the predicate asks for a holder")
    }

    /// Waits until a pod other than this leads.
    pub async fn await_other_leader(&self, than: &str) -> Result<()> {
        let other = |lease: Option<&Lease>| holder(lease).is_some_and(|name| name != than);
        let found = await_condition(self.api::<Lease>(), &self.name, other);
        tokio::time::timeout(DEADLINE, found).await.context("nobody took over")??;
        Ok(())
    }

    /// Waits until every replica is there, and ready.
    pub async fn await_ready(&self) -> Result<()> {
        let found = await_condition(self.api::<Deployment>(), &self.name, is_whole);
        tokio::time::timeout(DEADLINE, found).await.context("the operator's pods do not come up")??;
        Ok(())
    }

    /// Ends all its pods without a word, as when their nodes are gone; new ones come.
    pub async fn lose_all_pods(&self) -> Result<()> {
        let pods = self.pods().await?;
        ensure!(pods.len() > 1, "the operator is meant to have two replicas");
        for pod in pods {
            self.api::<Pod>().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
        }
        Ok(())
    }

    /// Finds the process of the leader, so that it can be killed without delay.
    pub async fn aim_at_leader(&self) -> Result<Leader> {
        let leader = self.leader().await?;
        let pod = self.api::<Pod>().get(&leader).await.context("the leader's pod is gone")?;
        Ok(Leader { process: process_of(&pod, NAME)? })
    }

    /// Resident memory of each of its processes, in bytes.
    pub async fn resident(&self) -> Result<Vec<u64>> {
        self.pods().await?.iter().map(|pod| resident(process_of(pod, NAME)?)).collect()
    }

    /// What `kubectl rollout restart` writes.
    pub async fn restart(&self) -> Result<()> {
        let at = k8s_openapi::jiff::Timestamp::now().to_string();
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        self.api::<Deployment>().patch(&self.name, &PatchParams::default(), &Patch::Strategic(patch)).await?;
        Ok(())
    }

    /// Waits until none of these pods is left.
    pub async fn await_replaced(&self, pods: &[Pod]) -> Result<()> {
        for pod in pods {
            let (name, uid) = (pod.name_any(), pod.uid());
            let other = move |seen: Option<&Pod>| seen.is_none_or(|seen| seen.uid() != uid);
            let gone = await_condition(self.api::<Pod>(), &name, other);
            tokio::time::timeout(DEADLINE, gone).await.with_context(|| format!("{name} stays"))??;
        }
        Ok(())
    }

    /// Sets the number of its replicas, and waits until that many are ready and no other is left.
    pub async fn scale(&self, replicas: i32) -> Result<()> {
        let before = if replicas == 0 { self.pods().await? } else { vec![] };
        let patch = json!({"spec": {"replicas": replicas}});
        self.api::<Deployment>().patch(&self.name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        self.await_replaced(&before).await?;
        self.await_ready().await
    }
}

/// All replicas are of the newest template and ready, and no other is left.
fn is_whole(deployment: Option<&Deployment>) -> bool {
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
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("Linux says VmRSS in kB")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// The process of this program that runs in a pod. The local cluster's pods are processes of this machine.
pub(crate) fn process_of(pod: &Pod, program: &str) -> Result<u32> {
    let uid = pod.uid().context("a pod has a uid")?;
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let path: PathBuf = entry?.path();
        let Some(id) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok()) else {
            continue;
        };
        // A process may end while it is looked at.
        let read = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
        if read("cgroup").contains(&uid) && read("cmdline").contains(program) {
            found.insert(id);
        }
    }
    match found.len() {
        1 => Ok(found.pop_first().expect("there is one")),
        0 => bail!("pod {uid} is no process of this machine: this story needs the cluster of `make up`"),
        _ => bail!("pod {uid} has several processes: {found:?}"),
    }
}
