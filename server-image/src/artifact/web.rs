//! `https://host/path`, with a bearer token, a user name and password, or neither.

use futures::{StreamExt, TryStreamExt};
use reqwest::{Client, StatusCode, Url};
use understudy_contract::{Failure, Reason};

use super::{
    egress_guard,
    fetch_error::{Chunks, FetchError, innermost},
    secret::Secret,
};

/// One file on a web server.
pub(super) struct WebSource {
    client: Client,
    url: Url,
    token: Option<String>,
    basic: Option<(String, Option<String>)>,
}

impl WebSource {
    pub(super) fn new(url: Url, secret: &Secret) -> Result<Self, Failure> {
        let basic = secret.username.clone().map(|name| (name, secret.password.clone()));
        Ok(Self { client: egress_guard::client(secret, false)?, url, token: secret.token.clone(), basic })
    }

    pub(super) async fn open(&self) -> Result<Chunks, FetchError> {
        let mut request = self.client.get(self.url.clone());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        } else if let Some((name, password)) = &self.basic {
            request = request.basic_auth(name, password.as_ref());
        }
        let url = self.url.clone();
        let response = request.send().await.map_err(|error| failed(&url, &error))?;
        match response.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                return Err(FetchError::permanent(Reason::ArtifactNotFound, format!("{url} does not exist")));
            }
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                let message = format!("{url}: the server rejected the credentials with {status}");
                return Err(FetchError::permanent(Reason::ArtifactForbidden, message));
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(FetchError::transient(format!("{url} answered {status}")));
            }
            status => {
                let message = format!("{url} answered {status}");
                return Err(FetchError::permanent(Reason::ArtifactUnreachable, message));
            }
        }
        Ok(response.bytes_stream().map_err(move |error| failed(&url, &error)).boxed())
    }
}

fn failed(url: &Url, error: &reqwest::Error) -> FetchError {
    let message = format!("failed to download {url}: {}", innermost(error));
    if error.is_redirect() || egress_guard::is_forbidden(error) {
        FetchError::permanent(Reason::ArtifactUnreachable, message)
    } else {
        FetchError::transient(message)
    }
}
