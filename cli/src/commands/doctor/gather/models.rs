//! Both kinds, their pods, endpoints and objects, page by page.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{
    config::Config,
    kinds::{
        BUDGETS, CONFIG_MAPS, DEPLOYMENTS, MANAGED, MODEL_DEPLOYMENTS, PODS, SERVICES, SLICES, VERSIONS,
        scopes,
    },
    models::Models,
    read::{Kind, Reader},
    seen::Seen,
};

/// Counts them. The deployments come first: the owners of everything else.
pub async fn read(reader: &Reader, config: &Config, now: Timestamp) -> Models {
    let mut models = Models::new(now, config.server_image.clone());
    models.deployments =
        each(reader, config, MODEL_DEPLOYMENTS, "", false, |item| models.deployment(item)).await;
    models.versions = each(reader, config, VERSIONS, "", false, |item| models.version(item)).await;
    models.pods = each(reader, config, PODS, MANAGED, false, |item| models.pod(&item)).await;
    models.slices =
        each(reader, config, SLICES, MANAGED, false, |item| models.slice(&item)).await.map(|_| ());
    models.objects = objects(reader, config, &mut models).await;
    models
}

/// Objects of others have no label of Understudy, so every object of these kinds is read, but only its metadata.
async fn objects(reader: &Reader, config: &Config, models: &mut Models) -> Seen<usize> {
    // Without their owners, no object can be judged.
    models.deployments.as_ref().map_err(Clone::clone)?;
    let kinds = [
        (DEPLOYMENTS, "Deployment"),
        (SERVICES, "Service"),
        (CONFIG_MAPS, "ConfigMap"),
        (BUDGETS, "PodDisruptionBudget"),
    ];
    let mut ours = 0;
    for (plural, kind) in kinds {
        each(reader, config, plural, "", true, |item| {
            ours += usize::from(item["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "understudy");
            models.object(kind, &item);
        })
        .await?;
    }
    Ok(ours)
}

async fn each(
    reader: &Reader,
    config: &Config,
    kind: Kind,
    selector: &str,
    metadata: bool,
    mut each: impl FnMut(Value),
) -> Seen<usize> {
    let mut total = 0;
    for namespace in scopes(config) {
        total += reader.list(kind, namespace, selector, metadata, &mut each).await?;
    }
    Ok(total)
}
