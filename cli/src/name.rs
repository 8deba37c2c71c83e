//! Names on the command line: `fraud-1.3.0`, `fraud/1.3.0`, `mdep/fraud`.

use std::{convert::Infallible, fmt, str::FromStr};

/// What kubectl accepts as the kind `ModelDeployment`: short name, singular and plural.
const DEPLOYMENT_KINDS: [&str; 3] = ["mdep", "modeldeployment", "modeldeployments"];
/// What kubectl accepts as the kind `ModelVersion`.
const VERSION_KINDS: [&str; 3] = ["mv", "modelversion", "modelversions"];

/// A model deployment, with or without its kind: `fraud`, `mdep/fraud`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentName(String);

impl DeploymentName {
    /// `metadata.name` of the `ModelDeployment`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeploymentName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let name = text.split_once('/').filter(|(kind, _)| DEPLOYMENT_KINDS.contains(kind));
        Ok(Self(name.map_or(text, |(_, name)| name).to_owned()))
    }
}

/// A model version, by the name of its object or by deployment and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionName {
    /// `metadata.name` of the `ModelVersion`.
    Object(String),
    /// `deployment/version`.
    Numbered {
        /// Name of the `ModelDeployment`.
        deployment: String,
        /// Semantic version.
        version: String,
    },
}

impl VersionName {
    /// The name of the object: as given, or the usual one, `deployment-version`.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::Object(name) => name.clone(),
            Self::Numbered { deployment, version } => {
                format!("{deployment}-{}", version.replace('+', "-").to_ascii_lowercase())
            }
        }
    }
}

impl FromStr for VersionName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once('/') {
            Some((deployment, version)) if semver::Version::parse(version).is_ok() => {
                Self::Numbered { deployment: deployment.to_owned(), version: version.to_owned() }
            }
            // kubectl's form, too.
            Some((kind, name)) if VERSION_KINDS.contains(&kind) => Self::Object(name.to_owned()),
            _ => Self::Object(text.to_owned()),
        })
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(name) => f.write_str(name),
            Self::Numbered { deployment, version } => write!(f, "{deployment}/{version}"),
        }
    }
}

/// A deployment or a version, for subcommands that accept both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyName {
    /// Certainly a `ModelDeployment`: `mdep/fraud`.
    Deployment(String),
    /// Certainly a version: `mv/fraud-1.3.0` or `fraud/1.3.0`.
    Version(VersionName),
    /// A deployment of this name, or else a version.
    Either(String),
}

impl FromStr for AnyName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let Ok(version) = VersionName::from_str(text);
        Ok(match text.split_once('/') {
            _ if matches!(version, VersionName::Numbered { .. }) => Self::Version(version),
            Some((kind, name)) if DEPLOYMENT_KINDS.contains(&kind) => Self::Deployment(name.to_owned()),
            Some(_) => Self::Version(version),
            None => Self::Either(text.to_owned()),
        })
    }
}

/// A key that sorts versions by precedence: 1.10.0 after 1.9.0.
#[must_use]
pub fn order(version: &str) -> (Option<semver::Version>, String) {
    (semver::Version::parse(version).ok(), version.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn numbered(deployment: &str, version: &str) -> VersionName {
        VersionName::Numbered { deployment: deployment.to_owned(), version: version.to_owned() }
    }

    #[rstest]
    #[case("fraud-1.3.0", VersionName::Object("fraud-1.3.0".into()))]
    #[case("fraud/1.3.0", numbered("fraud", "1.3.0"))]
    #[case("fraud/1.4.0-rc.1", numbered("fraud", "1.4.0-rc.1"))]
    #[case("mv/fraud-1.3.0", VersionName::Object("fraud-1.3.0".into()))]
    #[case("mv/1.3.0", numbered("mv", "1.3.0"))]
    fn a_version_is_named_by_object_or_by_deployment_and_version(
        #[case] text: &str,
        #[case] expected: VersionName,
    ) {
        assert_eq!(text.parse(), Ok(expected));
    }

    #[rstest]
    #[case("mdep/fraud", AnyName::Deployment("fraud".into()))]
    #[case("fraud", AnyName::Either("fraud".into()))]
    #[case("fraud/1.3.0", AnyName::Version(numbered("fraud", "1.3.0")))]
    #[case("mv/fraud-1.3.0", AnyName::Version(VersionName::Object("fraud-1.3.0".into())))]
    fn a_name_may_say_its_kind(#[case] text: &str, #[case] expected: AnyName) {
        assert_eq!(text.parse(), Ok(expected));
    }

    #[rstest]
    #[case("fraud")]
    #[case("mdep/fraud")]
    #[case("modeldeployment/fraud")]
    fn a_deployment_may_be_named_with_its_kind(#[case] text: &str) {
        assert_eq!(text.parse(), Ok(DeploymentName("fraud".into())));
    }

    #[test]
    fn the_usual_object_name_is_valid_in_kubernetes() {
        assert_eq!(numbered("fraud", "1.0.0-RC.1+b5").object(), "fraud-1.0.0-rc.1-b5");
    }
}
