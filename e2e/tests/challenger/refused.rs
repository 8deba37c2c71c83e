//! Who gets no copy of any call (attack A16): calls are data, and only what a second person let into Staging, and what
//! fits, may see them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, ModelVersion, Stage,
    condition::{self, CHALLENGER_READY, SERVING},
    names,
};
use understudy_e2e::{
    MODEL, Person, Publication, Recorder, Sample, Snapshot, Story, digest, onnx, with_temp_ns,
};

use crate::told::{Copies, answering, refused};

/// Calls that are made after each refusal.
const CALLS: usize = 20;
/// Another deployment of the same team.
const OTHER: &str = "thyroid";

/// What pods were told of, from the begin to the end of a story.
struct Said {
    config_maps: Recorder<ConfigMap>,
    services: Recorder<Service>,
}

impl Said {
    fn record(story: &Story) -> Self {
        Self { config_maps: story.record(), services: story.record() }
    }

    /// Fails if a challenger was named at any time, or a way led to one.
    async fn ensure_no_challenger(self) -> Result<()> {
        let (files, services) = (self.config_maps.finish().await?, self.services.finish().await?);
        let routing: Vec<Value> = files.iter().filter_map(routing).collect();
        ensure!(!routing.is_empty(), "pods are told who is main");
        let named = routing.iter().find(|file| !file["challenger"].is_null());
        ensure!(named.is_none(), "pods were told of a challenger: {named:?}");
        let way = names::challenger(MODEL);
        ensure!(!services.iter().any(|all| all.contains_key(&way)), "there was a Service {way}");
        Ok(())
    }
}

/// What pods of the model read at this moment.
fn routing(all: &Snapshot<ConfigMap>) -> Option<Value> {
    let file = all.get(&names::routing(MODEL))?.data.as_ref()?.get("routing.json")?;
    serde_json::from_str(file).ok()
}

/// Brings a version into Staging, until its pods answer; hands them over.
async fn staged(story: &Story, deployment: &str, publication: &Publication) -> Result<Vec<Pod>> {
    let name = story.stage(publication).await?;
    let serves = |v: &ModelVersion| {
        let conditions = v.status.as_ref().map_or(&[][..], |s| &s.conditions);
        condition::is_true(conditions, SERVING)
    };
    let version = story.await_version("its pods answer", &name, serves).await?.spec.version;
    let pods = story.pods_of_model(deployment, &version).await?;
    ensure!(!pods.is_empty(), "{name} has pods");
    Ok(pods)
}

/// How often these pods were asked. The operator asks each of them when it is new.
async fn asked(story: &Story, pods: &[Pod]) -> Result<u64> {
    let metrics = story.metrics_of(pods).await?;
    let all = ["nv_inference_request_success", "nv_inference_request_failure"];
    Ok(all.iter().map(|name| metrics.count(name, &[])).sum())
}

/// Fails if main has copied a call, or was not called at all.
async fn ensure_no_copies(story: &Story) -> Result<()> {
    let main = story.metrics("1.0.0").await?;
    ensure!(main.count("nv_inference_request_success", &[]) >= CALLS as u64, "main was called");
    assert_eq!(Copies::of(&main), Copies::NONE, "main copied calls");
    Ok(())
}

#[tokio::test]
async fn what_nobody_approved_and_what_is_of_others_gets_no_copy_of_any_call() -> Result<()> {
    with_temp_ns("a16", async |story| {
        story.serve_main(&json!({})).await?;
        let said = Said::record(&story);
        let mut caller = story.caller().await?;

        let first = story.publish(&Publication::of(Sample::V1_1_0)?).await?;
        let change = story.challenge("1.1.0").await?;
        let todo =
            "1.1.0 is in stage None, and a challenger must be approved for Staging: request that stage";
        refused(&story, &change, "NotApproved", &[todo]).await?;
        caller.await_answers(CALLS).await?;
        // Asked for is not approved.
        story.ask(&first, Stage::Staging).await?;
        refused(&story, &change, "NotApproved", &[todo]).await?;
        caller.await_answers(CALLS).await?;
        ensure!(story.pods_of("1.1.0").await?.is_empty(), "what nobody approved runs nowhere");

        let publication = Publication::of(Sample::V1_1_0)?.deployment(OTHER).version("2.0.0");
        story.deploy_as(OTHER, &json!({})).await?;
        let of_other = staged(&story, OTHER, &publication).await?;
        let before = asked(&story, &of_other).await?;
        let change = story.challenge("2.0.0").await?;
        let todo = format!(
            "there is no version 2.0.0 of {MODEL} in namespace {}: publish it, or name another",
            story.namespace()
        );
        refused(&story, &change, "NoSuchVersion", &[&todo]).await?;
        caller.await_answers(CALLS).await?;
        assert_eq!(asked(&story, &of_other).await?, before, "another deployment's pods were asked");

        with_temp_ns("a16-others", async |others| {
            others.deploy(&json!({})).await?;
            let publication = Publication::of(Sample::V1_1_0)?.version("3.0.0");
            let of_others = staged(&others, MODEL, &publication).await?;
            let before = asked(&others, &of_others).await?;
            let change = story.challenge("3.0.0").await?;
            refused(&story, &change, "NoSuchVersion", &["there is no version 3.0.0 of", "publish it"])
                .await?;
            caller.await_answers(CALLS).await?;
            assert_eq!(asked(&others, &of_others).await?, before, "another namespace's pods were asked");
            Ok(())
        })
        .await?;

        caller.finish().await?.ensure_all_from(&["1.0.0"])?;
        ensure_no_copies(&story).await?;
        said.ensure_no_challenger().await
    })
    .await
}

#[tokio::test]
async fn what_does_not_fit_main_is_refused_before_any_call_with_both_shapes() -> Result<()> {
    with_temp_ns("misfit", async |story| {
        story.serve_main(&json!({})).await?;
        let said = Said::record(&story);
        let mut caller = story.caller().await?;
        let model = onnx::features(29);
        let uri = story.upload("features.onnx", &model).await?;
        let publication = Publication::of(Sample::V1_1_0)?.file(uri, digest(&model));
        let pods = staged(&story, MODEL, &publication).await?;
        let before = asked(&story, &pods).await?;
        let change = story.challenge("1.1.0").await?;
        let misfit = "1.1.0 cannot answer main's calls: the input features is FP32 [-1, 30] in main and FP32 [-1, 29] in \
                      the challenger";
        refused(&story, &change, "SignatureMismatch", &[misfit, "publish a version that fits"]).await?;
        caller.await_answers(CALLS).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])?;
        assert_eq!(asked(&story, &pods).await?, before, "the pods of a misfit were asked");
        ensure_no_copies(&story).await?;
        said.ensure_no_challenger().await
    })
    .await
}

#[tokio::test]
async fn an_archived_version_gets_no_copy_any_more_and_cannot_be_named_again() -> Result<()> {
    with_temp_ns("archived", async |story| {
        story.serve_main(&json!({})).await?;
        let publication = Publication::of(Sample::V1_1_0)?;
        let pods = staged(&story, MODEL, &publication).await?;
        story.challenge("1.1.0").await?;
        answering(&story, "1.0.0", "1.1.0").await?;
        let before = asked(&story, &pods).await?;
        let first = Copies::of(&story.metrics("1.0.0").await?);
        let mut caller = story.caller().await?;
        caller.await_answers(CALLS).await?;
        let answers = caller.finish().await?;
        answers.ensure_all_from(&["1.0.0"])?;
        let calls = answers.by_version["1.0.0"] as u64;
        let copied = first.and_mirrored(calls);
        let all = |metrics: &_| Copies::of(metrics) == copied;
        story.await_metrics("every call was mirrored", "1.0.0", all).await?;
        assert_eq!(asked(&story, &pods).await?, before + calls, "it was asked what main was asked, no more");

        story.request(Person::Alice, &publication.name(), Stage::Archived).await?;
        story.await_stage(&publication.name(), Stage::Archived).await?;
        let md: ModelDeployment = story.api().get(MODEL).await?;
        let todo = "1.1.0 is archived: request Staging again and have it approved";
        refused(&story, &md, "Archived", &[todo]).await?;
        story.await_heard("1.0.0", None).await?;
        story.await_gone::<Service>(&names::challenger(MODEL)).await?;
        story.change(&json!({"challenger": null})).await?;
        let unsaid = |md: &ModelDeployment| {
            let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
            condition::find(conditions, CHALLENGER_READY).is_none()
        };
        story.await_deployment("nothing is said where none is named", unsaid).await?;
        refused(&story, &story.challenge("1.1.0").await?, "Archived", &[todo]).await?;

        let mut caller = story.caller().await?;
        caller.await_answers(CALLS).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])?;
        assert_eq!(Copies::of(&story.metrics("1.0.0").await?), copied, "no further call was copied");
        let file = story.api::<ConfigMap>().get(&names::routing(MODEL)).await?;
        let told = routing(&BTreeMap::from([(names::routing(MODEL), file)])).context("it is JSON")?;
        assert_eq!(told, json!({"main": "1.0.0"}));
        Ok(())
    })
    .await
}
