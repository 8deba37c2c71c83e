//! A model that serves in every role under load, and its control group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Event, Pod, Service},
    },
    jiff::Timestamp,
};
use kube::{
    Resource, ResourceExt,
    api::{ListParams, PostParams},
};
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage, condition, names};
use understudy_e2e::{
    Calls, Load, LoadProfile, MODEL, Person, Publication, Sample, Story, Switches,
    platform::{self, Outage, Part},
    with_temp_ns,
};

use crate::TURN;

/// Main; its predecessor 1.0.0 is kept warm.
const MAIN: &str = "1.1.0";
const CHALLENGER: &str = "1.2.0";
/// Name of the Deployment and the Service of the control group.
const PLAIN: &str = "plain";
/// The operator, as the API server records who wrote a field.
const MANAGER: &str = "understudy-operator";
/// Both groups together: enough calls to see a gap of a tenth of a second.
const PROFILE: LoadProfile = LoadProfile { kept: 6, idle: 4, fresh: 4, rate: 100 };
/// The load goes on for this long after a fault. Kubernetes acts on what it missed within this time.
const AFTERWARDS: Duration = Duration::from_secs(15);

/// A model with a main, a challenger and a warm previous version, under load, and the control group under the same load.
pub struct Model {
    /// Its namespace and team.
    pub story: Arc<Story>,
    switches: Switches,
    /// The load on main, and that on the control group.
    served: Load,
    plain: Load,
    /// The faults so far: what it was, its beginning, and the end of its effects.
    faults: Vec<(String, Instant, Instant)>,
    /// Number of the last spec change, and of the last promotion.
    acts: u32,
}

/// One of the two groups of pods that get the same load.
#[derive(Clone, Copy, Debug)]
pub enum Group {
    /// Main.
    Model,
    /// The pods that the operator does not know.
    Control,
}

/// What must not change when nobody changes a spec.
#[derive(Debug, PartialEq, Eq)]
struct Children {
    /// Uid and generation of each Deployment, and when the operator wrote it last.
    workloads: BTreeMap<String, (String, i64, Option<Timestamp>)>,
    /// Uid and resourceVersion of the objects that only the operator writes.
    written: BTreeMap<String, (String, String)>,
    /// Restarts of each pod, by name and uid.
    pods: BTreeMap<(String, String), i32>,
}

/// Serves a model under load, while `test` disturbs the platform. At the end, no call of the model may have failed.
pub async fn under_load<F>(name: &str, test: F) -> Result<()>
where
    F: AsyncFnOnce(&mut Model) -> Result<()>,
{
    let _turn = TURN.lock().await;
    with_temp_ns(name, async |story| {
        let mut model = Box::pin(Model::start(story)).await?;
        test(&mut model).await?;
        model.finish().await
    })
    .await
}

impl Model {
    async fn start(story: Arc<Story>) -> Result<Self> {
        // What operations.md recommends: under disk pressure, the kubelet first evicts pods that exceed their requests.
        let resources = json!({"requests": {"ephemeral-storage": "64Mi"}});
        let spec = json!({"replicas": 2, "resources": resources, "rollback": {"keepWarm": "60m"}});
        story.serve_main(&spec).await?;
        let mut switches = Switches::watch(&story);
        story.promote(&Publication::of(Sample::V1_1_0)?).await?;
        switches.await_switch(MAIN).await?;
        let challenger = story.stage(&Publication::of(Sample::V1_2_0)?).await?;
        story.await_serving(&challenger).await?;
        story.challenge(CHALLENGER).await?;
        Box::pin(serve_plainly(&story)).await?;
        story.await_deployment("complete", is_complete).await?;
        let (served, plain) = (story.load(PROFILE).await?, story.load_on(PLAIN, PROFILE).await?);
        let mut model = Self { story, switches, served, plain, faults: vec![], acts: 0 };
        model.await_round().await?;
        Ok(model)
    }

    async fn await_round(&mut self) -> Result<()> {
        self.await_past(Instant::now()).await
    }

    async fn await_past(&mut self, moment: Instant) -> Result<()> {
        tokio::try_join!(self.served.await_past(moment), self.plain.await_past(moment))?;
        Ok(())
    }

    /// The load goes on for this time, and nothing else happens.
    pub async fn serve_for(&mut self, time: Duration) -> Result<()> {
        self.await_past(Instant::now() + time).await
    }

    /// Disturbs the platform by `fault`, and waits until everything is as before: nothing was rolled or written, and the
    /// operator acts. The operator's pods are the same, and their containers have restarted at most `restarts` times.
    pub async fn disturb<F>(&mut self, what: &str, restarts: i32, fault: F) -> Result<()>
    where
        F: AsyncFnOnce(&mut Self) -> Result<()>,
    {
        let before = self.operator_pods().await?;
        self.unchanged(what, async |model| {
            fault(model).await?;
            let since = Timestamp::now();
            let admin = model.story.client(Person::Admin).clone();
            platform::await_api_server(&admin).await?;
            platform::await_nodes(&admin, since).await?;
            model.story.operator().await_ready().await
        })
        .await?;
        let after = self.operator_pods().await?;
        ensure!(after.keys().eq(before.keys()), "{what}: the operator's pods were replaced: {after:?}");
        let restarted = after.values().sum::<i32>() - before.values().sum::<i32>();
        println!("{what}: the operator's containers restarted {restarted} times");
        ensure!(restarted <= restarts, "{what}: the operator's containers restarted {restarted} times");
        Ok(())
    }

    /// The API server is stopped or frozen, as `begin` does it, for this time. The operator's containers restart at most once.
    pub async fn without_api_server(
        &mut self,
        what: &str,
        begin: fn(Part) -> Result<Outage>,
        time: Duration,
    ) -> Result<()> {
        self.disturb(what, 1, async |model| {
            let outage = begin(Part::ApiServer)?;
            model.serve_for(time).await?;
            outage.end()
        })
        .await
    }

    /// After `fault`, the operator acts, and nothing is rolled or written.
    pub async fn unchanged<F>(&mut self, what: &str, fault: F) -> Result<()>
    where
        F: AsyncFnOnce(&mut Self) -> Result<()>,
    {
        let (before, began) = (self.children().await?, Instant::now());
        fault(self).await?;
        self.act().await?;
        let ended = Instant::now();
        println!("{what}: the operator acts {:.1} s after its beginning", (ended - began).as_secs_f64());
        self.await_past(ended + AFTERWARDS).await?;
        self.story.await_deployment("complete", is_complete).await?;
        let after = self.children().await?;
        ensure!(after == before, "{what}: pods or objects changed\nbefore: {before:#?}\nafter: {after:#?}");
        self.faults.push((what.to_owned(), began, Instant::now()));
        Ok(())
    }

    /// No operator runs for this time. When it is back, it writes nothing.
    pub async fn without_operator(&mut self, time: Duration) -> Result<()> {
        self.unchanged(&format!("no operator for {} s", time.as_secs()), async |model| {
            let absence = model.story.without_operator().await?;
            model.serve_for(time).await?;
            absence.end().await
        })
        .await
    }

    /// Changes a rule that no pod and no owned object depends on, and waits until the operator has seen it.
    async fn act(&mut self) -> Result<()> {
        self.acts += 1;
        let changed =
            self.story.change(&json!({"rollback": {"keepWarm": format!("{}m", 60 + self.acts)}})).await?;
        let generation = changed.metadata.generation;
        self.story
            .await_deployment("the operator acts", |md| {
                md.status.as_ref().is_some_and(|s| s.observed_generation >= generation)
            })
            .await?;
        Ok(())
    }

    /// A new version becomes main.
    pub async fn promote(&mut self) -> Result<()> {
        self.acts += 1;
        let version = format!("2.{}.0", self.acts);
        let name = self.story.stage_and_accept(&Publication::of(Sample::V1_0_0)?.version(&version)).await?;
        self.story.await_serving(&name).await?;
        self.story.request_and_approve(&name, Stage::Production).await?;
        let moment = self.switches.await_switch(&version).await?;
        self.story.await_stage(&name, Stage::Production).await?;
        self.served.await_past(moment).await?;
        self.story.await_deployment("complete", is_complete).await?;
        Ok(())
    }

    /// Restarts of each pod of the operator, by uid.
    async fn operator_pods(&self) -> Result<BTreeMap<String, i32>> {
        let pods = self.story.operator().pods().await?;
        Ok(pods.iter().map(|pod| (pod.uid().unwrap_or_default(), restarts(pod))).collect())
    }

    async fn children(&self) -> Result<Children> {
        let all = ListParams::default();
        let workloads = self.story.api::<Deployment>().list(&all).await?;
        let pods = self.story.api::<Pod>().list(&all).await?;
        let (services, files) =
            tokio::try_join!(self.list_written::<Service>(), self.list_written::<ConfigMap>())?;
        Ok(Children {
            workloads: workloads
                .iter()
                .map(|d| {
                    let generation = d.metadata.generation.unwrap_or(0);
                    (d.name_any(), (d.uid().unwrap_or_default(), generation, written(d)))
                })
                .collect(),
            written: services.into_iter().chain(files).collect(),
            pods: pods
                .iter()
                .filter(|pod| pod.metadata.deletion_timestamp.is_none())
                .map(|pod| ((pod.name_any(), pod.uid().unwrap_or_default()), restarts(pod)))
                .collect(),
        })
    }

    async fn list_written<K>(&self) -> Result<Vec<(String, (String, String))>>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let objects = self.story.api::<K>().list(&ListParams::default()).await?;
        let identity =
            |object: &K| (object.uid().unwrap_or_default(), object.resource_version().unwrap_or_default());
        Ok(objects.iter().map(|o| (format!("{} {}", K::kind(&()), o.name_any()), identity(o))).collect())
    }

    /// How many pods of main or of the control group have an event with this reason.
    pub async fn marked(&self, group: Group, reason: &str) -> Result<usize> {
        let about = ListParams::default().fields(&format!("involvedObject.kind=Pod,reason={reason}"));
        let events = self.story.api::<Event>().list(&about).await?;
        let names: BTreeSet<String> = match group {
            Group::Model => self.story.pods_of(MAIN).await?.iter().map(ResourceExt::name_any).collect(),
            Group::Control => {
                let labels = ListParams::default().labels(&format!("app={PLAIN}"));
                self.story.api::<Pod>().list(&labels).await?.iter().map(ResourceExt::name_any).collect()
            }
        };
        let marked: BTreeSet<_> = events.items.into_iter().filter_map(|e| e.involved_object.name).collect();
        Ok(marked.intersection(&names).count())
    }

    /// Ends the load and starts it again: the calls until now do not count at the end of the test.
    pub async fn restart_load(&mut self) -> Result<()> {
        let load = (self.story.load(PROFILE).await?, self.story.load_on(PLAIN, PROFILE).await?);
        let (model, plain) =
            (std::mem::replace(&mut self.served, load.0), std::mem::replace(&mut self.plain, load.1));
        report(&self.faults, &model.finish().await?, &plain.finish().await?);
        self.await_round().await
    }

    /// Stops the load. No call of the model may have failed.
    async fn finish(mut self) -> Result<()> {
        self.await_round().await?;
        let calls = (self.served.finish().await?, self.plain.finish().await?);
        report(&self.faults, &calls.0, &calls.1);
        calls.0.ensure_unnoticed()
    }
}

fn report(faults: &[(String, Instant, Instant)], model: &Calls, plain: &Calls) {
    for (what, from, to) in faults {
        let (model, plain) = (model.failures_between(*from, *to), plain.failures_between(*from, *to));
        println!("{what}: {model} calls of the model failed, and {plain} of the control group");
    }
    for (group, calls) in [("model", model), ("control group", plain)] {
        let (all, failed) = (calls.all.len(), calls.failures().count());
        println!("{group}: {all} calls, {failed} failed {}", calls.failure_summary());
    }
}

/// Whether main and challenger serve and nothing is in progress.
fn is_complete(md: &ModelDeployment) -> bool {
    let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
    md.main().is_some_and(|main| main.ready_replicas == 2)
        && condition::is_true(conditions, condition::READY)
        && condition::is_true(conditions, condition::CHALLENGER_READY)
        && condition::find(conditions, condition::RECONCILING).is_none()
}

/// When the operator wrote it last.
fn written(workload: &Deployment) -> Option<Timestamp> {
    let ours = workload.managed_fields().iter().filter(|entry| entry.manager.as_deref() == Some(MANAGER));
    ours.filter_map(|entry| entry.time.as_ref().map(|time| time.0)).max()
}

fn restarts(pod: &Pod) -> i32 {
    let containers = pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten());
    containers.map(|c| c.restart_count).sum()
}

/// The control group: the pods of main, without the operator.
async fn serve_plainly(story: &Story) -> Result<()> {
    let main: Deployment = story.api().get(&names::version_object(MODEL, MAIN)).await?;
    let mut template = main.spec.context("a Deployment has a spec")?.template;
    let metadata = template.metadata.get_or_insert_default();
    metadata.labels = Some([("app".to_owned(), PLAIN.to_owned())].into());
    metadata.annotations = None;
    let labels = json!({"app": PLAIN});
    let deployment = json!({
        "metadata": {"name": PLAIN},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    });
    let service = json!({
        "metadata": {"name": PLAIN},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "main"}]},
    });
    story.api::<Deployment>().create(&PostParams::default(), &serde_json::from_value(deployment)?).await?;
    story.api::<Service>().create(&PostParams::default(), &serde_json::from_value(service)?).await?;
    let available = |d: &Deployment| d.status.as_ref().and_then(|s| s.available_replicas) == Some(2);
    story.await_object("the control group is available", PLAIN, available).await?;
    while story.predict(PLAIN).await.is_err() {
        // The node follows a new Service within seconds.
        tokio::task::yield_now().await;
    }
    Ok(())
}
