//! Promotion and rollback under load.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use understudy_crds::Stage;
use understudy_e2e::{LoadProfile, Person, Publication, Sample, Story, Switches, with_temp_ns};

use crate::{FIRST, SECOND, TURN};

/// After this time no response comes from the previous main.
const FOLLOWED: Duration = Duration::from_secs(5);

/// Alice requests Production, and bob approves. The spec of an archived version still says Production, since the operator
/// never changes a spec: Alice sets it to Archived first.
async fn promote(story: &Story, name: &str) -> Result<()> {
    if story.version(name).await?.stage() == Stage::Archived {
        story.request(Person::Alice, name, Stage::Archived).await?;
    }
    story.request_and_approve(name, Stage::Production).await?;
    Ok(())
}

/// Promotes 1.1.0 and rolls back to 1.0.0 in turn, under load, until there were `count` switches.
async fn switch_under_load(story: &Story, count: usize) -> Result<()> {
    let mut switches = Switches::watch(story);
    let mut moments = vec![(switches.await_switch("1.0.0").await?, "1.0.0")];
    // Callers may follow a switch before this test has seen it.
    let mut ends = vec![];
    let mut load = story.load(LoadProfile::default()).await?;
    load.await_round().await?;
    for number in 0..count {
        let (version, up, down) =
            if number % 2 == 0 { ("1.1.0", SECOND, FIRST) } else { ("1.0.0", FIRST, SECOND) };
        ends.push(Instant::now());
        if number % 2 == 0 {
            promote(story, SECOND).await?;
        } else {
            story.roll_back(Person::Bob, "1.0.0", &number.to_string()).await?;
        }
        let moment = switches.await_switch(version).await?;
        moments.push((moment, version));
        load.await_past(moment + FOLLOWED).await?;
        story.await_stage(up, Stage::Production).await?;
        story.await_stage(down, Stage::Archived).await?;
    }
    let calls = load.finish().await?;
    calls.ensure_unnoticed()?;
    ends.push(Instant::now());
    for ((from, version), to) in moments.iter().zip(ends) {
        calls.ensure_only(version, *from + FOLLOWED, to)?;
    }
    assert_eq!(switches.versions().len(), count + 1, "each switch is one write: {:?}", switches.versions());
    println!(
        "{count} switches: {} calls, {:.0} a second, none failed; the server closed {} kept connections",
        calls.all.len(),
        calls.rate(),
        calls.redials
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_promotions_and_rollbacks_fail_no_call_and_every_caller_follows() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("switch", async |story| {
        story.serve_main(&json!({"replicas": 2})).await?;
        story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        switch_under_load(&story, 10).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_are_not_kept_warm_answer_their_requests_before_they_end() -> Result<()> {
    let _turn = TURN.lock().await;
    with_temp_ns("cold", async |story| {
        story.serve_main(&json!({"replicas": 2, "rollback": {"keepWarm": "0s"}})).await?;
        story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        switch_under_load(&story, 4).await
    })
    .await
}
