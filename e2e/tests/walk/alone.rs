//! The walk of README, by one person with the rights of an administrator, who acts as others by `--as`.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use understudy_e2e::Cluster;

use super::{
    readme::{self, Step},
    shell,
};

const WALK: &str = "Five minutes on a cluster of yours";
/// The namespace in README.
const NAMESPACE: &str = "risk";
/// The release of README, which is that of `make up` as well.
const RELEASE: &str = "understudy";
const HOME: &str = "understudy-system";

#[test]
fn the_first_screen_shows_commands_and_outputs_of_the_walk() -> Result<()> {
    let readme = readme::text()?;
    let walk = readme::steps(readme::section(&readme, WALK)?);
    let shown = readme::steps(readme::first_screen(&readme));
    ensure!(!shown.is_empty(), "the first screen of README shows no command");
    for step in shown {
        ensure!(walk.contains(&step), "the first screen shows what the walk does not have: {step:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_person_alone_gets_a_prediction_by_the_commands_of_readme() -> Result<()> {
    let readme = readme::text()?;
    let cluster = Cluster::find()?;
    let images = images()?;
    let namespace = format!("walk-{:08x}", rand::random::<u32>());
    let walk: Vec<Step> = readme::steps(readme::section(&readme, WALK)?)
        .iter()
        .map(|step| {
            Ok(Step {
                command: readme::in_namespace(
                    &readme::with_images(&step.command, &images)?,
                    NAMESPACE,
                    &namespace,
                ),
                output: readme::in_namespace(&step.output, NAMESPACE, &namespace),
            })
        })
        .collect::<Result<_>>()?;
    ensure!(walk.iter().any(Step::is_refused), "the walk shows a denied approval");
    ensure!(walk.iter().any(|step| step.output.contains("\"predictions\"")), "the walk shows a prediction");

    let get = ["get", "values", RELEASE, "-n", HOME, "-o", "json"];
    let values: Value = serde_json::from_str(&cluster.helm(&get, &[]).await?.done()?)?;
    // Other suites have changed objects of the release under their own names; README's commands resolve no conflict.
    upgrade(&cluster, &values).await?;
    let begun = Instant::now();
    let walked = shell::run(&cluster, &walk).await;
    eprintln!("the {} commands of the walk took {:.1} s", walk.len(), begun.elapsed().as_secs_f64());
    // The Secret of the namespace belongs to the release: first this, then the namespace.
    let restored = upgrade(&cluster, &values).await;
    let delete = Step {
        command: format!("kubectl delete namespace {namespace} --ignore-not-found --wait=false"),
        output: String::new(),
    };
    let removed = shell::run(&cluster, &[delete]).await;
    walked.and(restored).and(removed)
}

#[tokio::test]
async fn the_commands_by_which_a_team_may_use_a_secret_work() -> Result<()> {
    let cluster = Cluster::find()?;
    for document in ["README.md", "docs/operations.md"] {
        let text = readme::document(document)?;
        let namespace = format!("walk-{:08x}", rand::random::<u32>());
        let step = |command: String| Step { command, output: String::new() };
        let mut steps = vec![step(format!("kubectl create namespace {namespace}"))];
        let of_secret = readme::steps(&text).into_iter().filter(|step| step.command.contains("use-s3"));
        steps.extend(of_secret.map(|one| step(readme::in_namespace(&one.command, NAMESPACE, &namespace))));
        ensure!(steps.len() == 3, "{document} creates a role and a binding: {steps:?}");
        let worked = shell::run(&cluster, &steps).await;
        let delete = step(format!("kubectl delete namespace {namespace} --ignore-not-found --wait=false"));
        let removed = shell::run(&cluster, &[delete]).await;
        worked.and(removed).with_context(|| document.to_owned())?;
    }
    Ok(())
}

/// Gives the release these values.
async fn upgrade(cluster: &Cluster, values: &Value) -> Result<()> {
    let arguments = ["upgrade", RELEASE, "CHART", "-n", HOME, "--force-conflicts", "--values", "-"];
    cluster.helm(&arguments, values.to_string().as_bytes()).await?.done()?;
    Ok(())
}

/// What README's `REGISTRY/<name>` are called in this cluster.
fn images() -> Result<Vec<(&'static str, String)>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.cluster/images.env");
    let file =
        std::fs::read_to_string(path).with_context(|| format!("failed to read {path}; run `make up`"))?;
    [("OPERATOR", "understudy-operator"), ("SERVER", "understudy-server"), ("TOOLBOX", "understudy-toolbox")]
        .into_iter()
        .map(|(variable, name)| {
            let prefix = format!("{variable}_IMAGE=");
            let found = file.lines().find_map(|line| line.strip_prefix(&prefix));
            let image = found.map(|image| image.trim_matches('\'')).filter(|image| !image.is_empty());
            Ok((name, image.with_context(|| format!("{path} names no {variable}_IMAGE"))?.to_owned()))
        })
        .collect()
}
