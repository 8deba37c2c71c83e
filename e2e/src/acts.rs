//! What people do, each as one plain write, the way `kubectl annotate`, `patch` and `create` make it.

use anyhow::{Context, Result};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion, Stage, Transition, annotations};

use crate::{MODEL, Person, Publication, Sample, Story, manifest::named};

impl Story {
    /// Alice creates the `ModelDeployment` of the samples, with this merged into its spec.
    pub async fn deploy(&self, spec: &Value) -> Result<ModelDeployment> {
        self.deploy_as(MODEL, spec).await
    }

    /// Alice creates the same under another name.
    pub async fn deploy_as(&self, name: &str, spec: &Value) -> Result<ModelDeployment> {
        let api: Api<ModelDeployment> = self.api_as(Person::Alice);
        Ok(api.create(&PostParams::default(), &named(name, spec)?).await?)
    }

    /// Alice merges into the spec of the `ModelDeployment`.
    pub async fn change(&self, spec: &Value) -> Result<ModelDeployment> {
        let api: Api<ModelDeployment> = self.api_as(Person::Alice);
        Ok(api.patch(MODEL, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await?)
    }

    /// Alice names this version as challenger.
    pub async fn challenge(&self, version: &str) -> Result<ModelDeployment> {
        self.change(&json!({"challenger": {"version": version}})).await
    }

    /// Alice publishes a version; its name is returned.
    pub async fn publish(&self, publication: &Publication) -> Result<String> {
        let api: Api<ModelVersion> = self.api_as(Person::Alice);
        api.create(&PostParams::default(), &publication.manifest()?).await?;
        Ok(publication.name())
    }

    /// Merges into a version as this person.
    pub async fn patch(&self, person: Person, name: &str, patch: &Value) -> kube::Result<ModelVersion> {
        let api: Api<ModelVersion> = self.api_as(person);
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    async fn annotate(&self, person: Person, name: &str, values: &Value) -> kube::Result<ModelVersion> {
        self.patch(person, name, &json!({"metadata": {"annotations": values}})).await
    }

    /// Asks for a stage in this person's name. Asking for the present stage withdraws.
    pub async fn request(&self, person: Person, name: &str, stage: Stage) -> kube::Result<ModelVersion> {
        let patch = json!({
            "metadata": {"annotations": {annotations::REQUESTED_BY: person.name()}},
            "spec": {"stage": stage},
        });
        self.patch(person, name, &patch).await
    }

    /// Alice asks for a stage, and the request is pending.
    pub async fn ask(&self, name: &str, stage: Stage) -> Result<Transition> {
        let asked = self.request(Person::Alice, name, stage).await?;
        let generation = asked.metadata.generation.context("a stored object has a generation")?;
        let is_it = |t: &Transition| t.generation == generation && t.to == stage;
        let pending =
            self.await_version("a pending request", name, |v| v.transition().is_some_and(is_it)).await?;
        pending.transition().cloned().context("the predicate asks for one")
    }

    /// Approves a transition in this person's name.
    pub async fn approve(&self, person: Person, name: &str, id: &str) -> kube::Result<ModelVersion> {
        let values = json!({annotations::APPROVE: id, annotations::APPROVED_BY: person.name()});
        self.annotate(person, name, &values).await
    }

    /// Rejects a transition in this person's name.
    pub async fn reject(
        &self,
        person: Person,
        name: &str,
        id: &str,
        reason: &str,
    ) -> kube::Result<ModelVersion> {
        let values = json!({
            annotations::REJECT: id,
            annotations::REJECTED_BY: person.name(),
            annotations::REASON: reason,
        });
        self.annotate(person, name, &values).await
    }

    /// Gives a tester's verdict, `passed` or `failed`, in this person's name.
    pub async fn verdict(
        &self,
        person: Person,
        name: &str,
        verdict: &str,
        feedback: &str,
    ) -> kube::Result<ModelVersion> {
        let values = json!({
            annotations::ACCEPT: verdict,
            annotations::ACCEPTED_BY: person.name(),
            annotations::FEEDBACK: feedback,
        });
        self.annotate(person, name, &values).await
    }

    /// Asks for a rollback in this person's name; `suffix` makes it a new request.
    pub async fn roll_back(
        &self,
        person: Person,
        version: &str,
        suffix: &str,
    ) -> kube::Result<ModelDeployment> {
        let api: Api<ModelDeployment> = self.api_as(person);
        let values = json!({
            annotations::ROLLBACK: format!("{version}#{suffix}"),
            annotations::ROLLBACK_BY: person.name(),
        });
        let patch = json!({"metadata": {"annotations": values}});
        api.patch(MODEL, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    /// Alice asks, bob approves.
    pub async fn ask_and_approve(&self, name: &str, stage: Stage) -> Result<Transition> {
        let transition = self.ask(name, stage).await?;
        self.approve(Person::Bob, name, &transition.id).await?;
        Ok(transition)
    }

    /// Waits until the version is in this stage, with no request open.
    pub async fn await_stage(&self, name: &str, stage: Stage) -> Result<ModelVersion> {
        let there = |v: &ModelVersion| v.stage() == stage && v.transition().is_none();
        self.await_version(&format!("in stage {stage}"), name, there).await
    }

    /// Publishes a version and brings it into Staging, approved; it need not serve.
    pub async fn stage(&self, publication: &Publication) -> Result<String> {
        let name = self.publish(publication).await?;
        self.ask_and_approve(&name, Stage::Staging).await?;
        self.await_stage(&name, Stage::Staging).await?;
        Ok(name)
    }

    /// Publishes a version, brings it into Staging and lets tess pass it.
    pub async fn stage_and_accept(&self, publication: &Publication) -> Result<String> {
        let name = self.stage(publication).await?;
        self.verdict(Person::Tess, &name, "passed", "answers as it should").await?;
        self.await_version("tess's verdict", &name, |v| {
            v.status.as_ref().is_some_and(|s| s.acceptance.is_some())
        })
        .await?;
        Ok(name)
    }

    /// Publishes a version and brings it into Production by the whole way.
    pub async fn promote(&self, publication: &Publication) -> Result<String> {
        let name = self.stage_and_accept(publication).await?;
        self.ask_and_approve(&name, Stage::Production).await?;
        self.await_stage(&name, Stage::Production).await?;
        Ok(name)
    }

    /// Creates the `ModelDeployment` and brings sample 1.0.0 into Production, until a prediction is answered through
    /// the Service. The name of its version is returned.
    pub async fn serve_main(&self, spec: &Value) -> Result<String> {
        self.serve(&Publication::of(Sample::V1_0_0)?, spec).await
    }

    /// The same with another version.
    pub async fn serve(&self, publication: &Publication, spec: &Value) -> Result<String> {
        self.deploy(spec).await?;
        let name = self.promote(publication).await?;
        self.await_deployment("running", |md| {
            let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
            understudy_crds::condition::is_true(conditions, understudy_crds::condition::RUNNING)
        })
        .await?;
        Ok(name)
    }
}
