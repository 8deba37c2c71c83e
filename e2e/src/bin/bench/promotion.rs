//! From a colleague's click to the first answer of the new version, with its pods ready before: what the operator, the
//! API server and the node's Service proxy take. The peer is a bare change of a Service's selector by hand, from the
//! API server's answer to the first answer of the other pods: no promotion can be faster.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use understudy_crds::{Stage, names};
use understudy_e2e::{Answer, Call, Connection, MODEL, Person, Pressure, Publication, Sample, Story};

use crate::table::{Table, percentile};

/// Callers dial each time, and often enough that a switch is seen within a few milliseconds.
const CALLERS: Pressure = Pressure { kept: 0, idle: 0, fresh: 4, rate: 400 };
/// A Service of the bench's own.
const PEER: &str = "peer";

const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];

/// Measures `count` promotions, and as many switches by hand.
pub async fn measure(story: &Story, count: u64, table: &mut Table) -> Result<()> {
    story.serve_main(&json!({"replicas": 1})).await?;
    story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
    let promoted = promotions(story, count).await?;
    let by_hand = switches(story, count).await?;
    for (percent, target) in [(50, "<= 50 ms"), (99, "<= 250 ms")] {
        let figure = format!("approval to serving, pods ready before, p{percent}");
        let limit = ("bare switch", percentile(&by_hand, percent));
        table.compare(&figure, percentile(&promoted, percent), limit, target);
        let own: Vec<_> = promoted.iter().map(|t| t.saturating_sub(limit.1)).collect();
        let figure = format!("  of it beyond a bare switch, p{percent}");
        table.add(&figure, crate::table::millis(percentile(&own, percent)), target);
    }
    table.add("  promotions measured", count.to_string(), ">= 20");
    Ok(())
}

async fn promotions(story: &Story, count: u64) -> Result<Vec<Duration>> {
    let mut load = story.load(CALLERS).await?;
    let mut begun = vec![];
    for (up, down) in turns(count) {
        let name = format!("{MODEL}-{up}");
        if story.version(&name).await?.stage() == Stage::Archived {
            story.request(Person::Alice, &name, Stage::Archived).await?;
        }
        let request = story.ask(&name, Stage::Production).await?;
        load.await_round().await?;
        story.approve(Person::Bob, &name, &request.id).await?;
        begun.push((Instant::now(), up));
        story.await_stage(&name, Stage::Production).await?;
        story.await_stage(&format!("{MODEL}-{down}"), Stage::Archived).await?;
        load.await_version(up).await?;
    }
    answered(&load.finish().await?.all, &begun)
}

async fn switches(story: &Story, count: u64) -> Result<Vec<Duration>> {
    let services = story.api::<Service>();
    let selector = |version: &str| names::version_labels(MODEL, version);
    let spec = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": PEER},
        "spec": {"selector": selector(VERSIONS[0]), "ports": [{"port": 80, "targetPort": 8082}]},
    });
    services.create(&PostParams::default(), &serde_json::from_value(spec)?).await?;
    let mut load = story.load_on(PEER, CALLERS).await?;
    load.await_version(VERSIONS[0]).await?;
    let mut begun = vec![];
    for (up, _) in turns(count) {
        load.await_round().await?;
        let patch = json!({"spec": {"selector": selector(up)}});
        services.patch(PEER, &PatchParams::default(), &Patch::Merge(patch)).await?;
        begun.push((Instant::now(), up));
        load.await_version(up).await?;
    }
    answered(&load.finish().await?.all, &begun)
}

/// 1.1.0 takes over, then 1.0.0, and so on.
fn turns(count: u64) -> impl Iterator<Item = (&'static str, &'static str)> {
    let [first, second] = VERSIONS;
    (0..count).map(move |n| if n % 2 == 0 { (second, first) } else { (first, second) })
}

/// From each beginning to the first answer of its version.
fn answered(calls: &[Call], begun: &[(Instant, &str)]) -> Result<Vec<Duration>> {
    let is = |call: &&Call, up: &str| matches!(&call.answer, Answer::Version(v) if **v == *up);
    begun
        .iter()
        .map(|(at, up)| {
            let first = calls.iter().find(|c| c.connection == Connection::Fresh && c.done > *at && is(c, up));
            first.map(|call| call.done - *at).with_context(|| format!("{up} never answered"))
        })
        .collect()
}
