//! Names and labels of owned objects. No other place composes one.
//!
//! Every name that the CRDs accept leads to a valid name here: a `ModelDeployment` is called
//! `[a-z]([-a-z0-9]*[a-z0-9])?` with at most 63 characters, a version is a semantic version with at most 63 characters.
//! The name of a `ModelVersion` becomes part of no other name. Running pods carry these labels, and selectors are
//! immutable: a change of a mapping replaces pods.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// Label of every object that the operator creates.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "understudy");
/// Label with the name of the `ModelDeployment`.
pub const DEPLOYMENT_LABEL: &str = "understudy.dev/deployment";
/// Label with the version, see [`version_label`].
pub const VERSION_LABEL: &str = "understudy.dev/version";

/// The longest name of a Service, which is a DNS label (RFC 1035).
const MAX_NAME: usize = 63;

/// Name of the Deployment and the Service of one version: `fraud-v1-3-0`.
///
/// A short hash at the end replaces what a DNS label cannot hold (upper case, `+`, more than 63 characters) and
/// distinguishes versions that would otherwise share a name: `1.0.0-rc.1` is `fraud-v1-0-0-rc-1`, `1.0.0-rc-1` is
/// `fraud-v1-0-0-rc-1-95561a0e`. Two hashes may be equal, so a selector never relies on this name, but on
/// [`version_labels`].
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

/// As much of `head` as fits into a DNS label, and 8 hexadecimal digits of the SHA-256 of `whole`.
fn with_hash(head: &str, whole: &str) -> String {
    let digest = Sha256::digest(whole);
    let hash = format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
    let mut head = head.to_owned();
    head.truncate(MAX_NAME - hash.len() - 1);
    format!("{}-{hash}", head.trim_end_matches('-'))
}

/// Name of the Service that receives the copies for the challenger: `fraud-challenger`.
#[must_use]
pub fn challenger(deployment: &str) -> String {
    suffixed(deployment, "challenger")
}

/// Name of the headless Service through which pods of a deployment find each other: `fraud-peers`.
#[must_use]
pub fn peers(deployment: &str) -> String {
    suffixed(deployment, "peers")
}

/// `fraud-peers`. Where that is longer than a DNS label, a hash replaces its end.
fn suffixed(deployment: &str, what: &str) -> String {
    let plain = format!("{deployment}-{what}");
    if plain.len() <= MAX_NAME { plain } else { with_hash(&plain, &plain) }
}

/// Name of the ConfigMap with `routing.json`: `fraud-routing`. A ConfigMap's name may have 253 characters.
#[must_use]
pub fn routing(deployment: &str) -> String {
    format!("{deployment}-routing")
}

/// The version as a label value: `1.3.0`, and `1.3.0_5` for `1.3.0+5`. No two versions share a value.
///
/// A label value ends in a letter or digit. If a version ends in `-`, its last `-` becomes `x` and its first `.`
/// becomes `_`, which no other value has there: `1.0.0-rc-` is `1_0.0-rcx`.
#[must_use]
pub fn version_label(version: &str) -> String {
    let label = version.replace('+', "_");
    match label.strip_suffix('-') {
        None => label,
        Some(head) => format!("{}x", head.replacen('.', "_", 1)),
    }
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
#[path = "names_tests.rs"]
mod tests;
