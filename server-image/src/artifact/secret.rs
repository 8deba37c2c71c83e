//! Reads the credentials in the mounted Secret.

use std::path::Path;

use understudy_contract::{Failure, Reason};

/// Credentials. Each one is optional. `Debug` shows none of them.
#[derive(Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the key of that name, see the command line's help")]
pub struct Secret {
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<String>,
    pub session_token: Option<String>,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    pub token: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    /// `https://host` or `https://host:port`: token, user name and password are for this origin only. Absent: they are for
    /// the host of the file.
    pub origin: Option<String>,
    pub ca: Option<Vec<u8>>,
}

/// Added to a failure if the Secret has no known key. A pod cannot distinguish such a Secret from a missing one.
const EMPTY: &str = "the Secret does not exist or has none of the keys AWS_ACCESS_KEY_ID, \
    AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL, token, username, password, ca.crt: create it \
    in the namespace of the ModelVersion";

impl Secret {
    /// Reads the directory where the Secret is mounted. Without a directory there are no credentials.
    pub fn read(directory: Option<&Path>) -> Result<Self, Failure> {
        let Some(directory) = directory else { return Ok(Self::default()) };
        let bytes = |name: &str| match std::fs::read(directory.join(name)) {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(name, &error)),
        };
        // A value that was written with `echo` ends with a newline, which is invalid in a header.
        let text = |name: &str| {
            let Some(bytes) = bytes(name)? else { return Ok(None) };
            let text = String::from_utf8(bytes).map_err(|error| unreadable(name, &error.utf8_error()))?;
            Ok::<_, Failure>(Some(text.trim().to_owned()))
        };
        Ok(Self {
            access_key_id: text("AWS_ACCESS_KEY_ID")?,
            secret_access_key: text("AWS_SECRET_ACCESS_KEY")?,
            session_token: text("AWS_SESSION_TOKEN")?,
            region: text("AWS_REGION")?,
            endpoint_url: text("AWS_ENDPOINT_URL")?,
            token: text("token")?,
            username: text("username")?,
            password: text("password")?,
            origin: text("origin")?,
            ca: bytes("ca.crt")?,
        })
    }

    /// Adds a hint to `failure` if a store rejected the call and the requested Secret has no known key.
    #[must_use]
    pub fn explain(directory: Option<&Path>, failure: Failure) -> Failure {
        let empty =
            || directory.is_some() && Self::read(directory).is_ok_and(|secret| secret == Self::default());
        match failure.reason {
            Reason::ArtifactForbidden | Reason::ArtifactUnreachable if empty() => {
                Failure { message: format!("{}; {EMPTY}", failure.message), ..failure }
            }
            _ => failure,
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

fn unreadable(name: &str, error: &dyn std::error::Error) -> Failure {
    Failure::new(Reason::ArtifactForbidden, format!("failed to read `{name}` of the Secret: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newline_at_the_end_of_a_value_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("AWS_ACCESS_KEY_ID"), "AKIA\n").unwrap();
        std::fs::write(directory.path().join("AWS_SECRET_ACCESS_KEY"), "s3cr3t").unwrap();
        let secret = Secret::read(Some(directory.path())).unwrap();
        assert_eq!(secret.access_key_id.as_deref(), Some("AKIA"));
        assert_eq!(secret.secret_access_key.as_deref(), Some("s3cr3t"));
        assert_eq!(secret.region, None);
        assert!(!format!("{secret:?}").contains("s3cr3t"), "no key may appear in a log");
    }

    #[test]
    fn a_failure_says_that_the_requested_secret_may_not_exist() {
        let directory = tempfile::tempdir().unwrap();
        let explained =
            |reason| Secret::explain(Some(directory.path()), Failure::new(reason, "403 Forbidden")).message;
        assert!(explained(Reason::ArtifactForbidden).starts_with("403 Forbidden; the Secret does not exist"));
        assert_eq!(explained(Reason::DigestMismatch), "403 Forbidden", "credentials do not cause it");
        std::fs::write(directory.path().join("token"), "s3cr3t").unwrap();
        assert_eq!(explained(Reason::ArtifactForbidden), "403 Forbidden", "the Secret exists");
    }

    #[test]
    fn a_failure_without_a_requested_secret_stays_as_it_is() {
        let rejected = Failure::new(Reason::ArtifactForbidden, "403 Forbidden");
        assert_eq!(Secret::explain(None, rejected).message, "403 Forbidden");
    }
}
