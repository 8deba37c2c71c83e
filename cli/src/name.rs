//! How people name things: `fraud-1.3.0`, `fraud/1.3.0`, `mdep/fraud`.

use std::{convert::Infallible, fmt, str::FromStr};

/// A model version, by its object's name or by its number.
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
    /// The object's name: as given, or as it is by custom.
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
            // kubectl's own way of naming an object is understood too.
            Some(("mv" | "modelversion" | "modelversions", name)) => Self::Object(name.to_owned()),
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

/// A deployment or a version, where both make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyName {
    /// Said to be a `ModelDeployment`: `mdep/fraud`.
    Deployment(String),
    /// Said to be a version: `mv/fraud-1.3.0` or `fraud/1.3.0`.
    Version(VersionName),
    /// To be found out: a deployment of this name, else a version.
    Either(String),
}

impl FromStr for AnyName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let Ok(version) = VersionName::from_str(text);
        Ok(match text.split_once('/') {
            _ if matches!(version, VersionName::Numbered { .. }) => Self::Version(version),
            Some(("mdep" | "modeldeployment" | "modeldeployments", name)) => {
                Self::Deployment(name.to_owned())
            }
            Some(_) => Self::Version(version),
            None => Self::Either(text.to_owned()),
        })
    }
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
    fn a_version_is_named_as_people_do(#[case] text: &str, #[case] expected: VersionName) {
        assert_eq!(text.parse(), Ok(expected));
    }

    #[rstest]
    #[case("mdep/fraud", AnyName::Deployment("fraud".into()))]
    #[case("fraud", AnyName::Either("fraud".into()))]
    #[case("fraud/1.3.0", AnyName::Version(numbered("fraud", "1.3.0")))]
    #[case("mv/fraud-1.3.0", AnyName::Version(VersionName::Object("fraud-1.3.0".into())))]
    fn either_kind_can_be_said_outright(#[case] text: &str, #[case] expected: AnyName) {
        assert_eq!(text.parse(), Ok(expected));
    }

    #[test]
    fn the_usual_object_name_is_one_that_kubernetes_takes() {
        assert_eq!(numbered("fraud", "1.0.0-RC.1+b5").object(), "fraud-1.0.0-rc.1-b5");
    }
}
