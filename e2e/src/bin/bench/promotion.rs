//! The time from an approval to the first response of the new version, whose pods are ready before. The operator's part
//! ends when the Service's selector has changed. The rest is the time that the node's Service proxy needs. It is compared
//! with a change of a selector by hand: no promotion can be faster.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use understudy_crds::{Stage, names};
use understudy_e2e::{
    Call, CallResult, LoadProfile, MODEL, Person, Publication, Sample, Story, Switches, Table, millis,
    percentile,
};

/// Callers open a connection for each call, often enough to see a switch within a few milliseconds.
const CALLERS: LoadProfile = LoadProfile { kept: 0, idle: 0, fresh: 4, rate: 400 };
/// The Service that is switched by hand.
const PEER: &str = "peer";

const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// Pause before each switch. The Service proxy writes its rules at most once in this time, so a switch right after
/// another one would have to wait.
const REST: Duration = Duration::from_millis(1500);

/// A switch: when it was requested, when the selector had changed, and to which version.
struct Switch {
    requested: Instant,
    written: Instant,
    version: &'static str,
}

/// Measures `count` promotions, and as many switches by hand.
pub async fn measure(story: &Story, count: u64, table: &mut Table) -> Result<()> {
    story.serve_main(&json!({"replicas": 1})).await?;
    story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
    let (promoted, calls) = promotions(story, count).await?;
    let (by_hand, peer_calls) = switches(story, count).await?;
    let own: Vec<_> = promoted.iter().map(|s| s.written - s.requested).collect();
    let followed = followed(&calls, &promoted)?;
    let whole: Vec<_> = own.iter().zip(&followed).map(|(own, rest)| *own + *rest).collect();
    let bare = self::followed(&peer_calls, &by_hand)?;
    table.add("promotions, pods ready before", count.to_string(), ">= 20");
    for (percent, target) in [(50, "<= 50 ms"), (99, "<= 250 ms")] {
        let figure = format!("  approval to the Service's switch, p{percent}");
        table.add(&figure, millis(percentile(&own, percent)), target);
        let figure = format!("  switch to the first response, p{percent}");
        let limit = ("switch by hand", percentile(&bare, percent));
        table.compare(&figure, percentile(&followed, percent), limit, "");
        let figure = format!("  approval to the first response, p{percent}");
        table.compare(&figure, percentile(&whole, percent), limit, "");
    }
    Ok(())
}

async fn promotions(story: &Story, count: u64) -> Result<(Vec<Switch>, Vec<Call>)> {
    let mut switches = Switches::watch(story);
    let mut load = story.load(CALLERS).await?;
    let mut done = vec![];
    for (version, down) in turns(count) {
        let name = format!("{MODEL}-{version}");
        if story.version(&name).await?.stage() == Stage::Archived {
            story.request(Person::Alice, &name, Stage::Archived).await?;
        }
        let request = story.open_request(&name, Stage::Production).await?;
        load.await_past(Instant::now() + REST).await?;
        story.approve(Person::Bob, &name, &request.id).await?;
        let requested = Instant::now();
        // The event may come before the response to the approval.
        let written = switches.await_switch(version).await?.max(requested);
        done.push(Switch { requested, written, version });
        story.await_stage(&name, Stage::Production).await?;
        story.await_stage(&format!("{MODEL}-{down}"), Stage::Archived).await?;
        load.await_version(version).await?;
    }
    Ok((done, load.finish().await?.all))
}

async fn switches(story: &Story, count: u64) -> Result<(Vec<Switch>, Vec<Call>)> {
    let services = story.api::<Service>();
    let selector = |version: &str| names::version_labels(MODEL, version);
    let spec = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": PEER},
        "spec": {"selector": selector(VERSIONS[0]), "ports": [{"port": 80, "targetPort": 8082}]},
    });
    services.create(&PostParams::default(), &serde_json::from_value(spec)?).await?;
    let mut load = story.load_on(PEER, CALLERS).await?;
    load.await_version(VERSIONS[0]).await?;
    let mut done = vec![];
    for (version, _) in turns(count) {
        load.await_past(Instant::now() + REST).await?;
        let patch = json!({"spec": {"selector": selector(version)}});
        let requested = Instant::now();
        services.patch(PEER, &PatchParams::default(), &Patch::Merge(patch)).await?;
        done.push(Switch { requested, written: Instant::now(), version });
        load.await_version(version).await?;
    }
    Ok((done, load.finish().await?.all))
}

/// 1.1.0 takes over, then 1.0.0, and so on.
fn turns(count: u64) -> impl Iterator<Item = (&'static str, &'static str)> {
    let [first, second] = VERSIONS;
    (0..count).map(move |n| if n % 2 == 0 { (second, first) } else { (first, second) })
}

/// The time from each switch to the first response of its version.
fn followed(calls: &[Call], switches: &[Switch]) -> Result<Vec<Duration>> {
    let is = |call: &Call, version: &str| matches!(&call.result, CallResult::Version(v) if **v == *version);
    switches
        .iter()
        .map(|Switch { written, version, .. }| {
            let first = calls.iter().find(|call| call.done > *written && is(call, version));
            first.map(|call| call.done - *written).with_context(|| format!("no response of {version}"))
        })
        .collect()
}
