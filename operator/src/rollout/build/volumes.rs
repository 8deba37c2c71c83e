//! The volumes of a model pod, and the server's arguments with their paths: credentials and PVCs of the model, its
//! baseline, its examples, the graphs before it and its records. Each exists only if the spec needs it.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, PersistentVolumeClaimVolumeSource, SecretVolumeSource,
    Volume, VolumeMount,
};
use kube::ResourceExt;
use understudy_contract::preprocessing::Graph;
use understudy_crds::{ModelDeployment, ModelVersion, PreprocessingGraph, Sink, names};

/// Directory of the routing file in a pod.
pub const ROUTING_DIR: &str = "/etc/understudy/routing";
const SECRET_DIR: &str = "/etc/understudy/secret";
const PVC_DIR: &str = "/mnt/artifact";
const BASELINE_SECRET_DIR: &str = "/etc/understudy/baseline-secret";
const BASELINE_DIR: &str = "/mnt/baseline";
const EXAMPLES_SECRET_DIR: &str = "/etc/understudy/examples-secret";
const EXAMPLES_DIR: &str = "/mnt/examples";
/// With the number of the graph behind it.
const GRAPH_SECRET_DIR: &str = "/etc/understudy/preprocessing-secret-";
const GRAPH_DIR: &str = "/mnt/preprocessing-";
const RECORD_SECRET_DIR: &str = "/etc/understudy/record-secret";
const RECORDS_DIR: &str = "/mnt/records";

/// A Secret or PVC that the pod mounts at `path`.
struct Attached<'a> {
    name: Cow<'static, str>,
    /// By which the server gets the path. The paths of graphs are in the list of graphs.
    flag: Option<&'static str>,
    path: Cow<'static, str>,
    source: Source<'a>,
}

enum Source<'a> {
    Secret(&'a str),
    Pvc { name: &'a str, read_only: bool },
}

fn attached<'a>(md: &'a ModelDeployment, mv: &'a ModelVersion) -> Vec<Attached<'a>> {
    let artifact = &mv.spec.artifact;
    let sink = md.spec.recording.as_ref().and_then(|recording| recording.sink.as_ref());
    let secret = |name: &'static str, flag, path, secret: Option<&'a str>| {
        secret.map(|found| Attached {
            name: name.into(),
            flag: Some(flag),
            path: Cow::Borrowed(path),
            source: Source::Secret(found),
        })
    };
    let volume = |name: &'static str, flag, path, uri: Option<&'a str>, read_only| {
        let found = uri.and_then(pvc_of)?;
        Some(Attached {
            name: name.into(),
            flag: Some(flag),
            path: Cow::Borrowed(path),
            source: Source::Pvc { name: found, read_only },
        })
    };
    let of_artifact = artifact.secret_ref.as_ref().map(|s| s.name.as_str());
    let of_baseline = mv.spec.baseline.as_ref().and_then(|b| b.secret_ref.as_ref()).map(|s| s.name.as_str());
    let of_sink = sink.and_then(|s| s.secret_ref.as_ref()).map(|s| s.name.as_str());
    let of_examples = mv.spec.examples.as_ref().and_then(|e| e.secret_ref.as_ref()).map(|s| s.name.as_str());
    let baseline = mv.spec.baseline.as_ref().map(|b| b.uri.as_str());
    let examples = mv.spec.examples.as_ref().map(|e| e.uri.as_str());
    [
        secret("secret", "--secret-dir", SECRET_DIR, of_artifact),
        volume("artifact", "--pvc-dir", PVC_DIR, Some(&artifact.uri), true),
        secret("baseline-secret", "--baseline-secret-dir", BASELINE_SECRET_DIR, of_baseline),
        volume("baseline", "--baseline-pvc-dir", BASELINE_DIR, baseline, true),
        secret("examples-secret", "--examples-secret-dir", EXAMPLES_SECRET_DIR, of_examples),
        volume("examples", "--examples-pvc-dir", EXAMPLES_DIR, examples, true),
        secret("record-secret", "--record-secret-dir", RECORD_SECRET_DIR, of_sink),
        volume("records", "--record-pvc-dir", RECORDS_DIR, sink.map(|s| s.uri.as_str()), false),
    ]
    .into_iter()
    .flatten()
    .chain(mv.spec.preprocessing.iter().enumerate().flat_map(of_graph))
    .collect()
}

/// The Secret and the PVC of a graph before the model.
fn of_graph((number, graph): (usize, &PreprocessingGraph)) -> impl Iterator<Item = Attached<'_>> {
    let secret = graph.secret_ref.as_ref().map(|secret| Attached {
        name: format!("preprocessing-secret-{number}").into(),
        flag: None,
        path: format!("{GRAPH_SECRET_DIR}{number}").into(),
        source: Source::Secret(&secret.name),
    });
    let pvc = pvc_of(&graph.uri).map(|name| Attached {
        name: format!("preprocessing-{number}").into(),
        flag: None,
        path: format!("{GRAPH_DIR}{number}").into(),
        source: Source::Pvc { name, read_only: true },
    });
    secret.into_iter().chain(pvc)
}

/// The graphs before the model as the server's argument.
fn graphs(mv: &ModelVersion) -> Vec<Graph> {
    let graph = |(number, graph): (usize, &PreprocessingGraph)| Graph {
        uri: graph.uri.clone(),
        sha256: graph.sha256.clone(),
        secret_dir: graph.secret_ref.as_ref().map(|_| format!("{GRAPH_SECRET_DIR}{number}")),
        pvc_dir: pvc_of(&graph.uri).map(|_| format!("{GRAPH_DIR}{number}")),
    };
    mv.spec.preprocessing.iter().enumerate().map(graph).collect()
}

/// The name of the PVC in `pvc://<name>/<path>`.
fn pvc_of(uri: &str) -> Option<&str> {
    uri.strip_prefix("pvc://")?.split('/').next()
}

/// Arguments of the server with the paths of the artifact's credentials and PVC.
pub fn artifact_arguments(mv: &ModelVersion) -> Vec<String> {
    let artifact = &mv.spec.artifact;
    let secret = artifact.secret_ref.as_ref().map(|_| format!("--secret-dir={SECRET_DIR}"));
    let pvc = pvc_of(&artifact.uri).map(|_| format!("--pvc-dir={PVC_DIR}"));
    secret.into_iter().chain(pvc).collect()
}

/// Arguments of the server: paths of volumes, baseline, examples, graphs before the model, sink and peers.
pub fn arguments(md: &ModelDeployment, mv: &ModelVersion) -> Vec<String> {
    let mut arguments: Vec<String> =
        attached(md, mv).iter().filter_map(|a| Some(format!("{}={}", a.flag?, a.path))).collect();
    if let Some(baseline) = &mv.spec.baseline {
        arguments.push(format!("--baseline={}", baseline.uri));
        arguments.push(format!("--baseline-sha256={}", baseline.sha256));
    }
    if let Some(examples) = &mv.spec.examples {
        arguments.push(format!("--examples={}", examples.uri));
        arguments.push(format!("--examples-sha256={}", examples.sha256));
        arguments.push(format!("--examples-absolute={}", examples.tolerance.absolute));
        arguments.push(format!("--examples-relative={}", examples.tolerance.relative));
    }
    let graphs = graphs(mv);
    if !graphs.is_empty() {
        let list = serde_json::to_string(&graphs).expect("strings can be written as JSON");
        arguments.push(format!("--preprocessing={list}"));
    }
    if let Some(recording) = &md.spec.recording {
        if let Some(sink) = &recording.sink {
            arguments.push(format!("--record-sink={}", place(md, sink)));
        }
        let peers = names::peers(&md.name_any());
        arguments.push(format!("--peers={peers}.{}.svc", md.namespace().unwrap_or_default()));
    }
    arguments
}

/// The folder for the records of this deployment, so that two deployments can share one sink.
fn place(md: &ModelDeployment, sink: &Sink) -> String {
    let base = sink.uri.trim_end_matches('/');
    format!("{base}/{}/{}", md.namespace().unwrap_or_default(), md.name_any())
}

/// The pod's volumes.
pub fn volumes(md: &ModelDeployment, mv: &ModelVersion) -> Vec<Volume> {
    let attached = attached(md, mv);
    let outside = attached.iter().enumerate().filter_map(|(place, item)| match item.source {
        Source::Secret(name) => Some(Volume {
            name: item.name.to_string(),
            secret: Some(SecretVolumeSource {
                secret_name: Some(name.to_owned()),
                // A pod that waits for a missing Secret reports nothing. The server reports it in its termination
                // message.
                optional: Some(true),
                ..SecretVolumeSource::default()
            }),
            ..Volume::default()
        }),
        Source::Pvc { name, .. } if first_of_pvc(&attached, name) != Some(place) => None,
        Source::Pvc { name, .. } => Some(Volume {
            name: item.name.to_string(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: name.to_owned(),
                read_only: only_read(&attached, name).then_some(true),
            }),
            ..Volume::default()
        }),
    });
    let own = [
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
    own.into_iter().chain(outside).collect()
}

/// Index of the first use of a PVC. Its volume serves all mounts: some kubelets never start a pod with two volumes of
/// one PVC.
fn first_of_pvc(attached: &[Attached], pvc: &str) -> Option<usize> {
    attached.iter().position(|a| matches!(a.source, Source::Pvc { name, .. } if name == pvc))
}

fn only_read(attached: &[Attached], pvc: &str) -> bool {
    !attached.iter().any(|a| matches!(a.source, Source::Pvc { name, read_only: false } if name == pvc))
}

/// The mounts of these volumes in the container.
pub fn mounts(md: &ModelDeployment, mv: &ModelVersion) -> Vec<VolumeMount> {
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    let attached = attached(md, mv);
    let outside = attached.iter().map(|item| match item.source {
        Source::Secret(_) => mount(&item.name, &item.path, true),
        Source::Pvc { name, read_only } => {
            let volume = first_of_pvc(&attached, name).map_or(&item.name, |first| &attached[first].name);
            mount(volume, &item.path, read_only)
        }
    });
    [mount("work", "/tmp", false), mount("routing", ROUTING_DIR, true)].into_iter().chain(outside).collect()
}
