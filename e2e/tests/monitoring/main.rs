//! The chart's `monitoring`: a real Prometheus discovers operator and models as the Prometheus operator would, and every
//! expression of alerts and dashboards refers to series that exist.

mod chart;
mod check;
mod prometheus;
mod promql;
mod scrape;
mod traffic;

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::ListParams};
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage, condition, names};
use understudy_e2e::{MODEL, Person, Story, with_temp_ns};

use crate::{
    chart::{Chart, Expression, OPERATOR, RELEASE_NAMESPACE},
    prometheus::{Folder, Prometheus, Target, await_no_complaints},
    traffic::Traffic,
};

/// Gradient boosting, with a baseline.
const MAIN: &str = "1.1.0";
/// A random forest.
const CHALLENGER: &str = "1.2.0";

/// Replicas of the operator.
const OPERATORS: usize = 2;
/// Two pods of main, one of the challenger.
const SERVERS: usize = 3;

/// Alice publishes a version of the samples with its baseline, and bob approves it for Staging.
async fn stage(story: &Story, version: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../samples/manifests/modelversion-{version}.yaml"));
    let path = path.to_str().context("the path of the checkout is not UTF-8")?;
    story.kubectl(Person::Alice, &["apply", "-f", path]).await?.done()?;
    let name = format!("{MODEL}-{version}");
    story.request_and_approve(&name, Stage::Staging).await?;
    story.await_stage(&name, Stage::Staging).await?;
    Ok(name)
}

/// Brings up main on two pods, with a baseline, a challenger and recording: everything that has metrics.
async fn serve_everything(story: &Story) -> Result<()> {
    let sink = format!("s3://predictions/e2e/{}", story.namespace());
    story
        .deploy(&json!({
            "replicas": 2,
            "challenger": {"version": CHALLENGER},
            "recording": {"sink": {"uri": sink, "secretRef": {"name": "s3"}}, "rotateAfter": "2s"},
            "drift": {"minSamples": 10},
        }))
        .await?;
    stage(story, CHALLENGER).await?;
    let name = stage(story, MAIN).await?;
    story.verdict(Person::Tess, &name, "passed", "answers as it should").await?;
    story
        .await_version("tess's verdict", &name, |v| v.status.as_ref().is_some_and(|s| s.acceptance.is_some()))
        .await?;
    story.request_and_approve(&name, Stage::Production).await?;
    story.await_stage(&name, Stage::Production).await?;
    let ready = |md: &ModelDeployment| {
        let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
        condition::is_true(conditions, "ChallengerReady")
            && condition::is_true(conditions, condition::RUNNING)
            && condition::is_true(conditions, condition::DEPLOYED)
    };
    story.await_deployment("main serves, and its challenger gets copies", ready).await?;
    Ok(())
}

/// The pods that must be scraped, each with its job in Prometheus.
async fn expected(story: &Story, models: &str) -> Result<BTreeSet<Target>> {
    let (key, value) = names::MANAGED_BY;
    let ours = ListParams::default().labels(&format!("{key}={value}"));
    let pods = story.api::<Pod>().list(&ours).await?;
    let target = |pod: &Pod, job: &str| Target {
        namespace: pod.namespace().unwrap_or_default(),
        pod: pod.name_any(),
        job: job.to_owned(),
    };
    let operators = story.operator().pods().await?;
    let all =
        pods.iter().map(|pod| target(pod, models)).chain(operators.iter().map(|pod| target(pod, OPERATOR)));
    Ok(all.collect())
}

/// Waits until Prometheus scrapes exactly the pods of the story and of the operator, and each of them answers.
async fn await_targets(story: &Story, prometheus: &Prometheus, models: &str, at_least: usize) -> Result<()> {
    await_no_complaints("the targets are exactly the pods, and up", async || {
        let (up, mut complaints) = prometheus.targets(&[story.namespace(), RELEASE_NAMESPACE]).await?;
        let expected = expected(story, models).await?;
        ensure!(expected.len() >= at_least, "expected at least {at_least} pods, found {expected:?}");
        complaints.extend(expected.difference(&up).map(|target| format!("{target:?} is not up")));
        complaints.extend(up.difference(&expected).map(|target| format!("{target:?} should not be scraped")));
        Ok(complaints)
    })
    .await
}

/// Waits until every expression has passed its check once. Expressions about rare events have a result only at times.
async fn await_results(prometheus: &Prometheus, alerts: &[Expression], panels: &[Expression]) -> Result<()> {
    let mut alerts: Vec<&Expression> = alerts.iter().collect();
    let mut panels: Vec<&Expression> = panels.iter().collect();
    await_no_complaints("every expression is valid, and has a result", async || {
        let mut complaints = vec![];
        for expression in std::mem::take(&mut alerts) {
            if let Some(complaint) = check::alert(prometheus, expression).await? {
                complaints.push(complaint);
                alerts.push(expression);
            }
        }
        for expression in std::mem::take(&mut panels) {
            if let Some(complaint) = check::panel(prometheus, expression).await? {
                complaints.push(complaint);
                panels.push(expression);
            }
        }
        Ok(complaints)
    })
    .await
}

/// Fails unless the checks find a typing error in an expression.
async fn ensure_typos_are_found(
    prometheus: &Prometheus,
    alerts: &[Expression],
    panels: &[Expression],
) -> Result<()> {
    let with_typo = |all: &[Expression], from: &str, to: &str| {
        let found = all.iter().find(|expression| expression.text.contains(from));
        let mut typo = found.with_context(|| format!("no expression has {from}"))?.clone();
        typo.text = typo.text.replacen(from, to, 1);
        Ok::<_, anyhow::Error>(typo)
    };
    for (from, to) in [
        ("understudy_leader", "understudy_laeder"),
        ("reason!~", "raeson!~"),
        ("job=\"understudy-operator\"", "job=\"understudy-oprator\""),
        ("(namespace, model, version)", "(namespace, modell, version)"),
        ("max by", "maxx by"),
    ] {
        let typo = with_typo(alerts, from, to)?;
        ensure!(
            check::alert(prometheus, &typo).await?.is_some(),
            "the check does not find the error in {}",
            typo.text
        );
    }
    for (from, to) in [
        ("understudy_drift_psi", "understudy_drift_pis"),
        ("by (role, feature)", "by (role, featur)"),
        ("sum(", "summ("),
    ] {
        let typo = with_typo(panels, from, to)?;
        ensure!(
            check::panel(prometheus, &typo).await?.is_some(),
            "the check does not find the error in {}",
            typo.text
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_finds_all_pods_and_every_expression_of_alerts_and_dashboards_has_a_result() -> Result<()>
{
    with_temp_ns("monitoring", async |story| {
        let cluster = story.cluster();
        ensure!(
            cluster.is_near(),
            "Prometheus runs on this machine: it needs a cluster whose pods this machine can call"
        );
        let chart = Chart::render(cluster).await?;
        let (alerts, panels) = (chart.alerts()?, chart.panels(story.namespace())?);

        let folder = Folder::new()?;
        let rules = folder.write("rules.yaml", &chart.rules)?;
        let mut jobs = scrape::pod_monitor(&chart.pod_monitor, cluster.kubeconfig())?;
        jobs.extend(scrape::service_monitor(&chart.service_monitor, cluster.kubeconfig())?);
        let configuration = scrape::configuration(&jobs, &[&rules]);
        let prometheus = Prometheus::start(cluster, folder, &configuration).await?;
        let models = format!("{RELEASE_NAMESPACE}/understudy-models");
        // It must scrape during the promotion, for the time from approval to serving.
        await_targets(&story, &prometheus, &models, OPERATORS).await?;
        serve_everything(&story).await?;
        let traffic = Traffic::begin(&story, MAIN).await?;

        await_targets(&story, &prometheus, &models, OPERATORS + SERVERS).await?;
        await_no_complaints("every rule is evaluated", async || prometheus.broken_rules().await).await?;
        await_results(&prometheus, &alerts, &panels).await?;
        for choice in chart.choices(story.namespace())? {
            let offered = prometheus.label_values(&choice.series, &choice.label).await?;
            ensure!(
                offered.contains(&choice.expected),
                "{} offers {offered:?}, not {}",
                choice.series,
                choice.expected
            );
        }
        ensure_typos_are_found(&prometheus, &alerts, &panels).await?;

        let jobs = scrape::from_outside(&chart::plain_configuration()?, cluster.kubeconfig())?;
        let plain = Prometheus::start(cluster, Folder::new()?, &scrape::configuration(&jobs, &[])).await?;
        await_targets(&story, &plain, "understudy-models", OPERATORS + SERVERS).await?;
        plain.end().await?;

        let calls = traffic.finish().await?;
        println!("{} alerts and {} panels have results, after {calls} calls", alerts.len(), panels.len());
        prometheus.end().await
    })
    .await
}
