//! The operator: its configuration, pods, Lease, rights, and what it reports.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;

use super::super::{
    config::Config,
    facts::Pages,
    kinds::{CONFIG_MAPS, LEASES, PODS},
    read::{Kind, Reader},
    rights::{Need, needs},
    seen::{Blind, Seen},
};
use crate::output;

const REVIEWS: Kind = Kind("apis/authorization.k8s.io/v1", "subjectaccessreviews");
/// Requests that are sent concurrently.
const CONCURRENCY: usize = 8;
/// How often, one second apart, a Lease that looks old is read again. A leader renews every 2 to 2.4 s.
const ATTEMPTS: usize = 6;

/// What the operator was configured with, and the names that follow from its Deployment.
pub async fn config(reader: &Reader, system: &str, operator: Option<&Value>) -> Config {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let operator = operator.unwrap_or(&Value::Null);
    let name = text(&operator["metadata"]["name"]).unwrap_or_else(|| "understudy-operator".to_owned());
    let fullname = name.strip_suffix("-operator").unwrap_or(&name).to_owned();
    let template = &operator["spec"]["template"]["spec"];
    let volume = template["volumes"].as_array().and_then(|all| all.iter().find(|v| v["name"] == "config"));
    let map =
        volume.and_then(|v| text(&v["configMap"]["name"])).unwrap_or_else(|| format!("{fullname}-config"));
    let found = reader.get(CONFIG_MAPS, Some(system), &map).await;
    let (read, file) = match found {
        Ok(Some(map)) => {
            let file = map["data"]["config.yaml"].as_str().unwrap_or_default();
            match serde_saphyr::from_str::<Value>(file) {
                Ok(file) => (Ok(()), file),
                Err(error) => (Err(Blind::Failed(format!("config.yaml is not valid: {error}"))), Value::Null),
            }
        }
        Ok(None) => (Err(Blind::Failed(format!("ConfigMap {map} does not exist"))), Value::Null),
        Err(blind) => (Err(blind), Value::Null),
    };
    let watched = file["watchNamespaces"].as_array().into_iter().flatten().filter_map(text).collect();
    Config {
        release: text(&operator["metadata"]["labels"]["app.kubernetes.io/instance"])
            .unwrap_or_else(|| "understudy".to_owned()),
        account: text(&template["serviceAccountName"]).unwrap_or_else(|| name.clone()),
        chart: text(&operator["metadata"]["labels"]["app.kubernetes.io/version"]),
        image: text(&template["containers"][0]["image"]),
        server_image: text(&file["serverImage"]),
        watched,
        policy: text(&file["policyName"]).unwrap_or_else(|| format!("{fullname}-approval")),
        lease: text(&file["leaderElection"]["leaseName"]).unwrap_or_else(|| name.clone()),
        lease_seconds: file["leaderElection"]["leaseSeconds"].as_i64().unwrap_or(15),
        stamps: file["stampsNames"].as_bool().unwrap_or(false),
        operator: name,
        fullname,
        read,
    }
}

/// The pods of this Deployment, apart from those that are being deleted.
pub async fn pods(reader: &Reader, system: &str, operator: &Value) -> Seen<Vec<Value>> {
    let labels = operator["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    let mut pods = reader.collect(PODS, Some(system), &selector.join(",")).await?;
    pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    Ok(pods)
}

/// The Lease. If it looks old by the API server's clock, it is read again until it changes: the clock of its holder may
/// be wrong.
pub async fn lease(
    reader: &Reader,
    system: &str,
    config: &Config,
    now: Timestamp,
) -> (Seen<Option<Value>>, bool) {
    let first = reader.get(LEASES, Some(system), &config.lease).await;
    let Ok(Some(lease)) = &first else { return (first, false) };
    let renewed = lease["spec"]["renewTime"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let lasts = lease["spec"]["leaseDurationSeconds"].as_i64().unwrap_or(0);
    if renewed.is_some_and(|at| now.as_second() - at.as_second() <= lasts) {
        return (first, false);
    }
    output::note("the Lease looks old: waiting up to 6 s for a renewal");
    let version = lease["metadata"]["resourceVersion"].clone();
    for _ in 0..ATTEMPTS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        match reader.get(LEASES, Some(system), &config.lease).await {
            Ok(Some(lease)) if lease["metadata"]["resourceVersion"] == version => {}
            changed => return (changed, true),
        }
    }
    (first, false)
}

/// What each running pod reports, through the API server's proxy.
pub async fn pages(reader: &Reader, system: &str, pods: &[Value]) -> Vec<Pages> {
    let running = pods.iter().filter(|pod| pod["status"]["phase"] == "Running");
    stream::iter(running)
        .map(|pod| async move {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let (metrics, health) = (port(pod, "metrics", 8080), port(pod, "health", 8081));
            let (metrics, livez, readyz) = tokio::join!(
                reader.page(system, name, metrics, "/metrics"),
                reader.page(system, name, health, "/livez?verbose"),
                reader.page(system, name, health, "/readyz?verbose"),
            );
            let metrics = metrics.and_then(|(status, text)| match status {
                200 => Ok(text),
                _ => Err(Blind::Failed(format!("it answers {status}"))),
            });
            Pages { pod: name.to_owned(), metrics, livez, readyz }
        })
        .buffered(CONCURRENCY)
        .collect()
        .await
}

fn port(pod: &Value, name: &str, usual: u64) -> u64 {
    let ports = pod["spec"]["containers"][0]["ports"].as_array();
    let port = ports.and_then(|all| all.iter().find(|p| p["name"] == name));
    port.and_then(|p| p["containerPort"].as_u64()).unwrap_or(usual)
}

/// The rights of the chart that the operator's service account does not have.
pub async fn missing_rights(reader: &Reader, system: &str, config: &Config) -> Seen<Vec<Need>> {
    let user = format!("system:serviceaccount:{system}:{}", config.account);
    let answers: Vec<Seen<Option<Need>>> = stream::iter(needs(config, system))
        .map(|need| {
            let review = need.review(&user);
            async move {
                let answer = reader.review(REVIEWS, &review).await?;
                Ok((answer["status"]["allowed"] != Value::Bool(true)).then_some(need))
            }
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let missing: Seen<Vec<Option<Need>>> = answers.into_iter().collect();
    Ok(missing?.into_iter().flatten().collect())
}
