//! From a request to a rollback, with the plugin only.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use understudy_crds::Stage;
use understudy_e2e::{
    MODEL,
    Person::{Alice, Bob, Tess},
    Sample, Story,
    plugin::run,
    rows, with_temp_ns,
};

const FIRST: &str = "breast-cancer-1.0.0";
const SECOND: &str = "breast-cancer/1.1.0";

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

async fn request(story: &Story, name: &str, stage: &str) -> Result<String> {
    let done = run(story, Alice, &["request", name, stage, "--yes", "-o", "json"]).await?.json()?;
    assert_eq!((&done["action"], &done["by"]), (&json!("request"), &json!("alice")));
    Ok(done["transition"].as_str().context("the output has no transition")?.to_owned())
}

async fn approve(story: &Story, name: &str, id: &str, stage: &str) -> Result<()> {
    let arguments = ["approve", name, "--id", id, "--yes", "--wait", "-o", "json"];
    let done = run(story, Bob, &arguments).await?.json()?;
    assert_eq!((&done["outcome"]["success"], &done["outcome"]["reason"]), (&json!(true), &json!(stage)));
    Ok(())
}

/// The refusal says why, names the authenticated user, and names the role that has the right.
async fn nobody_approves_alone(story: &Story, id: &str) -> Result<()> {
    let own = run(story, Alice, &["approve", FIRST, "--yes"]).await?.refused(1)?;
    ensure!(own.contains("refused: four eyes: alice requested this transition"), "{own}");
    ensure!(
        !own.contains("ValidatingAdmissionPolicy"),
        "the message must not have the name of the policy: {own}"
    );
    let tester = run(story, Tess, &["approve", FIRST, "--yes"]).await?.refused(1)?;
    for text in ["you are", "tess", "the verb approve on stages/staging", "understudy-approver"] {
        ensure!(tester.contains(text), "{text} is missing: {tester}");
    }
    let other = run(story, Bob, &["approve", FIRST, "--id", "000000000000", "--yes"]).await?.refused(1)?;
    ensure!(other.contains(&format!("The pending request is {id}")), "{other}");
    Ok(())
}

async fn the_reviewer_sees_everything(story: &Story, id: &str) -> Result<()> {
    let text = run(story, Bob, &["review", FIRST]).await?.done()?;
    let expected = [
        id,
        "by alice",
        "sha256:",
        "at least 0.95: holds",
        "It must not be used for a diagnosis",
        "--overwrite",
    ];
    for part in expected {
        ensure!(text.contains(part), "{part} is missing: {text}");
    }
    let review = run(story, Bob, &["review", FIRST, "-o", "json"]).await?.json()?;
    assert_eq!((&review["transition"]["id"], &review["stage"]), (&json!(id), &json!("None")));
    assert_eq!(review["digest"], format!("sha256:{}", Sample::V1_0_0.sha256()?));
    Ok(())
}

async fn rejected_with_a_reason_and_requested_again(story: &Story) -> Result<()> {
    let id = request(story, FIRST, "production").await?;
    run(story, Bob, &["reject", FIRST, "--id", &id, "--reason", "one row is not enough", "--yes"])
        .await?
        .done()?;
    story.await_version("rejected", FIRST, |v| v.transition().is_none() && v.history().len() == 2).await?;
    let late = run(story, Bob, &["approve", FIRST, "--yes"]).await?.refused(1)?;
    ensure!(late.contains("the request for Production ended: Rejected by bob"), "{late}");
    let id = request(story, FIRST, "production").await?;
    approve(story, FIRST, &id, "Production").await
}

async fn withdrawn(story: &Story) -> Result<()> {
    request(story, SECOND, "staging").await?;
    run(story, Alice, &["withdraw", SECOND, "--yes"]).await?.done()?;
    let name = SECOND.replace('/', "-");
    story.await_version("withdrawn", &name, |v| v.transition().is_none() && v.history().len() == 1).await?;
    Ok(())
}

async fn replaced_and_rolled_back(story: &Story) -> Result<()> {
    let id = request(story, SECOND, "staging").await?;
    approve(story, SECOND, &id, "Staging").await?;
    run(story, Tess, &["accept", SECOND, "passed", "--feedback", "as the card says", "--yes"])
        .await?
        .done()?;
    let id = request(story, SECOND, "production").await?;
    let review = run(story, Bob, &["review", SECOND, "-o", "json"]).await?.json()?;
    assert_eq!(review["main"]["version"], "1.0.0");
    assert_eq!(review["metrics"][0]["difference"], -0.0026);
    approve(story, SECOND, &id, "Production").await?;
    await_answers_of(story, "1.1.0").await?;

    let tester = run(story, Tess, &["rollback", MODEL, "--yes"]).await?.refused(1)?;
    ensure!(tester.contains("the verb patch on modeldeployments"), "{tester}");
    run(story, Bob, &["rollback", MODEL, "--yes", "--wait"]).await?.done()?;
    await_answers_of(story, "1.0.0").await
}

/// Waits until the node's network has followed the switch and the Service answers with this version.
async fn await_answers_of(story: &Story, version: &str) -> Result<()> {
    let mut caller = story.caller().await?;
    caller.await_version(version).await?;
    caller.finish().await?;
    story.predict(MODEL).await?.ensure_equals(&rows()?, version)
}

fn column(list: &Value, name: &str) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|line| line[name].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_team_takes_a_model_from_request_to_rollback_with_the_plugin_only() -> Result<()> {
    with_temp_ns("cli", async |story| {
        let manifests = Sample::V1_0_0.manifest();
        let folder = manifests
            .parent()
            .and_then(std::path::Path::to_str)
            .context("the path of the checkout is not UTF-8")?;
        story.kubectl(Alice, &["apply", "-f", folder]).await?.done()?;
        let id = request(&story, FIRST, "staging").await?;
        nobody_approves_alone(&story, &id).await?;
        the_reviewer_sees_everything(&story, &id).await?;
        approve(&story, FIRST, &id, "Staging").await?;
        run(&story, Tess, &["accept", FIRST, "passed", "--feedback", "as the card says", "--yes"])
            .await?
            .done()?;
        rejected_with_a_reason_and_requested_again(&story).await?;
        withdrawn(&story).await?;
        replaced_and_rolled_back(&story).await?;

        story.await_stage("breast-cancer-1.1.0", Stage::Archived).await?;
        story.await_stage(FIRST, Stage::Production).await?;
        let list = run(&story, Tess, &words("list -o json")).await?.json()?;
        assert_eq!(
            (&list["deployments"][0]["main"], &list["deployments"][0]["previous"]),
            (&json!("1.0.0"), &json!("1.1.0"))
        );
        // 1.2.0 is published with the others, and has no request.
        assert_eq!(column(&list["versions"], "stage"), ["Production", "Archived", "None"]);
        let history = run(&story, Tess, &["history", MODEL, "-o", "json"]).await?.json()?;
        assert_eq!(column(&history["main"], "reason"), ["Promoted", "Promoted", "RolledBack"]);
        let first = run(&story, Tess, &["history", FIRST, "-o", "json"]).await?.json()?;
        let decisions = column(&first["decisions"], "decision");
        assert_eq!(decisions, ["Approved", "Rejected", "Approved", "Superseded", "RolledBack"]);
        assert_eq!(first["decisions"][1]["reason"], "one row is not enough");
        Ok(())
    })
    .await
}
