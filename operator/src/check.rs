//! `understudy-operator check`: one GET request, for `helm test`. The image has no shell and no curl.

use std::time::Duration;

use crate::model_server::client::{Error, HttpClient};

/// Succeeds if the response of `url` has a 2xx status and arrives within ten seconds.
pub async fn check(url: &str) -> Result<(), Error> {
    HttpClient::new(Duration::from_secs(10)).get(url).await?;
    println!("{url} answers");
    Ok(())
}
