//! Files in the S3 servers of the cluster: stories upload models and download records.

use std::{
    fmt::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{Cluster, Person};

/// Defines `s3 METHOD PATH [FILE]`, a call of the S3 API. It runs inside the S3 server's pod, so it works with any cluster.
const S3: &str = r#"set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
s3() {
  curl -sS --fail-with-body -X "$1" --aws-sigv4 aws:amz:us-east-1:s3 --user "$ROOT_ACCESS_KEY:$ROOT_SECRET_KEY" \
    -H "x-amz-content-sha256: $(cat ${3:-/dev/null} | sha256sum | cut -c1-64)" ${3:+--data-binary @$3} \
    -H 'content-type: application/octet-stream' "http://127.0.0.1:7070/$2"
}
"#;
/// Writes stdin to a path, and overwrites a file that exists.
const PUT: &str = r#"cat >"$work/file"; s3 PUT "$1" "$work/file""#;
/// Writes all files below a prefix of a bucket to stdout, as a tar. In our keys, only `=` needs an escape in a URL.
const GET: &str = r#"s3 GET "$1?list-type=2&prefix=$(echo "$2" | sed 's|/|%2F|g')" >"$work/list"
if grep -q '<IsTruncated>true' "$work/list"; then echo 'the bucket has more files than one page of the list' >&2; exit 1; fi
mkdir "$work/files"
cd "$work/files"
sed 's|</Key>|\n|g' "$work/list" | sed -n 's|.*<Key>||p' | while read -r key; do
  mkdir -p "${key%/*}"
  s3 GET "$1/$(echo "$key" | sed 's|=|%3D|g')" >"$key"
done
tar c ."#;

/// The buckets of models and of records.
const MODELS: &str = "models";
const RECORDS: &str = "predictions";

/// An S3 server: its namespace, its Deployment, and the Secret with which a story's pods reach it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) namespace: String,
    pub(crate) deployment: String,
    pub(crate) secret: String,
}

impl Default for Store {
    /// The server of the chart's samples, which all stories share. Its own Secret has the name of its Deployment.
    fn default() -> Self {
        Self {
            namespace: "understudy-system".to_owned(),
            deployment: "understudy-samples".to_owned(),
            secret: "s3".to_owned(),
        }
    }
}

impl Store {
    /// The value of `spec.recording` that records every call here, in files of one second.
    #[must_use]
    pub fn recording(&self) -> Value {
        json!({
            "sink": {"uri": format!("s3://{RECORDS}/"), "secretRef": {"name": self.secret}},
            "rotateAfter": "1s",
        })
    }

    async fn run(&self, cluster: &Cluster, script: &str, path: &str, stdin: &[u8]) -> Result<()> {
        let script = format!("{S3}{script}");
        let pod = format!("deployment/{}", self.deployment);
        let arguments = ["-n", &self.namespace, "exec", "-i", &pod, "--", "sh", "-c", &script, "sh", path];
        cluster.run_kubectl(Person::Admin, &arguments, stdin).await?.done()?;
        Ok(())
    }

    /// Downloads all records below a prefix into a temporary folder.
    pub(crate) async fn fetch(&self, cluster: &Cluster, prefix: &str) -> Result<TempDir> {
        let mut get = Command::new(cluster.kubectl());
        get.args(cluster.kubectl_arguments(Person::Admin))
            .args(["-n", &self.namespace, "exec", &format!("deployment/{}", self.deployment), "--"])
            .args(["sh", "-c", &format!("{S3}{GET}"), "sh", RECORDS, prefix])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let folder = TempDir::new()?;
        let mut unpack = Command::new("tar");
        unpack.arg("x").current_dir(folder.path());
        let fetched = tokio::task::spawn_blocking(move || -> Result<bool> {
            let mut get = get.spawn()?;
            let unpacked = unpack.stdin(get.stdout.take().context("stdout is piped")?).status()?;
            Ok(get.wait()?.success() && unpacked.success())
        });
        ensure!(fetched.await??, "failed to get the records below {prefix}");
        Ok(folder)
    }
}

impl Cluster {
    /// Writes bytes to a key of the bucket of models, and returns the URI.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> Result<String> {
        let put = Store::default().run(self, PUT, &format!("{MODELS}/{key}"), bytes).await;
        put.with_context(|| format!("failed to put {key} into the bucket {MODELS}: run `make up`"))?;
        Ok(format!("s3://{MODELS}/{key}"))
    }
}

/// SHA-256 in hexadecimal, as in manifests.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
