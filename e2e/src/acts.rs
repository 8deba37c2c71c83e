//! What people do. Each act is one plain write, like one `kubectl annotate`, `patch` or `create`.

use anyhow::{Context, Result};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, ModelVersion, Stage, Transition, annotations,
    condition::{self, SERVING},
};

use crate::{MODEL, Person, Publication, Sample, Story, manifest::named, patches};

impl Story {
    /// Alice creates the `ModelDeployment` of the samples, with `spec` merged into its spec.
    pub async fn deploy(&self, spec: &Value) -> Result<ModelDeployment> {
        self.deploy_as(MODEL, spec).await
    }

    /// Alice creates the same `ModelDeployment` under another name.
    pub async fn deploy_as(&self, name: &str, spec: &Value) -> Result<ModelDeployment> {
        let api: Api<ModelDeployment> = self.api_as(Person::Alice);
        Ok(api.create(&PostParams::default(), &named(name, spec)?).await?)
    }

    /// Alice merges `spec` into the spec of the `ModelDeployment`.
    pub async fn change(&self, spec: &Value) -> Result<ModelDeployment> {
        let api: Api<ModelDeployment> = self.api_as(Person::Alice);
        Ok(api.patch(MODEL, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await?)
    }

    /// Alice names this version as challenger, with a time limit that no copy reaches on a busy machine: stories of
    /// slow challengers set their own.
    pub async fn challenge(&self, version: &str) -> Result<ModelDeployment> {
        self.change(&json!({"challenger": {"version": version, "timeout": "10s"}})).await
    }

    /// Alice publishes a version. Returns the name of its `ModelVersion`.
    pub async fn publish(&self, publication: &Publication) -> Result<String> {
        let api: Api<ModelVersion> = self.api_as(Person::Alice);
        api.create(&PostParams::default(), &publication.manifest()?).await?;
        Ok(publication.name())
    }

    /// Merges `patch` into a version, as this person.
    pub async fn patch(&self, person: Person, name: &str, patch: &Value) -> kube::Result<ModelVersion> {
        let api: Api<ModelVersion> = self.api_as(person);
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    async fn annotate(&self, person: Person, name: &str, values: &Value) -> kube::Result<ModelVersion> {
        self.patch(person, name, &patches::annotate(values)).await
    }

    /// This person requests a stage. A request for the present stage withdraws the open one.
    pub async fn request(&self, person: Person, name: &str, stage: Stage) -> kube::Result<ModelVersion> {
        self.patch(person, name, &patches::request(person.name(), stage)).await
    }

    /// Alice requests a stage. Returns the pending transition.
    pub async fn open_request(&self, name: &str, stage: Stage) -> Result<Transition> {
        let requested = self.request(Person::Alice, name, stage).await?;
        let generation = requested.metadata.generation.context("a stored object has a generation")?;
        let is_it = |t: &Transition| t.generation == generation && t.to == stage;
        let pending =
            self.await_version("a pending request", name, |v| v.transition().is_some_and(is_it)).await?;
        pending.transition().cloned().context("the predicate asks for one")
    }

    /// This person approves a transition.
    pub async fn approve(&self, person: Person, name: &str, id: &str) -> kube::Result<ModelVersion> {
        self.patch(person, name, &patches::approve(person.name(), id)).await
    }

    /// This person rejects a transition.
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

    /// This person records a tester's verdict, `passed` or `failed`.
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

    /// This person requests a rollback. Another `suffix` makes it another request.
    pub async fn roll_back(
        &self,
        person: Person,
        version: &str,
        suffix: &str,
    ) -> kube::Result<ModelDeployment> {
        let api: Api<ModelDeployment> = self.api_as(person);
        let patch = patches::roll_back(person.name(), version, suffix);
        api.patch(MODEL, &PatchParams::default(), &Patch::Merge(patch)).await
    }

    /// Alice requests a stage, and bob approves.
    pub async fn request_and_approve(&self, name: &str, stage: Stage) -> Result<Transition> {
        let transition = self.open_request(name, stage).await?;
        self.approve(Person::Bob, name, &transition.id).await?;
        Ok(transition)
    }

    /// Waits until the version is in this stage and has no open request.
    pub async fn await_stage(&self, name: &str, stage: Stage) -> Result<ModelVersion> {
        let settled = |v: &ModelVersion| v.stage() == stage && v.transition().is_none();
        self.await_version(&format!("in stage {stage}"), name, settled).await
    }

    /// Waits until pods of the version answer.
    pub async fn await_serving(&self, name: &str) -> Result<ModelVersion> {
        let is_serving = |v: &ModelVersion| {
            condition::is_true(v.status.as_ref().map_or(&[][..], |s| &s.conditions), SERVING)
        };
        self.await_version("serving", name, is_serving).await
    }

    /// Publishes a version and brings it into Staging by an approval. Its pods may not be ready yet.
    pub async fn stage(&self, publication: &Publication) -> Result<String> {
        let name = self.publish(publication).await?;
        self.request_and_approve(&name, Stage::Staging).await?;
        self.await_stage(&name, Stage::Staging).await?;
        Ok(name)
    }

    /// Publishes a version, brings it into Staging, and records tess's verdict `passed`.
    pub async fn stage_and_accept(&self, publication: &Publication) -> Result<String> {
        let name = self.stage(publication).await?;
        self.verdict(Person::Tess, &name, "passed", "answers as it should").await?;
        self.await_version("tess's verdict", &name, |v| {
            v.status.as_ref().is_some_and(|s| s.acceptance.is_some())
        })
        .await?;
        Ok(name)
    }

    /// Publishes a version and brings it into Production: Staging, verdict, approval.
    pub async fn promote(&self, publication: &Publication) -> Result<String> {
        let name = self.stage_and_accept(publication).await?;
        self.request_and_approve(&name, Stage::Production).await?;
        self.await_stage(&name, Stage::Production).await?;
        Ok(name)
    }

    /// Creates the `ModelDeployment` and brings sample 1.0.0 into Production. Waits until the Service answers predictions.
    /// Returns the name of the `ModelVersion`.
    pub async fn serve_main(&self, spec: &Value) -> Result<String> {
        self.serve(&Publication::of(Sample::V1_0_0)?, spec).await
    }

    /// The same with another version than sample 1.0.0.
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
