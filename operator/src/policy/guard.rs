//! The guard around owned objects. It must refuse a Service of a model that leads out of the cluster, also to the operator.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use understudy_crds::{ModelDeployment, names};

use super::rule::{Error, Rule};
use crate::{cluster::cache::Cache, metrics::Metrics};

/// The message with which the guard refuses the write. It is the same text as in the chart.
const REFUSAL: &str = "the Service of a model is of type ClusterIP and has no external IPs";
/// Name of the Service, which never exists, and of the model in its label.
const PROBE: &str = "guard-probe";

/// The guard: only the operator and Kubernetes create and change the objects of models.
pub struct Guard;

impl Rule for Guard {
    type Witness = ModelDeployment;

    const NAME: &'static str = "the guard";

    /// Nothing can be created in a namespace that is being deleted. Then its models are being deleted, too.
    fn witness(cache: &Cache) -> Option<Arc<ModelDeployment>> {
        cache.deployments.state().into_iter().find(|md| md.metadata.deletion_timestamp.is_none())
    }

    async fn refuses(client: &Client, witness: &ModelDeployment) -> Result<bool, Error> {
        let namespace = witness.namespace().unwrap_or_default();
        let api: Api<Service> = Api::namespaced(client.clone(), &namespace);
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        match api.create(&dry_run, &forbidden()).await {
            Ok(_) => {
                Err(Error::Accepted { write: "a Service that leads out of the cluster", policy: Self::NAME })
            }
            Err(kube::Error::Api(status)) if status.message.contains(REFUSAL) => Ok(true),
            Err(kube::Error::Api(status)) if is_not_possible(&status.message) || status.is_not_found() => {
                Ok(false)
            }
            Err(source) => Err(Error::Try {
                policy: Self::NAME,
                with: format!("namespace {namespace}"),
                source: Box::new(source),
            }),
        }
    }

    fn publish(metrics: &Metrics, namespace: &str, active: bool) {
        metrics.objects_guarded(namespace, active);
    }
}

/// The namespace is being deleted, or a webhook for Services refuses every dry run.
fn is_not_possible(message: &str) -> bool {
    message.contains("is being terminated") || message.contains("does not support dry run")
}

fn forbidden() -> Service {
    let labels: BTreeMap<_, _> = names::deployment_labels(PROBE);
    Service {
        metadata: ObjectMeta { name: Some(PROBE.to_owned()), labels: Some(labels), ..ObjectMeta::default() },
        spec: Some(ServiceSpec {
            type_: Some("ExternalName".to_owned()),
            external_name: Some("guard-probe.invalid".to_owned()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{
        fixtures::deployment,
        mock_api::{Cluster, Exchange, Scenario, post},
    };

    #[test]
    fn the_refusal_is_that_of_the_guard() {
        let guard = include_str!("../../../charts/understudy/templates/_guard.tpl");
        assert!(guard.contains(REFUSAL));
    }

    fn attempt() -> Exchange {
        post("/namespaces/risk/services").in_a_dry_run().with(|sent| {
            assert_eq!(sent["spec"]["type"], "ExternalName");
            assert!(sent["metadata"]["labels"]["understudy.dev/deployment"].is_string(), "{sent}");
        })
    }

    async fn tried(response: Exchange) -> Result<bool, Error> {
        let mut cluster = Cluster::new();
        let (client, witness) = (cluster.client(), deployment(serde_json::json!({})));
        cluster.play(Scenario::new().then(response), Guard::refuses(&client, &witness)).await
    }

    #[tokio::test]
    async fn a_refusal_by_the_guard_shows_that_it_is_in_force() {
        let message =
            format!("ValidatingAdmissionPolicy 'understudy-guard' denied request: {REFUSAL}: use an Ingress");
        assert!(tried(attempt().fails(403, "Forbidden", &message)).await.expect("a refusal"));
    }

    #[tokio::test]
    async fn a_write_that_passes_shows_that_the_guard_is_not_in_force() {
        let found = tried(attempt().finds(&forbidden())).await;
        assert!(matches!(found, Err(Error::Accepted { .. })), "{found:?}");
    }

    #[rstest]
    #[case::a_dying_namespace(
        "unable to create new content in namespace risk because it is being terminated"
    )]
    #[case::a_webhook("admission webhook \"a.example.com\" does not support dry run")]
    #[tokio::test]
    async fn what_cannot_be_tried_shows_nothing(#[case] message: &str) {
        assert!(!tried(attempt().fails(403, "Forbidden", message)).await.expect("no finding"));
    }

    #[tokio::test]
    async fn any_other_refusal_is_a_finding() {
        let found = tried(attempt().fails(403, "Forbidden", "the operator may not create services")).await;
        assert!(found.is_err_and(|error| error.finding().is_some()));
    }
}
