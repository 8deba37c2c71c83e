//! The objects that the chart renders for Prometheus, the Prometheus operator and Grafana.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use understudy_e2e::{Cluster, MODEL};

/// The release of `make up`.
pub const RELEASE: &str = "understudy";
pub const RELEASE_NAMESPACE: &str = "understudy-system";
pub const OPERATOR: &str = "understudy-operator";

/// The objects of `monitoring`.
pub struct Chart {
    pub service_monitor: Value,
    pub pod_monitor: Value,
    /// The content of a Prometheus rules file. JSON is valid YAML.
    pub rules: Value,
    pub dashboards: Vec<Value>,
}

impl Chart {
    /// Renders the chart of this checkout.
    pub async fn render(cluster: &Cluster) -> Result<Self> {
        let mut arguments = vec!["template", RELEASE, "CHART", "-n", RELEASE_NAMESPACE];
        let parts = ["serviceMonitor", "podMonitor", "prometheusRule", "dashboards"];
        let values = parts.map(|part| format!("monitoring.{part}.enabled=true"));
        arguments.extend(values.iter().flat_map(|value| ["--set", value]));
        let text = cluster.helm(&arguments, &[]).await?.done()?;
        let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text)?;
        let mut take = |kind: &str, name: &str| {
            let found = objects.iter().position(|o| o["kind"] == kind && o["metadata"]["name"] == name);
            found
                .map(|at| objects.swap_remove(at))
                .with_context(|| format!("the chart renders no {kind} {name}"))
        };
        let mut rules = take("PrometheusRule", RELEASE)?;
        let dashboards = take("ConfigMap", "understudy-dashboards")?;
        let files = dashboards["data"].as_object().context("the ConfigMap has no data")?;
        let read = |file: &Value| {
            Ok(serde_json::from_str(file.as_str().context("a file in the ConfigMap is not a string")?)?)
        };
        Ok(Self {
            service_monitor: take("ServiceMonitor", OPERATOR)?,
            pod_monitor: take("PodMonitor", "understudy-models")?,
            rules: rules["spec"].take(),
            dashboards: files.values().map(read).collect::<Result<_>>()?,
        })
    }

    /// The expressions of all alerts.
    pub fn alerts(&self) -> Result<Vec<Expression>> {
        let groups = items(&self.rules["groups"]);
        let rules = groups.flat_map(|group| items(&group["rules"]));
        let alerts: Vec<_> = rules
            .map(|rule| {
                let place = text(&rule["alert"])?.to_owned();
                Ok(Expression { place, text: text(&rule["expr"])?.to_owned(), legend: vec![] })
            })
            .collect::<Result<_>>()?;
        ensure!(!alerts.is_empty(), "the PrometheusRule has no alerts");
        Ok(alerts)
    }

    /// The expressions of all panels, for the model of the samples in `namespace`.
    pub fn panels(&self, namespace: &str) -> Result<Vec<Expression>> {
        let mut found = vec![];
        for board in &self.dashboards {
            let variables = Variables { namespace: of_board(board, namespace)? };
            for panel in items(&board["panels"]) {
                for target in items(&panel["targets"]) {
                    let place = format!("{}: {}", text(&board["title"])?, text(&panel["title"])?);
                    let legend = target["legendFormat"].as_str().unwrap_or_default();
                    found.push(Expression {
                        place,
                        text: variables.fill(text(&target["expr"])?)?,
                        legend: braced(legend),
                    });
                }
            }
        }
        ensure!(!found.is_empty(), "the dashboards have no panels");
        Ok(found)
    }

    /// The queries of all dashboard variables, each with a value that it must offer.
    pub fn choices(&self, namespace: &str) -> Result<Vec<Choice>> {
        let mut found = vec![];
        for board in &self.dashboards {
            let of = of_board(board, namespace)?;
            let variables = Variables { namespace: of };
            for variable in items(&board["templating"]["list"]).filter(|v| v["type"] == "query") {
                let query = text(&variable["query"]["query"])?;
                let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
                let (series, label) =
                    inner.and_then(|inner| inner.rsplit_once(", ")).context("label_values(series, label)")?;
                let name = text(&variable["name"])?;
                let expected =
                    variables.value(name).with_context(|| format!("the variable {name} is not known"))?;
                found.push(Choice {
                    series: variables.fill(series)?,
                    label: label.to_owned(),
                    expected: expected.to_owned(),
                });
            }
        }
        ensure!(!found.is_empty(), "the dashboards have no variables");
        Ok(found)
    }
}

/// The namespace that a dashboard shows.
fn of_board<'a>(board: &Value, namespace: &'a str) -> Result<&'a str> {
    Ok(if text(&board["uid"])? == "understudy-operators" { RELEASE_NAMESPACE } else { namespace })
}

/// An expression, and where it is used.
#[derive(Clone, Debug)]
pub struct Expression {
    pub place: String,
    pub text: String,
    /// The labels that its legend shows.
    pub legend: Vec<String>,
}

/// A variable of a dashboard: series, label, and a value that it must offer.
pub struct Choice {
    pub series: String,
    pub label: String,
    pub expected: String,
}

/// The chosen values of the variables.
struct Variables<'a> {
    namespace: &'a str,
}

impl Variables<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        Some(match name {
            "namespace" => self.namespace,
            "deployment" => MODEL,
            "job" => OPERATOR,
            // Grafana uses at least four scrape intervals. The interval is one second here.
            "__rate_interval" => "30s",
            "__range" => "1h",
            _ => return None,
        })
    }

    fn fill(&self, expression: &str) -> Result<String> {
        let mut parts = expression.split('$');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
            let (name, rest) = part.split_at(end);
            filled += self.value(name).with_context(|| format!("the variable ${name} is not known"))?;
            filled += rest;
        }
        Ok(filled)
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("not a string: {value}"))
}

/// The names in `{{name}}`.
fn braced(legend: &str) -> Vec<String> {
    let parts = legend.split("{{").skip(1);
    parts.filter_map(|part| Some(part.split_once("}}")?.0.trim().to_owned())).collect()
}

/// The scrape configuration of docs/operations.md for clusters without the Prometheus operator.
pub fn plain_configuration() -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/prometheus.yaml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(serde_saphyr::from_str(&text)?)
}
