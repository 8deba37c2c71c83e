//! Files in the S3 server of `make up`, beyond the samples: broken ones, and such as change.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{Cluster, Person};

/// Runs inside the S3 server's pod, so that it works with any cluster: puts stdin into the bucket by the S3 API.
const PUT: &str = r#"set -eu
file=$(mktemp); trap 'rm -f "$file"' EXIT; cat >"$file"
curl -sS --fail-with-body -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$ROOT_ACCESS_KEY:$ROOT_SECRET_KEY" \
  -H "x-amz-content-sha256: $(sha256sum "$file" | cut -c1-64)" -H 'content-type: application/octet-stream' \
  --data-binary @"$file" "http://127.0.0.1:7070/models/$1""#;

impl Cluster {
    /// Puts bytes under a key of the bucket `models`, whatever was there before, and returns the URI.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> Result<String> {
        let arguments = ["-n", "s3", "exec", "-i", "deployment/s3", "--", "sh", "-c", PUT, "sh", key];
        let output = self.run_kubectl(Person::Admin, &arguments, bytes).await?;
        output.done().with_context(|| format!("failed to put {key} into the bucket; run `make up`"))?;
        Ok(format!("s3://models/{key}"))
    }
}

/// SHA-256 in hexadecimal, as manifests have it.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
