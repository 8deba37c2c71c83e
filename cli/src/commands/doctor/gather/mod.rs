//! Reads what the checks judge. Only this part of the doctor has a client.

mod models;
mod operator;
mod rule;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    facts::{Config, Facts, Nodes, Seen, Tally},
    read::{Kind, Reader},
};
pub(crate) use operator::pages;

pub(crate) const CRDS: Kind = Kind("apis/apiextensions.k8s.io/v1", "customresourcedefinitions");
pub(crate) const POLICIES: Kind = Kind("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies");
pub(crate) const BINDINGS: Kind =
    Kind("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings");
pub(crate) const STAMPS: Kind = Kind("apis/admissionregistration.k8s.io/v1", "mutatingadmissionpolicies");
pub(crate) const STAMP_BINDINGS: Kind =
    Kind("apis/admissionregistration.k8s.io/v1", "mutatingadmissionpolicybindings");
pub(crate) const DEPLOYMENTS: Kind = Kind("apis/apps/v1", "deployments");
pub(crate) const DAEMON_SETS: Kind = Kind("apis/apps/v1", "daemonsets");
pub(crate) const PODS: Kind = Kind("api/v1", "pods");
pub(crate) const NODES: Kind = Kind("api/v1", "nodes");
pub(crate) const SERVICES: Kind = Kind("api/v1", "services");
pub(crate) const CONFIG_MAPS: Kind = Kind("api/v1", "configmaps");
pub(crate) const BUDGETS: Kind = Kind("apis/policy/v1", "poddisruptionbudgets");
pub(crate) const SLICES: Kind = Kind("apis/discovery.k8s.io/v1", "endpointslices");
pub(crate) const LEASES: Kind = Kind("apis/coordination.k8s.io/v1", "leases");
pub(crate) const VERSIONS: Kind = Kind("apis/understudy.dev/v1alpha1", "modelversions");
pub(crate) const MODEL_DEPLOYMENTS: Kind = Kind("apis/understudy.dev/v1alpha1", "modeldeployments");
/// Label of everything that the operator creates.
pub(crate) const MANAGED: &str = "app.kubernetes.io/managed-by=understudy";
/// Label of the operator's Deployment and pods.
pub(crate) const OPERATOR: &str = "app.kubernetes.io/name=understudy-operator";

/// The Deployments of operators, in one namespace or in all of them.
pub async fn operators(reader: &Reader, namespace: Option<&str>) -> Seen<Vec<Value>> {
    collect(reader, DEPLOYMENTS, namespace, OPERATOR).await
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
    let daemon_sets = collect(reader, DAEMON_SETS, Some("kube-system"), "").await;
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

/// The namespaces that the operator watches, as the argument of a list.
pub(crate) fn scopes(config: &Config) -> Vec<Option<&str>> {
    if config.watched.is_empty() {
        vec![None]
    } else {
        config.watched.iter().map(|ns| Some(ns.as_str())).collect()
    }
}

async fn collect(reader: &Reader, kind: Kind, namespace: Option<&str>, selector: &str) -> Seen<Vec<Value>> {
    let mut items = vec![];
    reader.list(kind, namespace, selector, false, |item| items.push(item)).await?;
    Ok(items)
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
