//! Names and labels of owned objects. No other place composes one.
//!
//! Any text leads to a valid name here, also one that the CRDs reject: objects may be older than a rule of a CRD. What
//! the CRDs accept keeps its readable name: a `ModelDeployment` is called `[a-z]([-a-z0-9]*[a-z0-9])?` with at most 63
//! characters, a version is a semantic version with at most 63 characters. The name of a `ModelVersion` becomes part of
//! no other name. Running pods carry these labels, and selectors are immutable: a change of a mapping replaces pods.

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
/// The longest name of a ConfigMap.
const MAX_CONFIG_MAP_NAME: usize = 253;
/// The longest value of a label.
const MAX_LABEL_VALUE: usize = 63;

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
    let whole = format!("{deployment}/{version}");
    if ambiguous { with_hash(&plain, &whole, MAX_NAME) } else { name(plain, &whole, MAX_NAME) }
}

/// `plain` if Kubernetes accepts it as the name of a Service, apart from its length of at most `max`. Otherwise what it
/// can keep of it, and a hash of `whole`.
fn name(plain: String, whole: &str, max: usize) -> String {
    let valid = plain.len() <= max
        && plain.starts_with(|c: char| c.is_ascii_lowercase())
        && !plain.ends_with('-')
        && plain.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit());
    if valid { plain } else { with_hash(&plain, whole, max) }
}

/// As much of `head` as fits into a name of `max` characters, in lower case, with `-` for what a name cannot hold, and a
/// hash of `whole`.
fn with_hash(head: &str, whole: &str, max: usize) -> String {
    let hash = hash(whole);
    let kept = head.chars().map(|c| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() => c,
        _ => '-',
    });
    let letter_first = if head.starts_with(|c: char| c.is_ascii_alphabetic()) { None } else { Some('x') };
    let head: String = letter_first.into_iter().chain(kept).take(max - hash.len() - 1).collect();
    format!("{}-{hash}", head.trim_end_matches('-'))
}

/// 8 hexadecimal digits of the SHA-256 of a text.
fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    format!("{:08x}", u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
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
    name(plain.clone(), &plain, MAX_NAME)
}

/// Name of the ConfigMap with `routing.json`: `fraud-routing`. A ConfigMap's name may have 253 characters.
#[must_use]
pub fn routing(deployment: &str) -> String {
    let plain = format!("{deployment}-routing");
    name(plain.clone(), &plain, MAX_CONFIG_MAP_NAME)
}

/// The version as a label value: `1.3.0`, and `1.3.0_5` for `1.3.0+5`. No two versions share a value.
///
/// A label value ends in a letter or digit. If a version ends in `-`, its last `-` becomes `x` and its first `.`
/// becomes `_`, which no other value has there: `1.0.0-rc-` is `1_0.0-rcx`.
#[must_use]
pub fn version_label(version: &str) -> String {
    let label = version.replace('+', "_");
    let label = match label.strip_suffix('-') {
        None => label,
        Some(head) => format!("{}x", head.replacen('.', "_", 1)),
    };
    label_value(label, version)
}

/// `plain` if Kubernetes accepts it as the value of a label. Otherwise what a value can keep of it, and a hash of `whole`.
fn label_value(plain: String, whole: &str) -> String {
    let ends = |c: char| c.is_ascii_alphanumeric();
    let inside = |c: char| ends(c) || "-_.".contains(c);
    let valid = plain.len() <= MAX_LABEL_VALUE
        && plain.starts_with(ends)
        && plain.ends_with(ends)
        && plain.chars().all(inside);
    if valid {
        return plain;
    }
    let hash = hash(whole);
    let kept = plain.chars().map(|c| if inside(c) { c } else { '-' });
    let kept: String = kept.skip_while(|c| !ends(*c)).take(MAX_LABEL_VALUE - hash.len() - 1).collect();
    if kept.is_empty() { hash } else { format!("{kept}-{hash}") }
}

/// Labels of every object of a `ModelDeployment`.
#[must_use]
pub fn deployment_labels(deployment: &str) -> BTreeMap<String, String> {
    [
        (MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned()),
        (DEPLOYMENT_LABEL.to_owned(), label_value(deployment.to_owned(), deployment)),
    ]
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
