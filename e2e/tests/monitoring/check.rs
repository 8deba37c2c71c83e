//! Checks of an expression: Prometheus accepts it, its metrics and labels exist, and it has a result.

use anyhow::Result;

use crate::{
    chart::Expression,
    prometheus::{Prometheus, Sample},
    promql,
};

/// A label that is empty, and so absent, in a cluster-wide install.
const EMPTY: &str = "watched_namespace";

/// What is wrong with an alert. It may have no result, but its metrics and labels must exist.
pub async fn alert(prometheus: &Prometheus, expression: &Expression) -> Result<Option<String>> {
    if let Err(error) = prometheus.query(&expression.text).await {
        return Ok(Some(complaint(expression, &format!("{error:#}"))));
    }
    names(prometheus, expression).await
}

/// What is wrong with the expression of a panel. Its result must have a number, and the labels of its legend.
pub async fn panel(prometheus: &Prometheus, expression: &Expression) -> Result<Option<String>> {
    let result = match prometheus.query(&expression.text).await {
        Ok(result) => result,
        Err(error) => return Ok(Some(complaint(expression, &format!("{error:#}")))),
    };
    if !result.iter().any(|sample| sample.value.is_finite()) {
        return Ok(Some(complaint(expression, "it has no data")));
    }
    let shown =
        |label: &&String| result.iter().any(|Sample { labels, .. }| labels.get(label.as_str()).is_some());
    if let Some(label) = expression.legend.iter().filter(|label| *label != EMPTY).find(|label| !shown(label))
    {
        return Ok(Some(complaint(
            expression,
            &format!("its legend shows {label}, and the result has no such label"),
        )));
    }
    names(prometheus, expression).await
}

/// A metric or label that does not exist.
async fn names(prometheus: &Prometheus, expression: &Expression) -> Result<Option<String>> {
    let named = match promql::named(&expression.text) {
        Ok(named) => named,
        Err(error) => return Ok(Some(complaint(expression, &error.to_string()))),
    };
    for selector in &named.selectors {
        if count(prometheus, &selector.text()).await? == 0.0 {
            return Ok(Some(complaint(expression, &format!("no series matches {}", selector.text()))));
        }
        for label in &selector.labels {
            if count(prometheus, &format!(r#"{}{{{label}!=""}}"#, selector.metric)).await? == 0.0 {
                return Ok(Some(complaint(expression, &format!("{} has no label {label}", selector.metric))));
            }
        }
    }
    let metrics: Vec<&str> = named.selectors.iter().map(|selector| selector.metric.as_str()).collect();
    for label in named.labels.iter().filter(|label| *label != EMPTY) {
        let any = format!(r#"{{__name__=~"{}",{label}!=""}}"#, metrics.join("|"));
        if count(prometheus, &any).await? == 0.0 {
            return Ok(Some(complaint(expression, &format!("none of its metrics has a label {label}"))));
        }
    }
    Ok(None)
}

async fn count(prometheus: &Prometheus, selector: &str) -> Result<f64> {
    Ok(prometheus.query(&format!("count({selector})")).await?.first().map_or(0.0, |sample| sample.value))
}

fn complaint(expression: &Expression, what: &str) -> String {
    format!("{}: {what}\n    {}", expression.place, expression.text.replace('\n', "\n    "))
}
