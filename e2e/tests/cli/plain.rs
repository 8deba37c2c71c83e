//! The plugin writes nothing without a confirmation, and prints the kubectl commands that do the same.

use anyhow::{Result, ensure};
use kube::ResourceExt;
use serde_json::json;
use understudy_crds::Stage;
use understudy_e2e::{
    Person::{Alice, Bob},
    Publication, Sample,
    plugin::{run, shell},
    with_temp_ns,
};

#[tokio::test]
async fn without_a_terminal_nothing_is_written_unless_yes_is_given() -> Result<()> {
    with_temp_ns("cli-asks", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.publish(&Publication::of(Sample::V1_0_0)?).await?;
        let words = run(&story, Alice, &["request", &name, "staging"]).await?.refused(2)?;
        ensure!(words.contains("Request as alice: breast-cancer 1.0.0, None -> Staging"), "{words}");
        ensure!(words.contains("--yes"), "{words}");
        assert_eq!(story.version(&name).await?.spec.stage, Stage::None);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_kubectl_commands_that_the_plugin_prints_do_the_same() -> Result<()> {
    with_temp_ns("cli-plain", async |story| {
        story.deploy(&json!({})).await?;
        let name = story.publish(&Publication::of(Sample::V1_0_0)?).await?;
        for (person, arguments) in [
            (Alice, vec!["request", &name, "staging"]),
            (Bob, vec!["reject", &name, "--reason", "it's \"too\" early; $HOME"]),
            (Alice, vec!["request", &name, "staging"]),
            (Alice, vec!["withdraw", &name]),
            (Alice, vec!["request", &name, "staging"]),
            (Bob, vec!["approve", &name]),
        ] {
            let before = story.version(&name).await?;
            let shown = run(&story, person, &[&arguments[..], &["--show-kubectl"]].concat()).await?.done()?;
            let now = story.version(&name).await?;
            assert_eq!(
                (now.annotations(), &now.spec),
                (before.annotations(), &before.spec),
                "--show-kubectl must not write"
            );
            shell(&story, &shown).await?.done()?;
            let open = arguments[0] == "request";
            let (seen, what) = (before.history().len(), arguments[0].to_owned());
            story
                .await_version(&what, &name, |v| {
                    if open {
                        v.transition().is_some()
                    } else {
                        v.transition().is_none() && v.history().len() > seen
                    }
                })
                .await?;
        }
        let history = story.version(&name).await?.history().to_vec();
        assert_eq!(history[0].reason.as_deref(), Some("it's \"too\" early; $HOME"));
        assert_eq!(history.last().map(|h| h.decided_by.as_str()), Some("bob"));
        Ok(())
    })
    .await
}
