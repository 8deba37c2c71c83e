//! `understudy-operator check`: one GET, for `helm test`, since the image has no shell and no curl.

use std::time::Duration;

use crate::model_server::client::{Error, HttpClient};

/// Succeeds when `url` answers with 2xx within ten seconds.
pub async fn check(url: &str) -> Result<(), Error> {
    HttpClient::new(Duration::from_secs(10)).get(url).await?;
    println!("{url} answers");
    Ok(())
}
