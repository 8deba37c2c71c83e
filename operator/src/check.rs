//! `understudy-operator check`: one GET, for `helm test`, since the image has no shell and no curl.

use std::time::Duration;

/// The URL does not answer as it should.
#[derive(Debug, thiserror::Error)]
#[error("failed to get a success answer from {url}")]
pub struct Error {
    url: String,
    #[source]
    source: reqwest::Error,
}

/// Succeeds when `url` answers with 2xx within ten seconds.
pub async fn check(url: &str) -> Result<(), Error> {
    let wrap = |source| Error { url: url.to_owned(), source };
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().map_err(wrap)?;
    client.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(wrap)?;
    println!("{url} answers");
    Ok(())
}
