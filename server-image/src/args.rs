//! The command line. Each flag is also an environment variable `UNDERSTUDY_<NAME>`.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use understudy_contract::{Digest, ports};

/// Serves one version of one model over the Open Inference Protocol v2 (REST).
///
/// The model is downloaded, its digest checked, its file inspected, loaded and warmed up; only then `/readyz` and
/// `/v2/health/ready` answer 200. If any of that fails, the reason is written to the termination log and the
/// process ends with 1.
#[derive(Debug, Clone, Parser)]
#[command(name = "understudy-server", disable_version_flag = true)]
pub struct Args {
    /// Name of the `ModelDeployment`: the model's name in every URL.
    #[arg(long, env = "UNDERSTUDY_DEPLOYMENT")]
    pub deployment: String,

    /// Semantic version of the model.
    #[arg(long, env = "UNDERSTUDY_VERSION")]
    pub version: semver::Version,

    /// Where the model is: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[arg(long, env = "UNDERSTUDY_ARTIFACT")]
    pub artifact: String,

    /// SHA-256 of the model file, 64 hexadecimal digits.
    #[arg(long, env = "UNDERSTUDY_SHA256")]
    pub sha256: Digest,

    /// Directory of the mounted Secret. Files it may have: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `token`, `username`, `password`, `ca.crt`.
    #[arg(long, env = "UNDERSTUDY_SECRET_DIR")]
    pub secret_dir: Option<PathBuf>,

    /// Directory where the claim of a `pvc://` artifact is mounted.
    #[arg(long, env = "UNDERSTUDY_PVC_DIR")]
    pub pvc_dir: Option<PathBuf>,

    /// Where the baseline is: how the training data were distributed, for the look for drift. A URI like that of the
    /// model, read with the same Secret.
    #[arg(long, env = "UNDERSTUDY_BASELINE", requires = "baseline_sha256")]
    pub baseline: Option<String>,

    /// SHA-256 of the baseline, 64 hexadecimal digits.
    #[arg(long, env = "UNDERSTUDY_BASELINE_SHA256", requires = "baseline")]
    pub baseline_sha256: Option<Digest>,

    /// Directory where the claim of a `pvc://` baseline is mounted.
    #[arg(long, env = "UNDERSTUDY_BASELINE_PVC_DIR")]
    pub baseline_pvc_dir: Option<PathBuf>,

    /// JSON file that says who is main, who is the challenger and what is recorded: `{"main":"1.3.0"}`. It may change
    /// at any time. Without it this version is not main.
    #[arg(long, env = "UNDERSTUDY_ROUTING_FILE")]
    pub routing_file: Option<PathBuf>,

    /// Where records of calls go: `s3://bucket/prefix` or `pvc://claim/prefix`. Whether there are any is said by the
    /// routing file; without a sink the newest ones are kept in memory.
    #[arg(long, env = "UNDERSTUDY_RECORD_SINK")]
    pub record_sink: Option<String>,

    /// Directory of the mounted Secret for the sink; the same files as in the model's.
    #[arg(long, env = "UNDERSTUDY_RECORD_SECRET_DIR")]
    pub record_secret_dir: Option<PathBuf>,

    /// Directory where the claim of a `pvc://` sink is mounted.
    #[arg(long, env = "UNDERSTUDY_RECORD_PVC_DIR")]
    pub record_pvc_dir: Option<PathBuf>,

    /// Bytes that records may take on the pod's disk, in the work directory, while the sink is away.
    #[arg(long, env = "UNDERSTUDY_SPOOL_BYTES", default_value_t = 256 << 20)]
    pub spool_bytes: u64,

    /// The pod's name, which the names of its records' files have in them.
    #[arg(long, env = "HOSTNAME", default_value = "pod")]
    pub pod: String,

    /// Name that resolves to all pods of the deployment, for outcomes of calls that another pod answered.
    #[arg(long, env = "UNDERSTUDY_PEERS")]
    pub peers: Option<String>,

    /// Address that all ports listen on.
    #[arg(long, env = "UNDERSTUDY_BIND", default_value = "0.0.0.0")]
    pub bind: std::net::IpAddr,

    /// Port behind the deployment's stable Service.
    #[arg(long, env = "UNDERSTUDY_MAIN_PORT", default_value_t = ports::MAIN)]
    pub main_port: u16,

    /// Port for copies of calls to main, sent by its pods while this version is the challenger.
    #[arg(long, env = "UNDERSTUDY_CHALLENGER_PORT", default_value_t = ports::CHALLENGER)]
    pub challenger_port: u16,

    /// Port behind the version's own Service.
    #[arg(long, env = "UNDERSTUDY_DIRECT_PORT", default_value_t = ports::DIRECT)]
    pub direct_port: u16,

    /// Port of `/metrics`, `/livez`, `/readyz` and `/startupz`.
    #[arg(long, env = "UNDERSTUDY_METRICS_PORT", default_value_t = ports::METRICS)]
    pub metrics_port: u16,

    /// Directory for the downloaded model.
    #[arg(long, env = "UNDERSTUDY_WORK_DIR", default_value = "/tmp")]
    pub work_dir: PathBuf,

    /// Requests that may wait for a session; the next one is answered 429.
    #[arg(long, env = "UNDERSTUDY_QUEUE", default_value_t = 256)]
    pub queue: usize,

    /// Seconds a request may wait for a session before it is answered 504.
    #[arg(long, env = "UNDERSTUDY_QUEUE_WAIT", default_value = "30", value_parser = seconds)]
    pub queue_wait: Duration,

    /// Threads, each with a session of its own. Default: the processors this process may use.
    #[arg(long, env = "UNDERSTUDY_THREADS")]
    pub threads: Option<usize>,

    /// Connections open at the same time, over all ports.
    #[arg(long, env = "UNDERSTUDY_CONNECTIONS", default_value_t = 4096)]
    pub connections: usize,

    /// Largest request body in bytes, after decompression; a larger one is answered 413.
    #[arg(long, env = "UNDERSTUDY_MAX_BODY", default_value_t = 32 << 20)]
    pub max_body: usize,

    /// Largest model file in bytes.
    #[arg(long, env = "UNDERSTUDY_MAX_ARTIFACT", default_value_t = 2 << 30)]
    pub max_artifact: u64,

    /// Seconds between SIGTERM and the end of the process, at most.
    #[arg(long, env = "UNDERSTUDY_DRAIN", default_value = "30", value_parser = seconds)]
    pub drain: Duration,

    /// File that tells the kubelet why the model could not be served.
    #[arg(long, env = "UNDERSTUDY_TERMINATION_LOG", default_value = "/dev/termination-log")]
    pub termination_log: PathBuf,

    /// ONNX Runtime's shared library.
    #[arg(long, env = "ORT_DYLIB_PATH", default_value = "/usr/local/lib/libonnxruntime.so.1.31.1")]
    pub onnxruntime: PathBuf,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl Args {
    /// The sessions to open: as many as told, or one a processor.
    #[must_use]
    pub fn sessions(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(processors).max(1)
    }
}
