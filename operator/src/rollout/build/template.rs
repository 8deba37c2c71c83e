//! From what the pod template of a workload was made: an annotation that tells a change of the operator's configuration
//! from a change by a user, and both from an edit by others. Pure.

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentSpec},
    core::v1::Container,
};
use kube::ResourceExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{runtime::FETCH, workload::workload};
use crate::{cluster::pods::RUNTIME, config::Config};

/// Annotation of a workload with its [`Origin`], as JSON.
const ORIGIN: &str = "understudy.dev/template";

/// From what a pod template was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Hash of the fields that users set.
    pub spec: String,
    /// Hash of what the operator adds: its configuration and its own code.
    pub operator: String,
    /// Image of the server.
    pub image: String,
    /// Whether the newest roll was caused by the operator, and replaced pods that were ready.
    pub wave: bool,
}

impl Origin {
    /// The origin of the template of `mv`, while the operator's part has this hash.
    pub fn new(md: &ModelDeployment, mv: &ModelVersion, config: &Config, operator: &str) -> Self {
        // Everything in the specs that `workload` puts into the template.
        let mut spec = vec![
            json!(md.spec.resources),
            json!(md.spec.node_selector),
            json!(md.spec.tolerations),
            json!(md.spec.image_pull_secrets),
            json!(md.spec.priority_class_name),
            json!(md.spec.recording.as_ref().map(|recording| &recording.sink)),
            json!(mv.spec.artifact),
            json!(mv.spec.baseline),
        ];
        // Later fields are a part only if they are set: the hash of other versions stays as an older operator wrote it.
        spec.extend(mv.spec.examples.as_ref().map(|examples| json!(examples)));
        spec.extend((!mv.spec.preprocessing.is_empty()).then(|| json!(mv.spec.preprocessing)));
        spec.extend(mv.spec.runtime.as_ref().map(|runtime| json!(runtime)));
        spec.extend(md.spec.threads.as_ref().map(|threads| json!(threads)));
        Self {
            spec: hash(&Value::Array(spec)),
            operator: operator.to_owned(),
            image: config.server_image.clone(),
            wave: false,
        }
    }

    /// The origin of a workload that exists. `None` if an operator wrote it that did not record it.
    pub fn of(workload: &impl ResourceExt) -> Option<Self> {
        serde_json::from_str(workload.annotations().get(ORIGIN)?).ok()
    }

    /// Records the origin in a workload.
    pub fn write_to(&self, workload: &mut Deployment) {
        let text = serde_json::to_string(self).expect("strings and a boolean can be written as JSON");
        workload.annotations_mut().insert(ORIGIN.to_owned(), text);
    }
}

/// The image in the template of a workload with this spec.
pub fn image(workload: &DeploymentSpec) -> Option<&str> {
    workload.template.spec.as_ref()?.containers.first()?.image.as_deref()
}

/// What decides the answers of the pods of a workload with this spec: the digest of the model, 64 hexadecimal digits, and
/// everything about the image that runs it, if that is not the built-in engine.
pub fn bytes(workload: &DeploymentSpec) -> (Option<&str>, Option<&Container>) {
    let pod = workload.template.spec.as_ref();
    let arguments = pod.and_then(|pod| pod.containers.first()?.args.as_ref());
    let sha256 = arguments.and_then(|all| all.iter().find_map(|argument| argument.strip_prefix("--sha256=")));
    let containers = pod.and_then(|pod| pod.init_containers.as_ref());
    (sha256, containers.and_then(|all| all.iter().find(|container| container.name == RUNTIME)))
}

/// Sets the image in the template of a workload with this spec.
pub fn set_image(workload: &mut DeploymentSpec, image: &str) {
    let containers = workload.template.spec.as_mut().map(|pod| &mut pod.containers);
    if let Some(container) = containers.and_then(|containers| containers.first_mut()) {
        container.image = Some(image.to_owned());
    }
    let before = workload.template.spec.as_mut().and_then(|pod| pod.init_containers.as_mut());
    if let Some(fetch) = before.into_iter().flatten().find(|container| container.name == FETCH) {
        fetch.image = Some(image.to_owned());
    }
}

/// Hash of what the operator adds to every pod template: its configuration, and the code that builds templates, by the
/// template of a sample. The sample has no fields that came later, such as examples: an upgrade would roll the workloads that have none.
pub fn operator_hash(config: &Config) -> String {
    let sha256 = "0".repeat(64);
    let md: ModelDeployment = sample(json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {"name": "sample", "namespace": "sample"},
        "spec": {"recording": {"sink": {"uri": "pvc://records/r", "secretRef": {"name": "records"}}}},
    }));
    let mv: ModelVersion = sample(json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": "sample-1.0.0"},
        "spec": {
            "deployment": "sample", "version": "1.0.0",
            "artifact": {"uri": "pvc://models/m", "sha256": sha256, "secretRef": {"name": "models"}},
            "baseline": {"uri": "pvc://models/b", "sha256": sha256},
        },
    }));
    hash(&json!(workload(&md, &mv, 1, config).spec.map(|spec| spec.template)))
}

fn sample<K: serde::de::DeserializeOwned>(object: Value) -> K {
    serde_json::from_value(object).expect("the sample is valid")
}

/// Twelve hexadecimal digits.
fn hash(value: &Value) -> String {
    let digest: [u8; 32] = Sha256::digest(value.to_string()).into();
    let head = digest.first_chunk().expect("32 bytes have a first eight");
    format!("{:016x}", u64::from_be_bytes(*head))[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{deployment, parse, version};

    fn config(parts: Value) -> Config {
        parse(crate::fixtures::with(json!({"serverImage": "understudy-server:1"}), parts))
    }

    fn of_operator(parts: Value) -> String {
        operator_hash(&config(parts))
    }

    fn of_spec(spec: &Value) -> String {
        let md = deployment(json!({"spec": spec}));
        Origin::new(&md, &version("1.2.0", json!({})), &config(json!({})), "o").spec
    }

    #[test]
    fn whatever_the_configuration_adds_to_pods_is_a_change_by_the_operator() {
        let before = of_operator(json!({}));
        assert_ne!(before, of_operator(json!({"serverImage": "understudy-server:2"})));
        assert_ne!(before, of_operator(json!({"imagePullPolicy": "Always"})));
        assert_ne!(before, of_operator(json!({"imagePullSecrets": [{"name": "mirror"}]})));
        assert_eq!(before, of_operator(json!({"watchNamespaces": ["risk"], "stampsNames": true})));
    }

    #[test]
    fn what_a_user_sets_for_pods_is_a_change_by_the_user() {
        let before = of_spec(&json!({}));
        assert_ne!(before, of_spec(&json!({"nodeSelector": {"zone": "a"}})));
        assert_ne!(before, of_spec(&json!({"resources": {"limits": {"memory": "1Gi"}}})));
        assert_ne!(before, of_spec(&json!({"threads": {"sessions": 2}})));
        assert_eq!(before, of_spec(&json!({"replicas": 7, "challenger": {"version": "1.3.0"}})));
    }

    /// The hash is in an annotation of every workload. Another one would look like a change by a user.
    #[test]
    fn the_hash_of_a_version_without_later_fields_is_that_of_the_last_release() {
        assert_eq!(of_spec(&json!({})), "096350df75d6");
    }

    #[test]
    fn another_image_is_not_the_same_bytes_though_the_model_is_the_same_file() {
        let md = deployment(json!({}));
        let made = |parts: Value| {
            workload(&md, &version("1.2.0", parts), 1, &config(json!({}))).spec.expect("a spec")
        };
        let with =
            |name: &str| json!({"spec": {"runtime": {"image": format!("r.example.com/{name}@sha256:00")}}});
        let (one, other, none) = (made(with("one")), made(with("other")), made(json!({})));
        assert_eq!(bytes(&one), bytes(&made(with("one"))));
        for different in [&other, &none] {
            assert_eq!(bytes(&one).0, bytes(different).0, "the model is the same");
            assert_ne!(bytes(&one), bytes(different));
        }
    }

    #[test]
    fn a_new_server_image_waits_for_its_wave_in_every_container_that_has_it() {
        let md = deployment(json!({}));
        let image_of_runtime = "r.example.com/one@sha256:00";
        let runtime = json!({"spec": {"runtime": {"image": image_of_runtime}}});
        let mut spec = workload(&md, &version("1.2.0", runtime), 1, &config(json!({}))).spec.expect("a spec");
        set_image(&mut spec, "understudy-server:0");
        let pod = spec.template.spec.expect("a pod");
        let images: Vec<_> =
            pod.init_containers.iter().flatten().chain(&pod.containers).map(|c| c.image.clone()).collect();
        assert_eq!(
            images.iter().flatten().collect::<Vec<_>>(),
            ["understudy-server:0", image_of_runtime, "understudy-server:0"]
        );
    }

    #[test]
    fn the_origin_of_a_workload_can_be_read_again() {
        let md = deployment(json!({}));
        let origin = Origin::new(&md, &version("1.2.0", json!({})), &config(json!({})), "0a1b");
        let mut object = workload(&md, &version("1.2.0", json!({})), 1, &config(json!({})));
        assert_eq!(Origin::of(&object), None);
        origin.write_to(&mut object);
        assert_eq!(Origin::of(&object), Some(origin));
    }
}
