//! How owned objects are called and labelled: one place, so that nothing else composes a name.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// Marks every object that Understudy made.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "understudy");
/// Label with the name of the `ModelDeployment`.
pub const DEPLOYMENT_LABEL: &str = "understudy.dev/deployment";
/// Label with the version, see [`version_label`].
pub const VERSION_LABEL: &str = "understudy.dev/version";

/// A Service's name is a DNS label (RFC 1035), of at most 63 characters.
const MAX_NAME: usize = 63;

/// Name of the Deployment and the Service of one version: `fraud-v1-3-0`.
///
/// What a DNS label cannot hold, or what would make two versions collide (`1.0.0-rc.1`, `1.0.0-rc-1`), is told
/// apart by a short hash at the end.
#[must_use]
pub fn version_object(deployment: &str, version: &str) -> String {
    let plain = format!("{deployment}-v{}", version.replace('.', "-"));
    let ambiguous = version.matches('-').count() > 1
        || version.split_once('-').is_some_and(|(core, _)| core.contains('+'))
        || version.chars().any(|c| c == '+' || c == '_' || c.is_ascii_uppercase());
    if !ambiguous && plain.len() <= MAX_NAME {
        return plain;
    }
    let head = plain.to_ascii_lowercase().replace(['+', '_'], "-");
    with_hash(&head, &format!("{deployment}/{version}"))
}

/// As much of `head` as a DNS label holds, and a short hash of `whole` that tells it apart.
fn with_hash(head: &str, whole: &str) -> String {
    let digest = Sha256::digest(whole);
    let hash = format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
    let mut head = head.to_owned();
    head.truncate(MAX_NAME - hash.len() - 1);
    format!("{}-{hash}", head.trim_end_matches('-'))
}

/// Name of the Service that takes the copies for the challenger: `fraud-challenger`.
#[must_use]
pub fn challenger(deployment: &str) -> String {
    beside(deployment, "challenger")
}

/// Name of the headless Service by which pods of a deployment find each other: `fraud-peers`.
#[must_use]
pub fn peers(deployment: &str) -> String {
    beside(deployment, "peers")
}

/// Name of a Service beside the stable one; where that is no DNS label any more, a hash takes the place of its end.
fn beside(deployment: &str, what: &str) -> String {
    let plain = format!("{deployment}-{what}");
    if plain.len() <= MAX_NAME { plain } else { with_hash(&plain, &plain) }
}

/// Name of the ConfigMap that tells running pods who is main.
#[must_use]
pub fn routing(deployment: &str) -> String {
    format!("{deployment}-routing")
}

/// The version as a label value: a label has no `+`.
#[must_use]
pub fn version_label(version: &str) -> String {
    version.replace('+', "_")
}

/// Labels of every object of a `ModelDeployment`.
#[must_use]
pub fn deployment_labels(deployment: &str) -> BTreeMap<String, String> {
    [(MANAGED_BY.0, MANAGED_BY.1), (DEPLOYMENT_LABEL, deployment)]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

/// Labels of the objects and pods of one version, and the selector of its pods.
#[must_use]
pub fn version_labels(deployment: &str, version: &str) -> BTreeMap<String, String> {
    let mut labels = deployment_labels(deployment);
    labels.insert(VERSION_LABEL.to_owned(), version_label(version));
    labels
}

/// The stable URL of a `ModelDeployment` inside the cluster.
#[must_use]
pub fn url(service: &str, namespace: &str) -> String {
    format!("http://{service}.{namespace}.svc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_version_gives_a_name_that_people_can_type() {
        assert_eq!(version_object("fraud", "1.3.0"), "fraud-v1-3-0");
        assert_eq!(version_object("fraud", "1.4.0-rc.1"), "fraud-v1-4-0-rc-1");
    }

    #[test]
    fn two_versions_never_share_a_name() {
        let all = ["1.0.0-rc.1", "1.0.0-rc-1", "1.0.0-RC.1", "1.0.0+rc.1", "1.0.0-rc+1", "1.0.0"];
        let names: std::collections::BTreeSet<_> = all.iter().map(|v| version_object("fraud", v)).collect();
        assert_eq!(names.len(), all.len(), "{names:?}");
    }

    #[test]
    fn a_long_name_still_is_a_dns_label() {
        let name = version_object(&"a".repeat(63), "10.20.30-alpha.1");
        assert!(name.len() <= 63 && !name.ends_with('-'), "{name}");
    }

    #[test]
    fn services_beside_the_stable_one_say_what_they_are_for() {
        assert_eq!((challenger("fraud"), peers("fraud")), ("fraud-challenger".into(), "fraud-peers".into()));
    }

    #[test]
    fn services_beside_one_of_a_long_name_still_are_dns_labels_and_differ() {
        let (one, other) = ("a".repeat(63), format!("{}b", "a".repeat(62)));
        let all = [challenger(&one), challenger(&other), peers(&one), peers(&other)];
        assert!(all.iter().all(|name| name.len() <= 63 && !name.ends_with('-')), "{all:?}");
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len(), "{all:?}");
    }

    #[test]
    fn build_metadata_fits_into_a_label() {
        assert_eq!(version_labels("fraud", "1.0.0+5")[VERSION_LABEL], "1.0.0_5");
    }
}
