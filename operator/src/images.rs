//! Which images may run models instead of the built-in engine. The API server refuses others when a version is created; this is
//! checked again, since the list may have changed, and the policy may be off. Pure.

use understudy_crds::{ModelVersion, Runtime};

/// Why the image of this version may not run, if it has one that comes from none of these registries.
pub fn refusal(version: &ModelVersion, registries: &[String]) -> Option<String> {
    let runtime = version.spec.runtime.as_ref().filter(|runtime| !runtime.comes_from(registries))?;
    Some(message(runtime, registries))
}

fn message(runtime: &Runtime, registries: &[String]) -> String {
    let image = &runtime.image;
    if registries.is_empty() {
        return format!(
            "the image {image} of spec.runtime may not run: this installation allows none (runtime.registries of the chart); ask its administrators to list the registry"
        );
    }
    format!(
        "the image {image} of spec.runtime may not run: this installation allows images of {} only (runtime.registries of the chart); publish a version with one of these, or ask its administrators to list the registry",
        registries.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::version;

    #[test]
    fn an_image_of_another_registry_is_refused_with_what_to_do_and_the_built_in_engine_never() {
        let image = "registry.example.com/team-a/mlserver@sha256:00";
        let with_image = version("1.2.0", json!({"spec": {"runtime": {"image": image}}}));
        let listed = ["registry.example.com/team-a".to_owned()];
        assert_eq!(refusal(&with_image, &listed), None);
        let other = refusal(&with_image, &["registry.example.com/team".to_owned()]).expect("a refusal");
        assert!(other.contains(image) && other.contains("registry.example.com/team only"), "{other}");
        let none = refusal(&with_image, &[]).expect("a refusal");
        assert!(none.contains("allows none (runtime.registries of the chart)"), "{none}");
        assert_eq!(refusal(&version("1.2.0", json!({})), &[]), None);
    }
}
