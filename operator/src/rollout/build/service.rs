//! Services: the stable one, whose selector decides who is main; one for each version that runs; one for copies to the
//! challenger; one by which pods find each other.

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
/// What the stable Service selects while no version is main: no pod has this label's value.
const NOBODY: &str = "none";

/// The stable Service: it sends callers to `main`, or nowhere.
pub fn main_service(md: &ModelDeployment, main: Option<&str>) -> Service {
    let name = md.name_any();
    let selector = main.map_or_else(
        || {
            let mut labels = names::deployment_labels(&name);
            labels.insert(names::VERSION_LABEL.to_owned(), NOBODY.to_owned());
            labels
        },
        |version| names::version_labels(&name, version),
    );
    service(md, name.clone(), names::deployment_labels(&name), selector, "main")
}

/// The Service of one version, for testers and for a look at an old or a coming one.
pub fn version_service(md: &ModelDeployment, version: &str) -> Service {
    let labels = names::version_labels(&md.name_any(), version);
    service(md, names::version_object(&md.name_any(), version), labels.clone(), labels, "direct")
}

/// The Service that copies for the challenger go to.
pub fn challenger_service(md: &ModelDeployment, version: &str) -> Service {
    let name = md.name_any();
    let selector = names::version_labels(&name, version);
    service(md, names::challenger(&name), names::deployment_labels(&name), selector, "challenger")
}

/// The headless Service that names every ready pod of the deployment: the truth about a call may come to another pod
/// than the one that answered it.
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
