//! Reads what the checks judge. Only this part of the doctor has a client.

mod models;
mod operator;
mod rule;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    facts::{Facts, Nodes},
    kinds::{BINDINGS, CONFIG_MAPS, CRDS, DAEMON_SETS, DEPLOYMENTS, NODES, OPERATOR, POLICIES},
    read::Reader,
    seen::{Seen, Tally},
};
pub(crate) use operator::pages;

/// The Deployments of operators, in one namespace or in all of them.
pub async fn operators(reader: &Reader, namespace: Option<&str>) -> Seen<Vec<Value>> {
    reader.collect(DEPLOYMENTS, namespace, OPERATOR).await
}

/// Everything about the installation of this operator.
pub async fn facts(
    reader: &Reader,
    system: &str,
    operator: Seen<Option<Value>>,
    server: (&str, jiff::Timestamp),
) -> Facts {
    let config = operator::config(reader, system, operator.as_ref().ok().and_then(Option::as_ref)).await;
    let (server, now) = (server.0.to_owned(), server.1);
    let mut crds = BTreeMap::new();
    for plural in ["modelversions", "modeldeployments"] {
        crds.insert(plural, reader.get(CRDS, None, &format!("{plural}.understudy.dev")).await);
    }
    let reference = reader.get(CONFIG_MAPS, Some(system), &format!("{}-policy", config.fullname)).await;
    let (policy, binding) =
        tokio::join!(reader.get(POLICIES, None, &config.policy), reader.get(BINDINGS, None, &config.policy));
    let stamp = rule::stamp(reader, &config).await;
    let guard = rule::guard(reader, &reference).await;
    let pods = match &operator {
        Ok(Some(operator)) => operator::pods(reader, system, operator).await,
        _ => Ok(vec![]),
    };
    let (lease, lease_changed) = operator::lease(reader, system, &config, now).await;
    let pages = operator::pages(reader, system, pods.as_deref().unwrap_or_default()).await;
    let missing_rights = operator::missing_rights(reader, system, &config).await;
    let models = models::read(reader, &config, now).await;
    let dry_run = rule::dry_run(reader, models.witness.as_deref()).await;
    let nodes = nodes(reader).await;
    let daemon_sets = reader.collect(DAEMON_SETS, Some("kube-system"), "").await;
    Facts {
        plugin: env!("CARGO_PKG_VERSION").to_owned(),
        now,
        server,
        system: system.to_owned(),
        crds,
        operator,
        config,
        reference,
        policy,
        binding,
        stamp,
        guard,
        dry_run,
        pods,
        missing_rights,
        lease,
        lease_changed,
        pages,
        models,
        nodes,
        daemon_sets,
    }
}

async fn nodes(reader: &Reader) -> Seen<Nodes> {
    let mut not_ready = Tally::default();
    let total = reader
        .list(NODES, None, "", false, |node| {
            let conditions = node["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True") {
                not_ready.add(|| node["metadata"]["name"].as_str().unwrap_or_default().to_owned());
            }
        })
        .await?;
    Ok(Nodes { total, not_ready })
}
