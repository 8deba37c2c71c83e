//! What makes an expression worth its place: Prometheus takes it, what it names is there, and it has an answer.

use anyhow::Result;

use crate::{
    chart::Expression,
    prometheus::{Prometheus, Sample},
    promql,
};

/// Labels that are empty, and so not there, in a cluster whose namespaces are all watched.
const EMPTY: &str = "watched_namespace";

/// What is wrong with an alert. It may be silent, and everything that it names must be there.
pub async fn alert(prometheus: &Prometheus, expression: &Expression) -> Result<Option<String>> {
    if let Err(refused) = prometheus.query(&expression.text).await {
        return Ok(Some(told(expression, &format!("{refused:#}"))));
    }
    names(prometheus, expression).await
}

/// What is wrong with the expression of a panel. It must have an answer with a number, and the labels of its legend.
pub async fn panel(prometheus: &Prometheus, expression: &Expression) -> Result<Option<String>> {
    let answer = match prometheus.query(&expression.text).await {
        Ok(answer) => answer,
        Err(refused) => return Ok(Some(told(expression, &format!("{refused:#}")))),
    };
    if !answer.iter().any(|sample| sample.value.is_finite()) {
        return Ok(Some(told(expression, "it has no data")));
    }
    let shown =
        |label: &&String| answer.iter().any(|Sample { labels, .. }| labels.get(label.as_str()).is_some());
    if let Some(label) = expression.legend.iter().filter(|label| *label != EMPTY).find(|label| !shown(label))
    {
        return Ok(Some(told(expression, &format!("its legend shows {label}, which the answer has not"))));
    }
    names(prometheus, expression).await
}

/// A metric or label that is nowhere to be found.
async fn names(prometheus: &Prometheus, expression: &Expression) -> Result<Option<String>> {
    let named = match promql::named(&expression.text) {
        Ok(named) => named,
        Err(error) => return Ok(Some(told(expression, &error.to_string()))),
    };
    for selector in &named.selectors {
        if count(prometheus, &selector.text()).await? == 0.0 {
            return Ok(Some(told(expression, &format!("nothing is {}", selector.text()))));
        }
        for label in &selector.labels {
            if count(prometheus, &format!(r#"{}{{{label}!=""}}"#, selector.metric)).await? == 0.0 {
                return Ok(Some(told(expression, &format!("{} has no label {label}", selector.metric))));
            }
        }
    }
    let metrics: Vec<&str> = named.selectors.iter().map(|selector| selector.metric.as_str()).collect();
    for label in named.labels.iter().filter(|label| *label != EMPTY) {
        let any = format!(r#"{{__name__=~"{}",{label}!=""}}"#, metrics.join("|"));
        if count(prometheus, &any).await? == 0.0 {
            return Ok(Some(told(expression, &format!("none of its metrics has a label {label}"))));
        }
    }
    Ok(None)
}

async fn count(prometheus: &Prometheus, selector: &str) -> Result<f64> {
    Ok(prometheus.query(&format!("count({selector})")).await?.first().map_or(0.0, |sample| sample.value))
}

fn told(expression: &Expression, what: &str) -> String {
    format!("{}: {what}\n    {}", expression.place, expression.text.replace('\n', "\n    "))
}
