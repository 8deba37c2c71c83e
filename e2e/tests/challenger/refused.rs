//! Which versions get no copy of any call (attack A16). Calls are data: only a version that a second person approved for
//! Staging, and whose signature fits, may see them.

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
    MODEL, Person, Publication, Sample, Snapshot, Story, WatchLog, digest, onnx, with_temp_ns,
};

use crate::mirroring::{Copies, await_first_copies, await_refused};

/// Number of calls after each refusal.
const CALLS: usize = 20;
/// Another deployment of the same team.
const OTHER: &str = "thyroid";

/// What the pods could read from the begin to the end of a story.
struct Published {
    config_maps: WatchLog<ConfigMap>,
    services: WatchLog<Service>,
}

impl Published {
    fn record(story: &Story) -> Self {
        Self { config_maps: story.watch_log(), services: story.watch_log() }
    }

    /// Fails if the routing file ever named a challenger, or a Service for one ever existed.
    async fn ensure_no_challenger(self) -> Result<()> {
        let (files, services) = (self.config_maps.finish().await?, self.services.finish().await?);
        let routing: Vec<Value> = files.iter().filter_map(routing).collect();
        ensure!(!routing.is_empty(), "the routing file names main");
        let named = routing.iter().find(|file| !file["challenger"].is_null());
        ensure!(named.is_none(), "the routing file named a challenger: {named:?}");
        let service = names::challenger(MODEL);
        ensure!(!services.iter().any(|all| all.contains_key(&service)), "the Service {service} existed");
        Ok(())
    }
}

/// The routing file of the model at this moment.
fn routing(all: &Snapshot<ConfigMap>) -> Option<Value> {
    let file = all.get(&names::routing(MODEL))?.data.as_ref()?.get("routing.json")?;
    serde_json::from_str(file).ok()
}

/// Brings a version into Staging, waits until its pods serve, and returns them.
async fn staged(story: &Story, deployment: &str, publication: &Publication) -> Result<Vec<Pod>> {
    let name = story.stage(publication).await?;
    let serves = |v: &ModelVersion| {
        let conditions = v.status.as_ref().map_or(&[][..], |s| &s.conditions);
        condition::is_true(conditions, SERVING)
    };
    let version = story.await_version("its pods serve", &name, serves).await?.spec.version;
    let pods = story.pods_of_model(deployment, &version).await?;
    ensure!(!pods.is_empty(), "{name} has no pods");
    Ok(pods)
}

/// The number of requests to these pods. The operator sends one to each new pod.
async fn requests(story: &Story, pods: &[Pod]) -> Result<u64> {
    let metrics = story.metrics_of(pods).await?;
    let all = ["nv_inference_request_success", "nv_inference_request_failure"];
    Ok(all.iter().map(|name| metrics.count(name, &[])).sum())
}

/// Fails if main copied a call, or was not called at all.
async fn ensure_no_copies(story: &Story) -> Result<()> {
    let main = story.metrics("1.0.0").await?;
    ensure!(main.count("nv_inference_request_success", &[]) >= CALLS as u64, "main was not called");
    assert_eq!(Copies::of(&main), Copies::NONE, "main copied calls");
    Ok(())
}

#[tokio::test]
async fn versions_without_approval_and_versions_of_other_deployments_get_no_copy() -> Result<()> {
    with_temp_ns("a16", async |story| {
        story.serve_main(&json!({})).await?;
        let published = Published::record(&story);
        let mut caller = story.caller().await?;

        let first = story.publish(&Publication::of(Sample::V1_1_0)?).await?;
        let change = story.challenge("1.1.0").await?;
        let todo =
            "1.1.0 is in stage None, and a challenger must be approved for Staging: request that stage";
        await_refused(&story, &change, "NotApproved", &[todo]).await?;
        caller.await_responses(CALLS).await?;
        // A request is not an approval.
        story.open_request(&first, Stage::Staging).await?;
        await_refused(&story, &change, "NotApproved", &[todo]).await?;
        caller.await_responses(CALLS).await?;
        ensure!(story.pods_of("1.1.0").await?.is_empty(), "a version without approval must not have pods");

        let publication = Publication::of(Sample::V1_1_0)?.deployment(OTHER).version("2.0.0");
        story.deploy_as(OTHER, &json!({})).await?;
        let of_other = staged(&story, OTHER, &publication).await?;
        let before = requests(&story, &of_other).await?;
        let change = story.challenge("2.0.0").await?;
        let todo = format!(
            "there is no version 2.0.0 of {MODEL} in namespace {}: publish it, or name another",
            story.namespace()
        );
        await_refused(&story, &change, "NoSuchVersion", &[&todo]).await?;
        caller.await_responses(CALLS).await?;
        assert_eq!(requests(&story, &of_other).await?, before, "pods of another deployment got requests");

        with_temp_ns("a16-others", async |others| {
            others.deploy(&json!({})).await?;
            let publication = Publication::of(Sample::V1_1_0)?.version("3.0.0");
            let of_others = staged(&others, MODEL, &publication).await?;
            let before = requests(&others, &of_others).await?;
            let change = story.challenge("3.0.0").await?;
            await_refused(&story, &change, "NoSuchVersion", &["there is no version 3.0.0 of", "publish it"])
                .await?;
            caller.await_responses(CALLS).await?;
            assert_eq!(
                requests(&others, &of_others).await?,
                before,
                "pods in another namespace got requests"
            );
            Ok(())
        })
        .await?;

        caller.finish().await?.ensure_all_from(&["1.0.0"])?;
        ensure_no_copies(&story).await?;
        published.ensure_no_challenger().await
    })
    .await
}

#[tokio::test]
async fn a_version_with_another_signature_than_main_is_refused_and_the_message_has_both_shapes() -> Result<()>
{
    with_temp_ns("misfit", async |story| {
        story.serve_main(&json!({})).await?;
        let published = Published::record(&story);
        let mut caller = story.caller().await?;
        let model = onnx::features(29);
        let uri = story.upload("features.onnx", &model).await?;
        let publication = Publication::of(Sample::V1_1_0)?.file(uri, digest(&model));
        let pods = staged(&story, MODEL, &publication).await?;
        let before = requests(&story, &pods).await?;
        let change = story.challenge("1.1.0").await?;
        let misfit = "1.1.0 cannot answer main's calls: the input features is FP32 [-1, 30] in main and FP32 [-1, 29] in \
                      the challenger";
        await_refused(&story, &change, "SignatureMismatch", &[misfit, "publish a version that fits"]).await?;
        caller.await_responses(CALLS).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])?;
        assert_eq!(requests(&story, &pods).await?, before, "pods with another signature got requests");
        ensure_no_copies(&story).await?;
        published.ensure_no_challenger().await
    })
    .await
}

#[tokio::test]
async fn an_archived_version_gets_no_more_copies_and_cannot_be_named_again() -> Result<()> {
    with_temp_ns("archived", async |story| {
        story.serve_main(&json!({})).await?;
        let publication = Publication::of(Sample::V1_1_0)?;
        let pods = staged(&story, MODEL, &publication).await?;
        story.challenge("1.1.0").await?;
        await_first_copies(&story, "1.0.0", "1.1.0").await?;
        let before = requests(&story, &pods).await?;
        let first = Copies::of(&story.metrics("1.0.0").await?);
        let mut caller = story.caller().await?;
        caller.await_responses(CALLS).await?;
        let responses = caller.finish().await?;
        responses.ensure_all_from(&["1.0.0"])?;
        let calls = responses.by_version["1.0.0"] as u64;
        let expected = first.plus_mirrored(calls);
        let all = |metrics: &_| Copies::of(metrics) == expected;
        story.await_metrics("every call was mirrored", "1.0.0", all).await?;
        assert_eq!(
            requests(&story, &pods).await?,
            before + calls,
            "the challenger got one copy of each call and nothing else"
        );

        story.request(Person::Alice, &publication.name(), Stage::Archived).await?;
        story.await_stage(&publication.name(), Stage::Archived).await?;
        let md: ModelDeployment = story.api().get(MODEL).await?;
        let todo = "1.1.0 is archived: request Staging again and have it approved";
        await_refused(&story, &md, "Archived", &[todo]).await?;
        story.await_routing("1.0.0", None).await?;
        story.await_gone::<Service>(&names::challenger(MODEL)).await?;
        story.change(&json!({"challenger": null})).await?;
        let is_absent = |md: &ModelDeployment| {
            let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
            condition::find(conditions, CHALLENGER_READY).is_none()
        };
        story.await_deployment("no condition ChallengerReady without a challenger", is_absent).await?;
        await_refused(&story, &story.challenge("1.1.0").await?, "Archived", &[todo]).await?;

        let mut caller = story.caller().await?;
        caller.await_responses(CALLS).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])?;
        assert_eq!(Copies::of(&story.metrics("1.0.0").await?), expected, "a further call was copied");
        let file = story.api::<ConfigMap>().get(&names::routing(MODEL)).await?;
        let routing = routing(&BTreeMap::from([(names::routing(MODEL), file)]))
            .context("the routing file is not JSON")?;
        assert_eq!(routing, json!({"main": "1.0.0"}));
        Ok(())
    })
    .await
}
