//! `s3://bucket/key` at any endpoint. The records' sink uses [`connect`] as well.

use futures::{StreamExt, TryStreamExt};
use object_store::{
    ClientOptions, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::{HttpClient, HttpConnector},
    path::Path,
};
use understudy_contract::{Failure, Reason};

use super::{
    egress_guard,
    fetch_error::{Chunks, FetchError, innermost},
    secret::Secret,
};

/// One object of a bucket.
pub(super) struct S3Source {
    store: AmazonS3,
    key: Path,
    uri: String,
}

/// Makes the store use the client of the egress guard.
#[derive(Debug)]
struct Guarded(reqwest::Client);

impl HttpConnector for Guarded {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

impl S3Source {
    pub(super) fn new(bucket: &str, key: &str, secret: &Secret) -> Result<Self, Failure> {
        let uri = format!("s3://{bucket}/{key}");
        let key = Path::parse(key)
            .map_err(|error| Failure::new(Reason::UnsupportedUri, format!("{uri}: {error}")))?;
        Ok(Self { store: connect(bucket, &uri, secret)?, key, uri })
    }

    pub(super) async fn open(&self) -> Result<Chunks, FetchError> {
        let found = self.store.get(&self.key).await.map_err(|error| failed(&self.uri, &error))?;
        let uri = self.uri.clone();
        Ok(found.into_stream().map_err(move |error| failed(&uri, &error)).boxed())
    }
}

/// The store of a bucket, with the credentials of the Secret, otherwise the identity of the pod, otherwise none. `uri`
/// is for error messages.
///
/// It tries each operation once. Its users decide how often to repeat an operation.
pub(crate) fn connect(bucket: &str, uri: &str, secret: &Secret) -> Result<AmazonS3, Failure> {
    let wrong = |what: String| Failure::new(Reason::UnsupportedUri, format!("{uri}: {what}"));
    let endpoint = secret.endpoint_url.clone().or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
    if let Some(endpoint) = &endpoint {
        let url = reqwest::Url::parse(endpoint)
            .map_err(|error| wrong(format!("AWS_ENDPOINT_URL `{endpoint}`: {error}")))?;
        egress_guard::check_url(&url)
            .map_err(|forbidden| Failure::new(Reason::ArtifactUnreachable, format!("{uri}: {forbidden}")))?;
    }
    let plain = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_allow_http(plain)
        .with_virtual_hosted_style_request(endpoint.is_none())
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .with_http_connector(Guarded(egress_guard::client(secret, plain)?));
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &secret.region {
        builder = builder.with_region(region);
    }
    match (&secret.access_key_id, &secret.secret_access_key) {
        (Some(id), Some(key)) => {
            builder = builder.with_access_key_id(id).with_secret_access_key(key);
            if let Some(token) = &secret.session_token {
                builder = builder.with_token(token);
            }
        }
        (None, None) if !has_identity() => builder = builder.with_skip_signature(true),
        (None, None) => {}
        _ => {
            let message = "the Secret must have both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither";
            return Err(Failure::new(Reason::ArtifactForbidden, message));
        }
    }
    builder.build().map_err(|error| wrong(error.to_string()))
}

/// Whether the pod has its own credentials: keys in its environment, or a service account bound to a role.
fn has_identity() -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"].iter().any(|name| std::env::var_os(name).is_some())
}

fn failed(uri: &str, error: &object_store::Error) -> FetchError {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => {
            FetchError::permanent(Reason::ArtifactNotFound, format!("{uri} does not exist"))
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => FetchError::permanent(
            Reason::ArtifactForbidden,
            format!("{uri}: the store rejected the credentials: {}", innermost(error)),
        ),
        _ if egress_guard::is_forbidden(error) => {
            FetchError::permanent(Reason::ArtifactUnreachable, format!("{uri}: {}", innermost(error)))
        }
        _ => FetchError::transient(format!("failed to download {uri}: {}", innermost(error))),
    }
}
