//! The image that runs a model instead of the built-in engine: what a pod has in addition. Pure.
//!
//! The pod starts in this order: the server's image fetches the artifact, checks its digest and ends; the image starts; the
//! server starts and waits for it. At the end, the image stops after the server (a native sidecar of Kubernetes).

use k8s_openapi::{
    api::core::v1::{Container, EmptyDirVolumeSource, EnvVar, Volume, VolumeMount},
    apimachinery::pkg::api::resource::Quantity,
};
use understudy_crds::{ModelVersion, Runtime};

use crate::cluster::pods::RUNTIME;

/// Name of the container that fetches the artifact.
pub const FETCH: &str = "fetch";
/// Where the image finds the model file. Images for `KServe` expect it there, too.
const MODELS_DIR: &str = "/mnt/models";
/// Volume of the model file. Its limit is the largest artifact, and what a file system adds.
const MODELS: (&str, &str) = ("models", "2100Mi");
/// Volume of the image's `/tmp`: the rest of its file system is read-only.
const SCRATCH: (&str, &str) = ("runtime-tmp", "1Gi");
/// Characters of a file name.
const FILE_NAME: usize = 128;

/// What the containers of a version with an image share with the built-in engine's: the server's image, its arguments for the
/// artifact, its mounts and its security.
pub struct Base {
    /// A container of the server's image, without arguments.
    pub server: Container,
    /// The arguments that say where the artifact is.
    pub artifact: Vec<String>,
}

/// The containers before the server: one that fetches the artifact, and the image, which keeps running.
pub fn init_containers(runtime: &Runtime, mv: &ModelVersion, base: Base) -> Vec<Container> {
    let Base { server, artifact } = base;
    let security = server.security_context.clone();
    let mut mounts = server.volume_mounts.clone().unwrap_or_default();
    mounts.push(mount(MODELS.0, MODELS_DIR, false));
    let mut arguments = artifact;
    arguments.push(format!("--fetch-to={}", file(mv)));
    let fetch = Container {
        name: FETCH.to_owned(),
        args: Some(arguments),
        ports: None,
        startup_probe: None,
        readiness_probe: None,
        liveness_probe: None,
        volume_mounts: Some(mounts),
        ..server
    };
    let image = Container {
        name: RUNTIME.to_owned(),
        image: Some(runtime.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        args: (!runtime.args.is_empty()).then(|| runtime.args.clone()),
        env: Some(environment(runtime, mv)),
        resources: runtime.resources.clone(),
        restart_policy: Some("Always".to_owned()),
        security_context: security,
        volume_mounts: Some(vec![mount(MODELS.0, MODELS_DIR, true), mount(SCRATCH.0, "/tmp", false)]),
        ..Container::default()
    };
    vec![fetch, image]
}

/// The arguments by which the server finds the image, instead of those for the built-in engine.
pub fn arguments(runtime: &Runtime, mv: &ModelVersion) -> [String; 4] {
    [
        format!("--runtime-image={}", runtime.image),
        format!("--runtime-port={}", runtime.ports.http),
        format!("--runtime-model={}", runtime.model),
        format!("--runtime-file={}", file(mv)),
    ]
}

/// The volumes that the image needs.
pub fn volumes() -> [Volume; 2] {
    [MODELS, SCRATCH].map(|(name, limit)| Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(limit.to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    })
}

/// The mount by which the server reads the size of the model file.
pub fn server_mount() -> VolumeMount {
    mount(MODELS.0, MODELS_DIR, true)
}

fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

/// The variables of the image: those that say where the model is, and then its own, which may use them.
fn environment(runtime: &Runtime, mv: &ModelVersion) -> Vec<EnvVar> {
    let variable = |name: &str, value: String| EnvVar {
        name: name.to_owned(),
        // The API server leaves an empty value out, and would differ for ever.
        value: (!value.is_empty()).then_some(value),
        ..EnvVar::default()
    };
    let given = [
        variable("UNDERSTUDY_MODEL_FILE", file(mv)),
        variable("UNDERSTUDY_MODEL_NAME", runtime.model.clone()),
        variable("UNDERSTUDY_HOST", "127.0.0.1".to_owned()),
        variable("UNDERSTUDY_PORT", runtime.ports.http.to_string()),
    ];
    // Many programs write into the home directory, and only this one can be written.
    let home =
        (!runtime.env.iter().any(|own| own.name == "HOME")).then(|| variable("HOME", "/tmp".to_owned()));
    let own = runtime.env.iter().map(|own| variable(&own.name, own.value.clone()));
    given.into_iter().chain(home).chain(own).collect()
}

/// Path of the model file in all containers.
fn file(mv: &ModelVersion) -> String {
    format!("{MODELS_DIR}/{}", file_name(&mv.spec.artifact.uri))
}

/// The file name at the end of a URI: images read its ending. Without one that is safe everywhere, it is `model`.
fn file_name(uri: &str) -> &str {
    let path = if uri.starts_with("https://") { uri.split(['?', '#']).next().unwrap_or(uri) } else { uri };
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = !name.is_empty()
        && name.len() <= FILE_NAME
        && !name.starts_with(['.', '-'])
        && name.chars().all(is_safe);
    if fits { name } else { "model" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_finds_the_file_by_its_own_name_if_that_is_safe() {
        for (uri, name) in [
            ("s3://models/churn/1.2.0/gbm.zip", "gbm.zip"),
            ("pvc://claim/Model_1-2.joblib", "Model_1-2.joblib"),
            ("https://models.example/a/model.pmml?version=3", "model.pmml"),
            ("https://models.example/?file=a/model.pmml", "model"),
            ("s3://models/a%20b.zip", "model"),
            ("s3://models/.hidden", "model"),
            ("pvc://claim/-rf", "model"),
            ("s3://models/$(HOME)", "model"),
            ("s3://models/é.zip", "model"),
        ] {
            assert_eq!(file_name(uri), name, "{uri}");
        }
        assert_eq!(file_name(&format!("s3://models/{}", "a".repeat(129))), "model");
    }
}
