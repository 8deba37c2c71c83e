//! The Deployment of one version: the shared server, told which file to serve. The role is routing, not here.

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource,
            HTTPGetAction, LocalObjectReference, PersistentVolumeClaimVolumeSource, PodSecurityContext,
            PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecretVolumeSource, SecurityContext, Volume,
            VolumeMount,
        },
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use kube::ResourceExt;
use understudy_crds::{Artifact, ModelDeployment, ModelVersion, names};

use super::metadata;
use crate::config::Config;

/// Ports of a model pod.
pub mod ports {
    /// The stable Service comes here.
    pub const MAIN: i32 = 8080;
    /// Testers and the operator's probe come here.
    pub const DIRECT: i32 = 8082;
    /// Prometheus and the kubelet come here.
    pub const METRICS: i32 = 9090;
}

/// The server's user in its image.
const USER: i64 = 65532;
/// From SIGTERM to the end, in seconds: endpoints propagate, requests in flight are answered.
const GRACE: i64 = 30;
/// Seconds a pod may take to download, check and load its model before it is started again.
const STARTUP: i32 = 1800;
const ROUTING_DIR: &str = "/etc/understudy/routing";
const SECRET_DIR: &str = "/etc/understudy/secret";
const CLAIM_DIR: &str = "/mnt/artifact";

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
    let pull_secrets: Vec<LocalObjectReference> =
        config.image_pull_secrets.iter().chain(&md.spec.image_pull_secrets).cloned().collect();
    PodSpec {
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        containers: vec![container(md, mv, config)],
        volumes: Some(volumes(md, &mv.spec.artifact)),
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
            port("direct", ports::DIRECT),
            port("metrics", ports::METRICS),
        ]),
        resources: md.spec.resources.clone(),
        startup_probe: Some(Probe { failure_threshold: Some(STARTUP), ..probe("/startupz", 1) }),
        readiness_probe: Some(Probe { failure_threshold: Some(2), ..probe("/readyz", 2) }),
        liveness_probe: Some(Probe {
            failure_threshold: Some(6),
            timeout_seconds: Some(5),
            ..probe("/livez", 10)
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
        volume_mounts: Some(mounts(&mv.spec.artifact)),
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
        format!("--routing-file={ROUTING_DIR}/routing.json"),
    ];
    if artifact.secret_ref.is_some() {
        arguments.push(format!("--secret-dir={SECRET_DIR}"));
    }
    if claim(artifact).is_some() {
        arguments.push(format!("--pvc-dir={CLAIM_DIR}"));
    }
    arguments
}

/// The claim of a `pvc://claim/path`.
fn claim(artifact: &Artifact) -> Option<&str> {
    artifact.uri.strip_prefix("pvc://")?.split('/').next()
}

fn volumes(md: &ModelDeployment, artifact: &Artifact) -> Vec<Volume> {
    let mut volumes = vec![
        Volume {
            name: "work".to_owned(),
            empty_dir: Some(EmptyDirVolumeSource::default()),
            ..Volume::default()
        },
        Volume {
            name: "routing".to_owned(),
            config_map: Some(ConfigMapVolumeSource {
                name: names::routing(&md.name_any()),
                ..ConfigMapVolumeSource::default()
            }),
            ..Volume::default()
        },
    ];
    if let Some(secret) = &artifact.secret_ref {
        volumes.push(Volume {
            name: "secret".to_owned(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(secret.name.clone()),
                // A pod that waits for its Secret says nothing; a server that finds none says so.
                optional: Some(true),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        });
    }
    if let Some(claim) = claim(artifact) {
        volumes.push(Volume {
            name: "artifact".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim.to_owned(),
                read_only: Some(true),
            }),
            ..Volume::default()
        });
    }
    volumes
}

fn mounts(artifact: &Artifact) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only: Option<bool>| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only,
        ..VolumeMount::default()
    };
    let mut mounts = vec![mount("work", "/tmp", None), mount("routing", ROUTING_DIR, Some(true))];
    if artifact.secret_ref.is_some() {
        mounts.push(mount("secret", SECRET_DIR, Some(true)));
    }
    if claim(artifact).is_some() {
        mounts.push(mount("artifact", CLAIM_DIR, Some(true)));
    }
    mounts
}

fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
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
