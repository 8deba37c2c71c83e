//! Copies the artifact into the work directory, and checks its size and digest while it copies.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures::StreamExt;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt;
use understudy_contract::{Digest, Failure, Reason};

use super::{
    fetch_error::{Chunks, FetchError},
    jitter::jittered,
    pvc::PvcSource,
    s3::S3Source,
    secret::Secret,
    uri::Uri,
    web::WebSource,
};

/// Tries of one download. With pauses from 0.2 s, doubled each time, five tries outlast the restart of a store's pod.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What to fetch, where to put it, and how large it may be.
#[derive(Debug)]
pub struct FetchRequest<'a> {
    /// The URI in the `ModelVersion`.
    pub uri: &'a str,
    /// The digest in the `ModelVersion`.
    pub sha256: &'a Digest,
    /// Directory of the mounted Secret. Without it, the server sends no credentials of a Secret.
    pub secret_dir: Option<&'a Path>,
    /// Directory of the mounted PVC. Required for `pvc://`.
    pub pvc_dir: Option<&'a Path>,
    /// Directory of the copy.
    pub work_dir: &'a Path,
    /// File name of the copy.
    pub file: &'a str,
    /// Largest size in bytes.
    pub limit: u64,
}

/// The copy in the work directory.
#[derive(Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Path of the copy.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
}

/// Where the file comes from. Each `open` reads it from the beginning.
enum Source {
    S3(S3Source),
    Web(WebSource),
    Pvc(PvcSource),
}

impl Source {
    fn of(request: &FetchRequest<'_>) -> Result<Self, Failure> {
        let secret = Secret::read(request.secret_dir)?;
        Ok(match Uri::parse(request.uri)? {
            Uri::S3 { bucket, key } => Self::S3(S3Source::new(&bucket, &key, &secret)?),
            Uri::Https(url) => Self::Web(WebSource::new(url, &secret)?),
            Uri::Pvc { path, .. } => Self::Pvc(PvcSource::new(request.pvc_dir, &path)?),
        })
    }

    async fn open(&self) -> Result<Chunks, FetchError> {
        match self {
            Self::S3(source) => source.open().await,
            Self::Web(source) => source.open().await,
            Self::Pvc(source) => source.open(),
        }
    }
}

/// Fetches the artifact. Tries again after transient errors, up to five times in all.
///
/// The failure has the reason for the condition of the `ModelVersion`, and names the URI.
pub async fn fetch(request: &FetchRequest<'_>) -> Result<Artifact, Failure> {
    download(request).await.map_err(|failure| Secret::explain(request.secret_dir, failure))
}

async fn download(request: &FetchRequest<'_>) -> Result<Artifact, Failure> {
    let source = Source::of(request)?;
    let path = request.work_dir.join(request.file);
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        match copy(&source, &path, request).await {
            Ok(artifact) => return Ok(artifact),
            Err(FetchError { failure, transient }) if !transient || attempt == TRIES => return Err(failure),
            Err(FetchError { failure, .. }) => {
                tracing::warn!(attempt, error = %failure, "failed to fetch the artifact, trying again");
                tokio::time::sleep(jittered(pause)).await;
                pause *= 2;
            }
        }
    }
    unreachable!("the loop above returns at the last try")
}

async fn copy(source: &Source, path: &Path, request: &FetchRequest<'_>) -> Result<Artifact, FetchError> {
    let unwritable = |error: std::io::Error| {
        FetchError::permanent(Reason::StartFailed, format!("failed to write {}: {error}", path.display()))
    };
    let mut chunks = source.open().await?;
    let mut file = tokio::fs::File::create(path).await.map_err(unwritable)?;
    let (mut sha256, mut bytes) = (Sha256::new(), 0_u64);
    while let Some(chunk) = chunks.next().await.transpose()? {
        bytes += chunk.len() as u64;
        if bytes > request.limit {
            let message = format!("{} is larger than the limit of {} bytes", request.uri, request.limit);
            return Err(FetchError::permanent(Reason::ArtifactTooLarge, message));
        }
        sha256.update(&chunk);
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    let found = Digest::from(<[u8; 32]>::from(sha256.finalize()));
    if found != *request.sha256 {
        let message = format!("{} has the sha256 {found}, expected {}", request.uri, request.sha256);
        return Err(FetchError::permanent(Reason::DigestMismatch, message));
    }
    Ok(Artifact { path: path.to_owned(), bytes })
}
