//! The Deployment of one version: the server with the arguments for its model. It is the same for main and challenger:
//! the role is part of the routing.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Capabilities, Container, ContainerPort, HTTPGetAction, LocalObjectReference, PodSecurityContext,
            PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecurityContext, Volume,
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

use super::{metadata::metadata, runtime, volumes};
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
    let server = server(md, mv, config);
    let init_containers = mv.spec.runtime.as_ref().map(|runtime| {
        let base = runtime::Base { server: server.clone(), artifact: artifact_arguments(md, mv) };
        runtime::init_containers(runtime, mv, base)
    });
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        init_containers,
        containers: vec![container(md, mv, server)],
        volumes: Some(all_volumes(md, mv)),
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

fn all_volumes(md: &ModelDeployment, mv: &ModelVersion) -> Vec<Volume> {
    let mut all = volumes::volumes(md, mv);
    if mv.spec.runtime.is_some() {
        all.extend(runtime::volumes());
    }
    all
}

/// A container of the server's image, with its limits and its mounts, without arguments.
fn server(md: &ModelDeployment, mv: &ModelVersion, config: &Config) -> Container {
    Container {
        image: Some(config.server_image.clone()),
        image_pull_policy: Some(config.image_pull_policy.clone()),
        resources: md.spec.resources.clone(),
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

/// The container that callers reach.
fn container(md: &ModelDeployment, mv: &ModelVersion, server: Container) -> Container {
    let mut mounts = server.volume_mounts.clone().unwrap_or_default();
    mounts.extend(mv.spec.runtime.as_ref().map(|_| runtime::server_mount()));
    Container {
        name: "server".to_owned(),
        args: Some(arguments(md, mv)),
        ports: Some(vec![
            port("main", ports::MAIN),
            port("challenger", ports::CHALLENGER),
            port("direct", ports::DIRECT),
            port("metrics", ports::METRICS),
        ]),
        startup_probe: Some(Probe { failure_threshold: Some(STARTUP), ..probe(paths::STARTUPZ, 1) }),
        readiness_probe: Some(Probe { failure_threshold: Some(2), ..probe(paths::READYZ, 2) }),
        liveness_probe: Some(Probe {
            failure_threshold: Some(6),
            timeout_seconds: Some(5),
            ..probe(paths::LIVEZ, 10)
        }),
        volume_mounts: Some(mounts),
        ..server
    }
}

/// Which version it is, and where its artifact is.
fn artifact_arguments(md: &ModelDeployment, mv: &ModelVersion) -> Vec<String> {
    let artifact = &mv.spec.artifact;
    let mut arguments = vec![
        format!("--deployment={}", md.name_any()),
        format!("--version={}", mv.spec.version),
        format!("--artifact={}", artifact.uri),
        format!("--sha256={}", artifact.sha256),
    ];
    arguments.extend(volumes::artifact_arguments(mv));
    arguments
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
    arguments.extend(mv.spec.runtime.iter().flat_map(|runtime| runtime::arguments(runtime, mv)));
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
