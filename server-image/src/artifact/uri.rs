//! Parses the URI of an artifact or of a sink.

use reqwest::Url;
use understudy_contract::{Failure, Reason};

use super::egress_guard;

/// The three places where a model can be.
#[derive(Debug, PartialEq, Eq)]
pub enum Uri {
    /// `s3://bucket/key`.
    S3 {
        /// The bucket.
        bucket: String,
        /// The key of the object.
        key: String,
    },
    /// `https://host/path`.
    Https(Url),
    /// `pvc://name/path`.
    Pvc {
        /// The PVC. The operator mounts it, so the server only checks that there is a name.
        name: String,
        /// The path inside the PVC, with neither `.` nor `..` in it.
        path: String,
    },
}

impl Uri {
    /// Parses a URI. The failure says what is wrong with it: `UnsupportedUri`, or `ArtifactUnreachable` for an address
    /// that the server never calls.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(Reason::UnsupportedUri, format!("{text}: {what}"));
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("the URI must begin with s3://, https:// or pvc://"))?;
        match scheme {
            "s3" | "pvc" => {
                let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
                if place.is_empty() || path.is_empty() {
                    return Err(wrong(&format!("expected {scheme}://name/path")));
                }
                if scheme == "s3" {
                    return Ok(Self::S3 { bucket: place.to_owned(), key: path.to_owned() });
                }
                if path.split('/').any(|part| matches!(part, "" | "." | "..")) || path.contains(['\\', '\0'])
                {
                    return Err(wrong("the path must not contain `.`, `..` or empty parts"));
                }
                Ok(Self::Pvc { name: place.to_owned(), path: path.to_owned() })
            }
            "https" => {
                let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(wrong("credentials belong in the Secret, not in the URI"));
                }
                egress_guard::check_url(&url).map_err(|forbidden| {
                    Failure::new(Reason::ArtifactUnreachable, format!("{text}: {forbidden}"))
                })?;
                Ok(Self::Https(url))
            }
            _ => Err(wrong("the URI must begin with s3://, https:// or pvc://")),
        }
    }

    /// Whether credentials for `other` may be sent to this place as well: both are `https://` with the same host and port,
    /// or both are `s3://`, whose endpoint is part of the credentials.
    #[must_use]
    pub fn has_origin_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::S3 { .. }, Self::S3 { .. }) => true,
            (Self::Https(own), Self::Https(other)) => own.origin() == other.origin(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_key_keeps_its_slashes() {
        let expected = Uri::S3 { bucket: "models".into(), key: "fraud/1.3.0/model.onnx".into() };
        assert_eq!(Uri::parse("s3://models/fraud/1.3.0/model.onnx"), Ok(expected));
        let expected = Uri::Pvc { name: "disk".into(), path: "fraud/model.onnx".into() };
        assert_eq!(Uri::parse("pvc://disk/fraud/model.onnx"), Ok(expected));
    }

    #[rstest]
    #[case::the_same_bucket("s3://models/fraud.onnx", "s3://models/baseline.json", true)]
    #[case::another_bucket_of_the_same_endpoint("s3://models/fraud.onnx", "s3://baselines/fraud.json", true)]
    #[case::the_same_host("https://models.example/fraud.onnx", "https://models.example:443/fraud.json", true)]
    #[case::another_host("https://models.example/fraud.onnx", "https://elsewhere.example/fraud.json", false)]
    #[case::another_port(
        "https://models.example/fraud.onnx",
        "https://models.example:8443/fraud.json",
        false
    )]
    #[case::a_bucket_and_a_host("s3://models/fraud.onnx", "https://elsewhere.example/fraud.json", false)]
    fn credentials_are_for_one_origin(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        let (one, other) = (Uri::parse(one).unwrap(), Uri::parse(other).unwrap());
        assert_eq!((one.has_origin_of(&other), other.has_origin_of(&one)), (same, same));
    }

    #[rstest]
    #[case::no_scheme("models/fraud.onnx")]
    #[case::plain_http("http://example.org/model.onnx")]
    #[case::a_file_of_the_node("file:///etc/passwd")]
    #[case::no_key("s3://models")]
    #[case::no_bucket("s3:///model.onnx")]
    #[case::up("pvc://disk/../../etc/passwd")]
    #[case::up_in_the_middle("pvc://disk/a/../../b")]
    #[case::absolute("pvc://disk//etc/passwd")]
    #[case::credentials("https://me:secret@example.org/model.onnx")]
    fn any_other_uri_is_rejected(#[case] uri: &str) {
        assert_eq!(Uri::parse(uri).map_err(|failure| failure.reason), Err(Reason::UnsupportedUri));
    }

    #[rstest]
    #[case("https://169.254.169.254/latest/meta-data")]
    #[case("https://0xA9FEA9FE/")]
    #[case("https://2852039166/")]
    #[case("https://0251.0376.0251.0376/")]
    #[case("https://[::ffff:169.254.169.254]/")]
    #[case("https://[fe80::1]/")]
    #[case("https://[fd00:ec2::254]/")]
    fn a_metadata_address_is_rejected_in_every_notation(#[case] uri: &str) {
        assert_eq!(Uri::parse(uri).map_err(|failure| failure.reason), Err(Reason::ArtifactUnreachable));
    }
}
