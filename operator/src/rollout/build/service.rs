//! Services: the stable one, which selects main; one for each version that runs; one for copies to the challenger; one
//! by which pods find each other.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::ResourceExt;
use understudy_contract::ports;
use understudy_crds::{ModelDeployment, names};

use super::metadata::metadata;

/// The port that callers use.
const HTTP: i32 = 80;
/// The version label that the stable Service selects while no version is main. No pod has it.
const NOBODY: &str = "none";

/// Annotation of the stable Service: the transition or the rollback request by which its selector was set. It comes with
/// the selector in one write. A pass that finds both knows that callers were switched, even if nobody recorded it.
const TRANSITION: &str = "understudy.dev/transition";

/// The version that answers callers, and what made it main.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering<'a> {
    /// Semantic version.
    pub version: &'a str,
    /// Id of the approved transition, or the rollback request.
    pub transition: &'a str,
}

/// The stable Service. It selects the pods of the version that answers, or none.
pub fn main_service(md: &ModelDeployment, answering: Option<Answering<'_>>) -> Service {
    let name = md.name_any();
    let selector = answering.map_or_else(
        || {
            let mut labels = names::deployment_labels(&name);
            labels.insert(names::VERSION_LABEL.to_owned(), NOBODY.to_owned());
            labels
        },
        |answering| names::version_labels(&name, answering.version),
    );
    let mut service = service(md, name.clone(), names::deployment_labels(&name), selector, "main");
    service.metadata.annotations =
        answering.map(|answering| [(TRANSITION.to_owned(), answering.transition.to_owned())].into());
    service
}

/// Whether callers of this Service reach the same pods as those of `other`.
pub fn same_callers(service: &Service, other: &Service) -> bool {
    let selector = |service: &Service| service.spec.as_ref().and_then(|spec| spec.selector.clone());
    selector(service) == selector(other)
}

/// Whether this Service selects the pods of the version of this number.
pub fn selects(service: &Service, number: &str) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let label = selector.and_then(|selector| selector.get(names::VERSION_LABEL));
    label.is_some_and(|label| *label == names::version_label(number))
}

/// Whether this Service selects the pods of `desired`, by the same transition.
pub fn is_switched(service: &Service, desired: &Service) -> bool {
    let transition = |service: &Service| service.annotations().get(TRANSITION).cloned();
    same_callers(service, desired) && transition(service) == transition(desired)
}

/// The Service of one version, for testers.
pub fn version_service(md: &ModelDeployment, version: &str) -> Service {
    let labels = names::version_labels(&md.name_any(), version);
    service(md, names::version_object(&md.name_any(), version), labels.clone(), labels, "direct")
}

/// The Service that receives copies of calls for the challenger.
pub fn challenger_service(md: &ModelDeployment, version: &str) -> Service {
    let name = md.name_any();
    let selector = names::version_labels(&name, version);
    service(md, names::challenger(&name), names::deployment_labels(&name), selector, "challenger")
}

/// The headless Service that resolves to every ready pod of the deployment. A pod that receives the outcome of a call
/// that it did not answer asks the other pods.
pub fn peers_service(md: &ModelDeployment) -> Service {
    let labels = names::deployment_labels(&md.name_any());
    let port = ServicePort {
        name: Some("metrics".to_owned()),
        port: ports::METRICS.into(),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String("metrics".to_owned())),
        ..ServicePort::default()
    };
    Service {
        metadata: metadata(md, names::peers(&md.name_any()), labels.clone()),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            selector: Some(labels),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn service(
    md: &ModelDeployment,
    name: String,
    labels: BTreeMap<String, String>,
    selector: BTreeMap<String, String>,
    target: &str,
) -> Service {
    let port = ServicePort {
        name: Some("http".to_owned()),
        port: HTTP,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(target.to_owned())),
        app_protocol: Some("http".to_owned()),
        ..ServicePort::default()
    };
    Service {
        metadata: metadata(md, name, labels),
        spec: Some(ServiceSpec {
            selector: Some(selector),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
