//! The operator is killed during a promotion, once after each of its writes. Each time the result is the same as that of an
//! undisturbed promotion.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
};
use kube::{ResourceExt, api::ListParams};
use serde_json::json;
use understudy_crds::{
    Decision, MainReason, ModelDeployment, ModelVersion, Stage, condition,
    names::{self, VERSION_LABEL},
};
use understudy_e2e::{LoadProfile, MODEL, Person, Publication, Sample, Story, Switches, with_temp_ns};

use crate::TURN;

/// A step of a promotion.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    /// Bob's annotation is stored.
    Annotated,
    /// The approval is recorded.
    Approved,
    /// The candidate's second pod exists.
    Starting,
    /// The Service selects the candidate.
    Switched,
    /// The status names the candidate as main.
    Recorded,
}

/// The result of a promotion, with `new` and `old` in place of the two versions.
#[derive(Debug, PartialEq)]
struct EndState {
    stages: BTreeMap<String, Stage>,
    decisions: BTreeMap<String, Vec<Decision>>,
    record: Vec<(String, MainReason, String, String, bool)>,
    main: Option<String>,
    previous: Option<String>,
    selector: Option<String>,
    routing: String,
    workloads: BTreeMap<String, Option<i32>>,
}

/// Waits until the promotion has reached this step.
async fn reach(story: &Story, switches: &mut Switches, point: Point, version: &str) -> Result<()> {
    let name = format!("{MODEL}-{version}");
    let approved = |v: &ModelVersion| v.transition().is_none_or(|t| t.approval.is_some());
    match point {
        Point::Annotated => {}
        Point::Approved => {
            story.await_version("approved", &name, approved).await?;
        }
        Point::Starting => {
            let workload = names::version_object(MODEL, version);
            let second = |d: &Deployment| d.status.as_ref().and_then(|s| s.replicas) == Some(2);
            story.await_object::<Deployment>("a second pod", &workload, second).await?;
        }
        Point::Switched => {
            switches.await_switch(version).await?;
        }
        Point::Recorded => {
            let is_main = |md: &ModelDeployment| md.main().is_some_and(|m| m.version == version);
            story.await_deployment("main", is_main).await?;
        }
    }
    Ok(())
}

/// Promotes `new` over `old`, kills the leader at this step, and waits until the promotion is complete.
async fn promote(
    story: &Story,
    switches: &mut Switches,
    (new, old): (&str, &str),
    kill_at: Option<Point>,
) -> Result<EndState> {
    let name = format!("{MODEL}-{new}");
    let leader = story.operator().leader_process().await?;
    let request = story.open_request(&name, Stage::Production).await?;
    story.approve(Person::Bob, &name, &request.id).await?;
    if let Some(point) = kill_at {
        reach(story, switches, point, new).await?;
        leader.crash()?;
    }
    story.await_stage(&name, Stage::Production).await?;
    story.await_stage(&format!("{MODEL}-{old}"), Stage::Archived).await?;
    story
        .await_deployment("the promotion is complete", |md| {
            let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
            md.main().is_some_and(|m| m.version == new && m.ready_replicas == 2)
                && condition::is_true(conditions, condition::READY)
                && condition::find(conditions, condition::RECONCILING).is_none()
        })
        .await?;
    // Older versions than `old` keep no pods.
    for workload in story.api::<Deployment>().list(&ListParams::default()).await? {
        let kept = [new, old].map(|version| names::version_object(MODEL, version));
        if !kept.contains(&workload.name_any()) {
            story.await_gone::<Deployment>(&workload.name_any()).await?;
        }
    }
    end_state(story, new, old).await
}

async fn end_state(story: &Story, new: &str, old: &str) -> Result<EndState> {
    let role = |version: &str| match version {
        v if v == new => "new".to_owned(),
        v if v == old => "old".to_owned(),
        other => other.to_owned(),
    };
    let versions = story.api::<ModelVersion>().list(&ListParams::default()).await?.items;
    let present =
        || versions.iter().filter(|v| [new, old].contains(&v.spec.version.as_str()) || v.stage().is_served());
    let decisions = |v: &ModelVersion| v.history().iter().map(|h| h.decision).collect::<Vec<_>>();
    let md = story.api::<ModelDeployment>().get(MODEL).await?;
    let status = md.status.clone().context("the ModelDeployment has no status")?;
    let service = story.api::<Service>().get(MODEL).await?;
    let selector = service.spec.and_then(|s| s.selector).and_then(|mut s| s.remove(VERSION_LABEL));
    let routing = story.api::<ConfigMap>().get(&names::routing(MODEL)).await?;
    let routing = routing.data.and_then(|mut d| d.remove("routing.json")).unwrap_or_default();
    let workloads = story.api::<Deployment>().list(&ListParams::default()).await?.items;
    let last = status.history.len().saturating_sub(2);
    Ok(EndState {
        stages: present().map(|v| (role(&v.spec.version), v.stage())).collect(),
        decisions: present().map(|v| (role(&v.spec.version), decisions(v))).collect(),
        record: status.history[last..]
            .iter()
            .map(|h| {
                (role(&h.version), h.reason, h.requested_by.clone(), h.approved_by.clone(), h.to.is_some())
            })
            .collect(),
        main: status.main.map(|m| role(&m.version)),
        previous: status.previous.map(|p| role(&p.version)),
        selector: selector.as_deref().map(role),
        routing: routing.replace(new, "new"),
        workloads: workloads
            .iter()
            .map(|d| {
                let version = d.labels().get(VERSION_LABEL).map(String::as_str).unwrap_or_default();
                (role(version), d.spec.as_ref().and_then(|s| s.replicas))
            })
            .collect(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promotion_during_which_the_operator_is_killed_ends_like_an_undisturbed_one() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("crash", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        let mut switches = Switches::watch(&story);
        let mut load = story.load(LoadProfile::default()).await?;
        load.await_round().await?;
        let mut undisturbed = None;
        let points =
            [Point::Annotated, Point::Approved, Point::Starting, Point::Switched, Point::Recorded].map(Some);
        for (number, kill_at) in [None].into_iter().chain(points).enumerate() {
            let (old, new) = (format!("1.{number}.0"), format!("1.{}.0", number + 1));
            let sample = if number % 2 == 0 { Sample::V1_1_0 } else { Sample::V1_0_0 };
            story.stage_and_accept(&Publication::of(sample)?.version(&new)).await?;
            let end = Box::pin(promote(&story, &mut switches, (&new, &old), kill_at)).await?;
            match &undisturbed {
                None => undisturbed = Some(end),
                Some(expected) => assert_eq!(end, *expected, "killed at {kill_at:?}"),
            }
            assert_eq!(story.pods_of(&new).await?.len(), 2);
        }
        load.await_round().await?;
        let calls = load.finish().await?;
        story.operator().await_ready().await?;
        calls.ensure_unnoticed()?;
        assert_eq!(switches.versions().len(), 7, "each switch is one write: {:?}", switches.versions());
        println!("5 crashes: {} calls, {:.0} a second, none failed", calls.all.len(), calls.rate());
        Ok(())
    })
    .await
}
