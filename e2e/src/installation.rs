//! What the chart has installed for an operator, so that a process of this machine can run as one: files and an account.

use anyhow::{Context, Result};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{ConfigMap, ServiceAccount},
};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

/// A file of a `ConfigMap` that the chart wrote for the operator.
pub(crate) async fn file(config_maps: &Api<ConfigMap>, name: &str, key: &str) -> Result<String> {
    let file = config_maps.get(name).await?.data.and_then(|mut data| data.remove(key));
    file.with_context(|| format!("the ConfigMap {name} has no {key}"))
}

/// A kubeconfig for this cluster (a value of `clusters` in a kubeconfig) with a token of a service account. The token
/// expires after so many seconds; without a number, when the API server chooses.
pub(crate) async fn kubeconfig(
    cluster: Value,
    (accounts, name): (&Api<ServiceAccount>, &str),
    seconds: Option<i64>,
) -> Result<Value> {
    let request = TokenRequest {
        spec: TokenRequestSpec { expiration_seconds: seconds, ..TokenRequestSpec::default() },
        ..TokenRequest::default()
    };
    let issued = accounts.create_token_request(name, &PostParams::default(), &request).await?;
    let token = issued.status.context("the API server issued no token")?.token;
    Ok(json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "operator",
        "contexts": [{"name": "operator", "context": {"cluster": "operator", "user": "operator"}}],
        "clusters": [{"name": "operator", "cluster": cluster}],
        "users": [{"name": "operator", "user": {"token": token}}],
    }))
}
