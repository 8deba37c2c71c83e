//! What a version brings along: the Secrets and claims that its pods get, and the places that they load files from.

use http::Uri;
use serde::Serialize;
use understudy_crds::{ModelVersion, ModelVersionSpec};

const ARTIFACT: &str = "artifact";
const BASELINE: &str = "baseline";
const EXAMPLES: &str = "examples";
const PREPROCESSING: &str = "preprocessing";

/// What a version names besides its own files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brings {
    /// Secrets with credentials.
    pub secrets: Vec<Named>,
    /// `PersistentVolumeClaim`s that hold files.
    pub claims: Vec<Named>,
    /// Hosts and buckets that files are loaded from.
    pub origins: Vec<Origin>,
}

/// An object of the namespace that a field names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The field of the spec.
    pub field: String,
    /// The name of the object.
    pub name: String,
}

/// Where a field leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The field of the spec.
    pub field: String,
    /// `https://host`, with a port that is not 443, or `s3://bucket`.
    pub origin: String,
    /// Whether main's artifact has another origin. Absent without a main.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign: Option<bool>,
}

impl Brings {
    /// Of this version, next to the present main.
    #[must_use]
    pub fn of(mv: &ModelVersion, main: Option<&ModelVersion>) -> Self {
        let files = files(&mv.spec);
        let of_main = main.map(|main| place(&main.spec.artifact.uri));
        let mut found = Self { secrets: vec![], claims: vec![], origins: vec![] };
        for (file, uri, secret) in files {
            if let Some(name) = secret {
                found.secrets.push(Named { field: format!("{file}.secretRef"), name });
            }
            let field = format!("{file}.uri");
            match place(uri) {
                Place::Claim(name) => found.claims.push(Named { field, name }),
                Place::Origin(origin) => {
                    let foreign = of_main.as_ref().map(|of_main| *of_main != Place::Origin(origin.clone()));
                    found.origins.push(Origin { field, origin, foreign });
                }
            }
        }
        found
    }

    /// A line for each of them. Places that main loads from, too, are not listed.
    #[must_use]
    pub fn in_words(&self) -> String {
        let named = |what: &'static str| move |n: &Named| format!("{what} {} ({})", n.name, n.field);
        let origin = |o: &Origin| match o.foreign {
            Some(true) => Some(format!("FOREIGN {} ({}): main's artifact is elsewhere", o.origin, o.field)),
            Some(false) => None,
            None => Some(format!("{} ({})", o.origin, o.field)),
        };
        let lines: Vec<_> = self
            .secrets
            .iter()
            .map(named("Secret"))
            .chain(self.claims.iter().map(named("claim")))
            .chain(self.origins.iter().filter_map(origin))
            .collect();
        if lines.is_empty() { "no Secret, no claim, no foreign host".to_owned() } else { lines.join("\n") }
    }
}

/// The field of each file, its URI and its Secret.
fn files(spec: &ModelVersionSpec) -> Vec<(String, &str, Option<String>)> {
    let artifact = (ARTIFACT.to_owned(), &spec.artifact.uri, &spec.artifact.secret_ref);
    let baseline = spec.baseline.as_ref().map(|file| (BASELINE.to_owned(), &file.uri, &file.secret_ref));
    let examples = spec.examples.as_ref().map(|file| (EXAMPLES.to_owned(), &file.uri, &file.secret_ref));
    let graphs = spec.preprocessing.iter().enumerate();
    let graphs =
        graphs.map(|(number, file)| (format!("{PREPROCESSING}[{number}]"), &file.uri, &file.secret_ref));
    std::iter::once(artifact)
        .chain(baseline)
        .chain(examples)
        .chain(graphs)
        .map(|(file, uri, secret)| (file, uri.as_str(), secret.as_ref().map(|secret| secret.name.clone())))
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Claim(String),
    Origin(String),
}

/// Where a file is.
fn place(uri: &str) -> Place {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let authority = rest.split('/').next().unwrap_or_default();
    match scheme {
        "pvc" => Place::Claim(authority.to_owned()),
        "https" => Place::Origin(format!("https://{}", host(uri).unwrap_or_else(|| authority.to_owned()))),
        _ => Place::Origin(format!("{scheme}://{authority}")),
    }
}

/// The host that a client connects to, not what looks like one in `https://models.example.com@evil.example.com`. `None` if
/// that is doubtful: then the whole text before the path is shown.
fn host(uri: &str) -> Option<String> {
    let parsed: Uri = uri.parse().ok()?;
    let host = parsed.host()?.to_ascii_lowercase();
    Some(match parsed.port_u16() {
        None | Some(443) => host,
        Some(port) => format!("{host}:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::version;

    fn loads(artifact: &str, baseline: &str) -> ModelVersion {
        let file = |uri: &str, secret: &str| {
            let secret = if secret.is_empty() { Value::Null } else { json!({"name": secret}) };
            json!({"uri": uri, "sha256": "9f".repeat(32), "secretRef": secret})
        };
        version(json!({"spec": {"artifact": file(artifact, "s3-models"), "baseline": file(baseline, "")}}))
    }

    #[test]
    fn a_review_shows_secrets_claims_and_foreign_hosts() {
        let main = loads("s3://models/a", "s3://models/b");
        let brings = Brings::of(&loads("s3://models/c", "https://evil.example.com/b"), Some(&main));
        assert_eq!(
            brings.in_words(),
            "Secret s3-models (artifact.secretRef)\n\
             FOREIGN https://evil.example.com (baseline.uri): main's artifact is elsewhere"
        );
        let claim = Brings::of(&loads("pvc://models/c", "s3://models/b"), Some(&main));
        assert_eq!(claim.in_words(), "Secret s3-models (artifact.secretRef)\nclaim models (artifact.uri)");
    }

    #[test]
    fn a_review_shows_where_examples_come_from_and_their_secret() {
        let main = loads("s3://models/a", "s3://models/b");
        let mut mv = main.clone();
        mv.spec.examples = serde_json::from_value(json!({
            "uri": "https://evil.example.com/e", "sha256": "9f".repeat(32), "secretRef": {"name": "payroll"},
        }))
        .unwrap();
        assert_eq!(
            Brings::of(&mv, Some(&main)).in_words(),
            "Secret s3-models (artifact.secretRef)\nSecret payroll (examples.secretRef)\n\
             FOREIGN https://evil.example.com (examples.uri): main's artifact is elsewhere"
        );
    }

    #[test]
    fn a_review_shows_where_each_graph_before_the_model_comes_from() {
        let main = loads("s3://models/a", "s3://models/b");
        let mut mv = main.clone();
        mv.spec.preprocessing = serde_json::from_value(json!([
            {"uri": "pvc://features/encode.onnx", "sha256": "9f".repeat(32)},
            {"uri": "https://evil.example.com/g", "sha256": "9f".repeat(32), "secretRef": {"name": "payroll"}},
        ]))
        .unwrap();
        assert_eq!(
            Brings::of(&mv, Some(&main)).in_words(),
            "Secret s3-models (artifact.secretRef)\nSecret payroll (preprocessing[1].secretRef)\n\
             claim features (preprocessing[0].uri)\n\
             FOREIGN https://evil.example.com (preprocessing[1].uri): main's artifact is elsewhere"
        );
    }

    #[test]
    fn without_a_main_every_host_is_listed() {
        let brings = Brings::of(&loads("s3://models/c", "https://files.example.com/b"), None);
        let words = brings.in_words();
        assert!(
            words.ends_with("s3://models (artifact.uri)\nhttps://files.example.com (baseline.uri)"),
            "{words}"
        );
    }

    #[test]
    fn a_version_that_loads_from_where_main_does_brings_nothing_along() {
        let plain = version(json!({}));
        assert_eq!(Brings::of(&plain, Some(&plain)).in_words(), "no Secret, no claim, no foreign host");
    }

    #[rstest]
    #[case::another_port("https://files.example.com:9443/m", true)]
    #[case::the_usual_port("https://files.example.com:443/m", false)]
    #[case::capital_letters("https://Files.Example.com/m", false)]
    #[case::a_user_that_looks_like_a_host("https://files.example.com@evil.example.com/m", true)]
    #[case::a_password_that_looks_like_a_port("https://files.example.com:443@evil.example.com/m", true)]
    #[case::a_backslash("https://evil.example.com\\@files.example.com/m", true)]
    #[case::a_query("https://evil.example.com?@files.example.com/m", true)]
    #[case::a_fragment("https://evil.example.com#@files.example.com/m", true)]
    #[case::another_scheme("s3://files.example.com/m", true)]
    #[case::a_number_for_an_address("https://0x7f.1/m", true)]
    #[case::an_escaped_host("https://%66iles.example.com/m", true)]
    #[case::a_claim("pvc://files.example.com/m", false)]
    fn only_the_host_that_a_client_connects_to_counts(#[case] uri: &str, #[case] foreign: bool) {
        let main = loads("https://files.example.com/a", "https://files.example.com/b");
        let mv = loads(uri, "https://files.example.com/b");
        let found = Brings::of(&mv, Some(&main));
        let foreigners: Vec<_> = found.origins.iter().filter(|o| o.foreign == Some(true)).collect();
        assert_eq!(foreigners.len(), usize::from(foreign), "{found:?}");
    }
}
