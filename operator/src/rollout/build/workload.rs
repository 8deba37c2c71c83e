//! The Deployment of one version: the server with the arguments for its model. It is the same for main and challenger:
//! the role is part of the routing.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Capabilities, Container, ContainerPort, HTTPGetAction, LocalObjectReference, PodSecurityContext,
            PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecurityContext,
        },
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use kube::ResourceExt;
use understudy_contract::{paths, ports};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::{metadata::metadata, volumes};
use crate::config::Config;

/// User id of the server in its image.
const USER: i64 = 65532;
/// Seconds from SIGTERM to SIGKILL: endpoints propagate, and requests in progress are answered.
const GRACE: i64 = 30;
/// Seconds that a pod may need to download, verify and load its model before its container is restarted.
const STARTUP: i32 = 1800;

/// The Deployment of `mv` with this many pods.
pub fn workload(md: &ModelDeployment, mv: &ModelVersion, replicas: i32, config: &Config) -> Deployment {
    let labels = names::version_labels(&md.name_any(), &mv.spec.version);
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels.clone()), ..ObjectMeta::default() }),
        spec: Some(pod(md, mv, config)),
    };
    Deployment {
        metadata: metadata(md, names::version_object(&md.name_any(), &mv.spec.version), labels.clone()),
        spec: Some(DeploymentSpec {
            replicas: Some(replicas),
            revision_history_limit: Some(2),
            selector: LabelSelector { match_labels: Some(labels), ..LabelSelector::default() },
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_unavailable: Some(IntOrString::Int(0)),
                    max_surge: Some(IntOrString::Int(1)),
                }),
            }),
            template,
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn pod(md: &ModelDeployment, mv: &ModelVersion, config: &Config) -> PodSpec {
    let mut pull_secrets: Vec<LocalObjectReference> = vec![];
    for secret in config.image_pull_secrets.iter().chain(&md.spec.image_pull_secrets) {
        // The API server rejects a list in which a name appears twice.
        if !pull_secrets.contains(secret) {
            pull_secrets.push(secret.clone());
        }
    }
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        containers: vec![container(md, mv, config)],
        volumes: Some(volumes::volumes(md, mv)),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        termination_grace_period_seconds: Some(GRACE),
        image_pull_secrets: (!pull_secrets.is_empty()).then_some(pull_secrets),
        node_selector: (!md.spec.node_selector.is_empty()).then(|| md.spec.node_selector.clone()),
        tolerations: (!md.spec.tolerations.is_empty()).then(|| md.spec.tolerations.clone()),
        priority_class_name: md.spec.priority_class_name.clone(),
        ..PodSpec::default()
    }
}

fn container(md: &ModelDeployment, mv: &ModelVersion, config: &Config) -> Container {
    Container {
        name: "server".to_owned(),
        image: Some(config.server_image.clone()),
        image_pull_policy: Some(config.image_pull_policy.clone()),
        args: Some(arguments(md, mv)),
        ports: Some(vec![
            port("main", ports::MAIN),
            port("challenger", ports::CHALLENGER),
            port("direct", ports::DIRECT),
            port("metrics", ports::METRICS),
        ]),
        resources: md.spec.resources.clone(),
        startup_probe: Some(Probe { failure_threshold: Some(STARTUP), ..probe(paths::STARTUPZ, 1) }),
        readiness_probe: Some(Probe { failure_threshold: Some(2), ..probe(paths::READYZ, 2) }),
        liveness_probe: Some(Probe {
            failure_threshold: Some(6),
            timeout_seconds: Some(5),
            ..probe(paths::LIVEZ, 10)
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(volumes::mounts(md, mv)),
        ..Container::default()
    }
}

fn arguments(md: &ModelDeployment, mv: &ModelVersion) -> Vec<String> {
    let artifact = &mv.spec.artifact;
    let mut arguments = vec![
        format!("--deployment={}", md.name_any()),
        format!("--version={}", mv.spec.version),
        format!("--artifact={}", artifact.uri),
        format!("--sha256={}", artifact.sha256),
        format!("--routing-file={}/{}", volumes::ROUTING_DIR, paths::ROUTING_FILE),
    ];
    arguments.extend(volumes::arguments(md, mv));
    if let Some(threads) = &md.spec.threads {
        arguments.extend(threads.sessions.map(|sessions| format!("--sessions={sessions}")));
        arguments.extend(threads.intra_op.map(|threads| format!("--intra-op-threads={threads}")));
    }
    arguments
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number.into(),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str, period_seconds: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("metrics".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}
