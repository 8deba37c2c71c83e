//! The ConfigMap with `routing.json` that pods mount, and the hash that shows whether a pod has the newest routing.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use sha2::{Digest, Sha256};
use understudy_contract::{Routing, paths};
use understudy_crds::{ModelDeployment, names};

use super::metadata::metadata;

/// Most characters of a resourceVersion, which is a 64-bit number, and the hyphen before it.
const MAX_REVISION: usize = 21;

/// The content of `routing.json`.
fn content(routing: &Routing) -> String {
    serde_json::to_string(routing).expect("strings and numbers can be written as JSON")
}

/// Twelve hexadecimal digits of the digest of the file.
pub fn hash(routing: &Routing) -> String {
    let digest: [u8; 32] = Sha256::digest(content(routing)).into();
    let head = digest.first_chunk().expect("32 bytes have a first eight");
    format!("{:016x}", u64::from_be_bytes(*head))[..12].to_owned()
}

/// Annotation of the ConfigMap: its edition, if it was written over.
const EDITION: &str = "understudy.dev/edition";

/// The ConfigMap with `routing.json`. If it is written over the one that was `found`, it is another edition, also if it has
/// had this content before: a pod may have read what was there in between.
pub fn config_map(md: &ModelDeployment, routing: &Routing, found: Option<&ConfigMap>) -> ConfigMap {
    let name = md.name_any();
    let mut map = ConfigMap {
        metadata: metadata(md, names::routing(&name), names::deployment_labels(&name)),
        data: Some([(paths::ROUTING_FILE.to_owned(), content(routing))].into()),
        ..ConfigMap::default()
    };
    let edition = found.and_then(|found| {
        if found.data == map.data && found.binary_data.is_none() {
            annotated(found, routing)
        } else {
            Some(format!("{}-{}", hash(routing), found.resource_version().unwrap_or_default()))
        }
    });
    map.metadata.annotations = edition.map(|edition| [(EDITION.to_owned(), edition)].into());
    map
}

/// The edition of a ConfigMap with this routing. Pods are notified of each.
pub fn edition(map: &ConfigMap, routing: &Routing) -> String {
    annotated(map, routing).unwrap_or_else(|| hash(routing))
}

fn annotated(map: &ConfigMap, routing: &Routing) -> Option<String> {
    let edition = map.annotations().get(EDITION)?;
    let rest = edition.strip_prefix(&hash(routing))?;
    // The API server limits what an editor can make pods carry.
    (rest.len() <= MAX_REVISION).then(|| edition.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::routing, *};
    use crate::fixtures::deployment;

    #[test]
    fn a_file_that_is_written_over_is_another_edition_although_it_had_this_content_before() {
        let (md, main) = (deployment(json!({})), routed(&json!({}), Some("1.2.0")));
        let first = config_map(&md, &main, None);
        assert_eq!(edition(&first, &main), hash(&main));
        assert_eq!(config_map(&md, &main, Some(&first)), first);

        let mut edited = first.clone();
        edited.metadata.resource_version = Some("17".to_owned());
        edited.data = Some([(paths::ROUTING_FILE.to_owned(), "{}".to_owned())].into());
        let repaired = config_map(&md, &main, Some(&edited));
        assert_eq!(edition(&repaired, &main), format!("{}-17", hash(&main)));
        assert_eq!(config_map(&md, &main, Some(&repaired)), repaired, "it is written once");
    }

    #[test]
    fn an_editor_does_not_choose_the_edition() {
        let (md, main) = (deployment(json!({})), routed(&json!({}), Some("1.2.0")));
        let mut forged = config_map(&md, &main, None);
        for text in ["mine".to_owned(), format!("{}-{}", hash(&main), "1".repeat(1000))] {
            forged.metadata.annotations = Some([(EDITION.to_owned(), text)].into());
            assert_eq!(edition(&forged, &main), hash(&main));
        }
    }

    fn routed(spec: &serde_json::Value, main: Option<&str>) -> Routing {
        routing(&deployment(json!({"spec": spec})), main, None, None)
    }

    #[test]
    fn the_routing_of_a_plain_deployment_names_main_and_nothing_else() {
        assert_eq!(content(&routed(&json!({}), Some("1.2.0"))), r#"{"main":"1.2.0"}"#);
        assert_eq!(content(&routed(&json!({}), None)), r#"{"main":null}"#);
    }

    #[test]
    fn a_named_challenger_that_was_not_accepted_is_not_in_the_routing() {
        let spec = json!({"challenger": {"version": "1.3.0"}});
        assert_eq!(content(&routed(&spec, Some("1.2.0"))), r#"{"main":"1.2.0"}"#);
    }

    #[test]
    fn whatever_changes_in_the_file_changes_its_hash_so_that_pods_are_notified() {
        let specs = [
            json!({}),
            json!({"recording": {}}),
            json!({"recording": {"samplePercent": 50}}),
            json!({"recording": {"redact": ["age"]}}),
            json!({"recording": {"retention": "720h"}}),
            json!({"drift": {}}),
            json!({"drift": {"falseAlarms": 0.3}}),
        ];
        let hashes: std::collections::BTreeSet<_> =
            specs.iter().map(|spec| hash(&routed(spec, Some("1.2.0")))).collect();
        assert_eq!(hashes.len(), specs.len(), "{hashes:?}");
        assert!(hashes.iter().all(|hash| hash.len() == 12), "{hashes:?}");
        assert_ne!(hash(&routed(&json!({}), Some("1.2.0"))), hash(&routed(&json!({}), Some("1.3.0"))));
    }

    #[test]
    fn times_shorter_than_the_servers_unit_are_not_rounded_to_nothing() {
        let spec =
            json!({"recording": {"rotateAfter": "1s"}, "challenger": {"version": "1.3.0", "timeout": "1ms"}});
        assert!(content(&routed(&spec, None)).contains(r#""rotateSeconds":1"#));
    }
}
