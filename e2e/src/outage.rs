//! An S3 server of a story's own, which can be away for a while without a word to anybody else.

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::Deployment,
        core::v1::{Secret, Service},
        discovery::v1::EndpointSlice,
    },
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{Person, Store, Story};

/// Name of the server, its Service and its Secret.
const NAME: &str = "sink";
/// On its pods.
const LABEL: &str = "app.kubernetes.io/name";
/// On no pod.
const NOBODY: &str = "nobody";

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

impl Story {
    /// Something that a spec can name as a sink, where nobody answers.
    pub async fn absent_store(&self) -> Result<Store> {
        let keys = self.api::<Secret>().get("s3").await?;
        let mut data = keys.data.unwrap_or_default();
        let url = format!("http://{NAME}.{}.svc.cluster.local", self.namespace());
        data.insert("AWS_ENDPOINT_URL".to_owned(), ByteString(url.into_bytes()));
        let secret = Secret { metadata: named(NAME), data: Some(data), ..Secret::default() };
        self.api::<Secret>().create(&PostParams::default(), &secret).await?;
        let service: Service = serde_json::from_value(json!({
            "metadata": {"name": NAME},
            "spec": {"selector": {LABEL: NOBODY}, "ports": [{"port": 80, "targetPort": 7070}]},
        }))?;
        self.api::<Service>().create(&PostParams::default(), &service).await?;
        let name = || NAME.to_owned();
        Ok(Store { namespace: self.namespace().to_owned(), deployment: name(), secret: name() })
    }

    /// A server like that of the chart, with the same buckets and nothing recorded.
    pub async fn own_store(&self) -> Result<Store> {
        let store = self.absent_store().await?;
        let shared = Store::default();
        let admin = self.client(Person::Admin).clone();
        let theirs = Api::<Deployment>::namespaced(admin, &shared.namespace).get(&shared.deployment).await;
        let theirs = theirs.context("there is no S3 server in the cluster; run `make up`")?;
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
        self.bring_back(&store).await?;
        Ok(store)
    }

    /// From here on nobody answers in the own server's name. What it holds, it keeps.
    pub async fn take_away(&self, store: &Store) -> Result<()> {
        self.select(NOBODY, 0).await?;
        // Connections that are there already would go on.
        let process = ["exec", &format!("deployment/{}", store.deployment), "--", "sh", "-c", "kill 1"];
        self.kubectl(Person::Admin, &process).await?.done()?;
        Ok(())
    }

    /// It answers again.
    pub async fn bring_back(&self, store: &Store) -> Result<()> {
        ensure!(store.namespace == self.namespace(), "the server that all stories share is never away");
        self.select(NAME, 1).await
    }

    /// Sends those who call the Service to the pods with this label, and waits until there are as many.
    async fn select(&self, value: &str, count: usize) -> Result<()> {
        let patch = Patch::Merge(json!({"spec": {"selector": {LABEL: value}}}));
        self.api::<Service>().patch(NAME, &PatchParams::default(), &patch).await?;
        let of_it = format!("kubernetes.io/service-name={NAME}");
        let slices = self.api::<EndpointSlice>().list(&ListParams::default().labels(&of_it)).await?;
        for slice in slices {
            let leads = |slice: &EndpointSlice| slice.endpoints.len() == count;
            self.await_object("the Service leads there", &slice.name_any(), leads).await?;
        }
        Ok(())
    }
}
