//! `--wait`: watches the object and prints every change of reason or message to stderr, until the end.

use std::{fmt::Debug, time::Duration};

use clap::Args;
use futures::TryStreamExt;
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt, watcher},
};
use serde::de::DeserializeOwned;

use crate::{
    error::Error,
    identity::Act,
    output,
    progress::{Ending, Progress},
};

/// The flags of subcommands that can wait.
#[derive(Clone, Debug, Args)]
pub struct Wait {
    /// Waits until the request has taken effect or ended, and prints every change to stderr
    #[arg(long)]
    pub wait: bool,
    /// Longest wait with --wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
}

impl Wait {
    /// Watches the object until `progress` reports the end. An end without the requested effect is an error.
    pub async fn until<K>(
        &self,
        api: Api<K>,
        name: &str,
        progress: impl Fn(&K) -> Progress,
    ) -> Result<Ending, Error>
    where
        K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    {
        let mut last = "nothing".to_owned();
        let watched = watch(api, name, &mut last, progress);
        let ending = match tokio::time::timeout(Duration::from_secs(self.timeout), watched).await {
            Ok(ending) => ending?,
            Err(_) => return Err(Error::TimedOut { seconds: self.timeout, last }),
        };
        if ending.success {
            return Ok(ending);
        }
        Err(Error::EndedBadly(format!("{}: {}", ending.reason, ending.message)))
    }
}

async fn watch<K>(
    api: Api<K>,
    name: &str,
    last: &mut String,
    progress: impl Fn(&K) -> Progress,
) -> Result<Ending, Error>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    // A broken connection is made again. A refusal (the verb watch is missing) would only be repeated.
    let refused =
        |error: &watcher::Error| matches!(api_error(error), Some(kube::Error::Api(s)) if s.code == 403);
    let mut changes = std::pin::pin!(watcher::watch_object(api, name).default_backoff());
    loop {
        match changes.try_next().await {
            Ok(Some(Some(object))) => match progress(&object) {
                Progress::Ended(ending) => return Ok(ending),
                Progress::Going(what) if what != *last => {
                    output::note(&what);
                    *last = what;
                }
                Progress::Going(_) => {}
            },
            Ok(Some(None) | None) => return Err(Error::EndedBadly(format!("{name} was deleted"))),
            Err(error) if refused(&error) => return Err(into_error(error)),
            Err(error) => *last = format!("the watch ended early: {error}"),
        }
    }
}

const fn api_error(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(e)
        | watcher::Error::WatchStartFailed(e)
        | watcher::Error::WatchFailed(e) => Some(e),
        _ => None,
    }
}

fn into_error(error: watcher::Error) -> Error {
    match error {
        watcher::Error::InitialListFailed(e)
        | watcher::Error::WatchStartFailed(e)
        | watcher::Error::WatchFailed(e) => Error::api(Act::Read)(e),
        other => Error::EndedBadly(other.to_string()),
    }
}
