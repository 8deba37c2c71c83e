//! An S3 server of a story's own, which can be unavailable for a while without disturbing other stories.

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::Deployment,
        core::v1::{Pod, Secret, Service},
        discovery::v1::EndpointSlice,
    },
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{Person, Store, Story};

/// Name of the server's Deployment, Service and Secret.
const NAME: &str = "sink";
/// Label of its pods.
const LABEL: &str = "app.kubernetes.io/name";
/// A value of the label that no pod has.
const NO_POD: &str = "no-pod";

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

impl Story {
    /// A Secret and a Service that a spec can name as a sink, without a server behind them.
    pub async fn unavailable_store(&self) -> Result<Store> {
        let keys = self.api::<Secret>().get("s3").await?;
        let mut data = keys.data.unwrap_or_default();
        let url = format!("http://{NAME}.{}.svc.cluster.local", self.namespace());
        data.insert("AWS_ENDPOINT_URL".to_owned(), ByteString(url.into_bytes()));
        let secret = Secret { metadata: named(NAME), data: Some(data), ..Secret::default() };
        self.api::<Secret>().create(&PostParams::default(), &secret).await?;
        self.let_use(Person::Alice, NAME).await?;
        let service: Service = serde_json::from_value(json!({
            "metadata": {"name": NAME},
            "spec": {"selector": {LABEL: NO_POD}, "ports": [{"port": 80, "targetPort": 7070}]},
        }))?;
        self.api::<Service>().create(&PostParams::default(), &service).await?;
        let name = || NAME.to_owned();
        Ok(Store { namespace: self.namespace().to_owned(), deployment: name(), secret: name() })
    }

    /// A server like that of the chart, with the same buckets and no records.
    pub async fn own_store(&self) -> Result<Store> {
        let store = self.unavailable_store().await?;
        let shared = Store::default();
        let admin = self.client(Person::Admin).clone();
        let theirs = Api::<Deployment>::namespaced(admin, &shared.namespace).get(&shared.deployment).await;
        let theirs = theirs.context("failed to get the S3 server of the cluster: run `make up`")?;
        let mut own = Deployment { metadata: named(NAME), spec: theirs.spec, ..Deployment::default() };
        let spec = own.spec.as_mut().context("a Deployment has a spec")?;
        let label = || [(LABEL.to_owned(), NAME.to_owned())].into();
        spec.selector.match_labels = Some(label());
        spec.template.metadata = Some(ObjectMeta { labels: Some(label()), ..ObjectMeta::default() });
        let containers = spec.template.spec.iter_mut().flat_map(|pod| &mut pod.containers);
        let sources =
            containers.flat_map(|c| c.env.iter_mut().flatten()).filter_map(|e| e.value_from.as_mut());
        sources
            .filter_map(|from| from.secret_key_ref.as_mut())
            .for_each(|key| NAME.clone_into(&mut key.name));
        self.api::<Deployment>().create(&PostParams::default(), &own).await?;
        let ready = |d: &Deployment| d.status.as_ref().is_some_and(|s| s.ready_replicas == Some(1));
        self.await_object("ready", NAME, ready).await?;
        self.make_available(&store).await?;
        Ok(store)
    }

    /// Makes the own server unavailable. It keeps its files.
    pub async fn make_unavailable(&self, store: &Store) -> Result<()> {
        self.select(NO_POD, 0).await?;
        // Open connections would still work: the process must end. The exec may end with it, so its exit code says nothing.
        let restarts = |pod: &Pod| {
            let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            containers.map(|container| container.restart_count).sum::<i32>()
        };
        let of_server = ListParams::default().labels(&format!("{LABEL}={NAME}"));
        let pods = self.api::<Pod>().list(&of_server).await?;
        let process = ["exec", &format!("deployment/{}", store.deployment), "--", "sh", "-c", "kill 1"];
        self.kubectl(Person::Admin, &process).await?;
        for pod in pods {
            let restarted = |now: &Pod| restarts(now) > restarts(&pod);
            self.await_object("its process ended and was started again", &pod.name_any(), restarted).await?;
        }
        Ok(())
    }

    /// Makes the own server available again.
    pub async fn make_available(&self, store: &Store) -> Result<()> {
        ensure!(
            store.namespace == self.namespace(),
            "the S3 server that all stories share must stay available"
        );
        self.select(NAME, 1).await
    }

    /// Makes the Service select the pods with this label value, and waits until it has `count` endpoints.
    async fn select(&self, value: &str, count: usize) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"selector": {LABEL: value}}}));
        self.api::<Service>().patch(NAME, &PatchParams::default(), &patch).await?;
        let of_it = format!("kubernetes.io/service-name={NAME}");
        let slices = self.api::<EndpointSlice>().list(&ListParams::default().labels(&of_it)).await?;
        for slice in slices {
            let selected = |slice: &EndpointSlice| slice.endpoints.len() == count;
            self.await_object("the endpoints of the Service", &slice.name_any(), selected).await?;
        }
        Ok(())
    }
}
