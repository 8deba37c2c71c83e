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
        check_origin(&url, secret)?;
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

/// Fails if the Secret says that its credentials are for another origin.
fn check_origin(url: &Url, secret: &Secret) -> Result<(), Failure> {
    let Some(origin) = &secret.origin else { return Ok(()) };
    let meant = Url::parse(origin).map_err(|error| {
        Failure::new(Reason::ArtifactForbidden, format!("`origin` of the Secret is not a URL: {error}"))
    })?;
    if meant.origin() == url.origin() {
        return Ok(());
    }
    let message = format!("{url}: the credentials of the Secret are for {origin} only");
    Err(Failure::new(Reason::ArtifactForbidden, message))
}

fn failed(url: &Url, error: &reqwest::Error) -> FetchError {
    let message = format!("failed to download {url}: {}", innermost(error));
    if error.is_redirect() || egress_guard::is_forbidden(error) {
        FetchError::permanent(Reason::ArtifactUnreachable, message)
    } else {
        FetchError::transient(message)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_origin(None, true)]
    #[case::its_origin(Some("https://models.example"), true)]
    #[case::its_origin_with_the_default_port(Some("https://models.example:443/"), true)]
    #[case::another_host(Some("https://elsewhere.example"), false)]
    #[case::another_port(Some("https://models.example:8443"), false)]
    #[case::not_a_url(Some("models.example"), false)]
    fn credentials_are_sent_to_the_origin_that_their_secret_names(
        #[case] origin: Option<&str>,
        #[case] sent: bool,
    ) {
        let secret = Secret { origin: origin.map(str::to_owned), ..Secret::default() };
        let url = Url::parse("https://models.example/fraud.onnx").unwrap();
        assert_eq!(check_origin(&url, &secret).is_ok(), sent);
    }
}
