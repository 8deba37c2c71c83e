//! The command line. Each flag is also an environment variable `UNDERSTUDY_<NAME>`.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Parser;
use understudy_contract::{Digest, ports, preprocessing::Graph};

/// Serves one version of one model over the Open Inference Protocol v2 (REST).
///
/// At start, the server downloads the model, checks its digest, inspects the file, loads the model and warms it up.
/// Then `/readyz` and `/v2/health/ready` answer 200. If a step fails, the server writes the reason to the termination
/// log and exits with 1.
#[derive(Debug, Clone, Parser)]
#[command(name = "understudy-server", disable_version_flag = true)]
pub struct Args {
    /// Name of the `ModelDeployment`. It is the name of the model in every URL.
    #[arg(long, env = "UNDERSTUDY_DEPLOYMENT")]
    pub deployment: String,

    /// Semantic version of the model.
    #[arg(long, env = "UNDERSTUDY_VERSION")]
    pub version: semver::Version,

    /// URI of the model file: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[arg(long, env = "UNDERSTUDY_ARTIFACT")]
    pub artifact: String,

    /// SHA-256 of the model file, 64 hexadecimal digits.
    #[arg(long, env = "UNDERSTUDY_SHA256")]
    pub sha256: Digest,

    /// Fetches the model, checks its digest, writes it into this file and exits. Nothing is served.
    #[arg(long, env = "UNDERSTUDY_FETCH_TO", conflicts_with = "runtime_port")]
    pub fetch_to: Option<PathBuf>,

    /// Port on localhost of another program that runs the model, by the Open Inference Protocol. Without it, the built-in engine
    /// runs it.
    #[arg(long, env = "UNDERSTUDY_RUNTIME_PORT", requires = "runtime_file")]
    pub runtime_port: Option<u16>,

    /// Name of the model in that program.
    #[arg(long, env = "UNDERSTUDY_RUNTIME_MODEL", default_value = "model", value_parser = model_name)]
    pub runtime_model: String,

    /// The model file that this program has read. Only its size matters.
    #[arg(long, env = "UNDERSTUDY_RUNTIME_FILE", requires = "runtime_port")]
    pub runtime_file: Option<PathBuf>,

    /// The image of that program, by its digest. The operator's probe learns it.
    #[arg(long, env = "UNDERSTUDY_RUNTIME_IMAGE", requires = "runtime_port")]
    pub runtime_image: Option<String>,

    /// Directory of the mounted Secret with the credentials for the model. It may contain the files
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `token`,
    /// `username`, `password`, `origin` and `ca.crt`.
    #[arg(long, env = "UNDERSTUDY_SECRET_DIR")]
    pub secret_dir: Option<PathBuf>,

    /// Mount directory of the `PersistentVolumeClaim` of a `pvc://` model.
    #[arg(long, env = "UNDERSTUDY_PVC_DIR")]
    pub pvc_dir: Option<PathBuf>,

    /// URI of the baseline: the distribution of the training data, to detect drift. It has the same schemes as the
    /// model. Without a baseline, the server does not detect drift.
    #[arg(long, env = "UNDERSTUDY_BASELINE", requires = "baseline_sha256")]
    pub baseline: Option<String>,

    /// SHA-256 of the baseline file, 64 hexadecimal digits.
    #[arg(long, env = "UNDERSTUDY_BASELINE_SHA256", requires = "baseline")]
    pub baseline_sha256: Option<Digest>,

    /// Directory of the mounted Secret with the credentials for the baseline. Same files as in `--secret-dir`. Without it,
    /// the credentials for the model are used if both files have the same origin.
    #[arg(long, env = "UNDERSTUDY_BASELINE_SECRET_DIR")]
    pub baseline_secret_dir: Option<PathBuf>,

    /// Mount directory of the `PersistentVolumeClaim` of a `pvc://` baseline.
    #[arg(long, env = "UNDERSTUDY_BASELINE_PVC_DIR")]
    pub baseline_pvc_dir: Option<PathBuf>,

    /// URI of the examples: requests with the answers that are expected, as JSON lines. It has the same schemes as the model.
    /// The server is ready once the model has reproduced all of them. Without examples, it tries synthetic inputs.
    #[arg(long, env = "UNDERSTUDY_EXAMPLES", requires = "examples_sha256")]
    pub examples: Option<String>,

    /// SHA-256 of the examples file, 64 hexadecimal digits.
    #[arg(long, env = "UNDERSTUDY_EXAMPLES_SHA256", requires = "examples")]
    pub examples_sha256: Option<Digest>,

    /// Directory of the mounted Secret with the credentials for the examples. Same files as in `--secret-dir`. Without it,
    /// the credentials for the model are used if both files have the same origin.
    #[arg(long, env = "UNDERSTUDY_EXAMPLES_SECRET_DIR")]
    pub examples_secret_dir: Option<PathBuf>,

    /// Mount directory of the `PersistentVolumeClaim` of `pvc://` examples.
    #[arg(long, env = "UNDERSTUDY_EXAMPLES_PVC_DIR")]
    pub examples_pvc_dir: Option<PathBuf>,

    /// How far a number of an answer may be from the expected one.
    #[arg(long, env = "UNDERSTUDY_EXAMPLES_ABSOLUTE", default_value = "0.00001", value_parser = distance)]
    pub examples_absolute: f64,

    /// How far a number of an answer may be from the expected one in addition, as a part of the expected one.
    #[arg(long, env = "UNDERSTUDY_EXAMPLES_RELATIVE", default_value = "0.00001", value_parser = distance)]
    pub examples_relative: f64,

    /// Graphs that run before the model, in this order: a JSON list of objects with `uri`, `sha256`, `secretDir` and `pvcDir`, at
    /// most 4. They are joined by the names of their tensors. Without `secretDir`, the credentials for the model are used if
    /// both files have the same origin.
    #[arg(long, env = "UNDERSTUDY_PREPROCESSING", default_value = "[]", value_parser = graphs)]
    pub preprocessing: Graphs,

    /// JSON file with the routing: main, challenger, recording and drift rules, for example `{"main":"1.3.0"}`. It may
    /// change at any time. Without the file, this version is not main.
    #[arg(long, env = "UNDERSTUDY_ROUTING_FILE")]
    pub routing_file: Option<PathBuf>,

    /// URI of the sink for records: `s3://bucket/prefix` or `pvc://claim/prefix`. The routing file turns recording on.
    /// Without a sink, the server keeps the newest records in memory.
    #[arg(long, env = "UNDERSTUDY_RECORD_SINK")]
    pub record_sink: Option<String>,

    /// Directory of the mounted Secret with the credentials for the sink. Same files as in `--secret-dir`.
    #[arg(long, env = "UNDERSTUDY_RECORD_SECRET_DIR")]
    pub record_secret_dir: Option<PathBuf>,

    /// Mount directory of the `PersistentVolumeClaim` of a `pvc://` sink.
    #[arg(long, env = "UNDERSTUDY_RECORD_PVC_DIR")]
    pub record_pvc_dir: Option<PathBuf>,

    /// Largest size in bytes of the spool: files of records in the work directory that wait for the sink. If it is full,
    /// further records are dropped and counted.
    #[arg(long, env = "UNDERSTUDY_SPOOL_BYTES", default_value_t = 256 << 20)]
    pub spool_bytes: u64,

    /// Name of the pod. It is part of the names of its files in the sink.
    #[arg(long, env = "HOSTNAME", default_value = "pod")]
    pub pod: String,

    /// DNS name that resolves to all pods of the deployment. Outcomes of calls that this pod does not know go to the
    /// other pods. Without it, they count as unknown.
    #[arg(long, env = "UNDERSTUDY_PEERS")]
    pub peers: Option<String>,

    /// IP address that all ports listen on.
    #[arg(long, env = "UNDERSTUDY_BIND", default_value = "0.0.0.0")]
    pub bind: std::net::IpAddr,

    /// Port behind the stable Service of the deployment.
    #[arg(long, env = "UNDERSTUDY_MAIN_PORT", default_value_t = ports::MAIN)]
    pub main_port: u16,

    /// Port for copies of main's calls. Main's pods send them while this version is the challenger.
    #[arg(long, env = "UNDERSTUDY_CHALLENGER_PORT", default_value_t = ports::CHALLENGER)]
    pub challenger_port: u16,

    /// Port behind the version's own Service.
    #[arg(long, env = "UNDERSTUDY_DIRECT_PORT", default_value_t = ports::DIRECT)]
    pub direct_port: u16,

    /// Port of `/metrics`, `/livez`, `/readyz`, `/startupz`, records and summary.
    #[arg(long, env = "UNDERSTUDY_METRICS_PORT", default_value_t = ports::METRICS)]
    pub metrics_port: u16,

    /// Directory for the downloaded model and the spool.
    #[arg(long, env = "UNDERSTUDY_WORK_DIR", default_value = "/tmp")]
    pub work_dir: PathBuf,

    /// Requests that may wait for a session. Further ones are answered 429.
    #[arg(long, env = "UNDERSTUDY_QUEUE", default_value_t = 256)]
    pub queue: usize,

    /// Seconds that a request may wait for a session. After this time it is answered 504.
    #[arg(long, env = "UNDERSTUDY_QUEUE_WAIT", default_value = "30", value_parser = seconds)]
    pub queue_wait: Duration,

    /// Seconds. Once all requests have waited longer than this for a session, for a second, those that have are answered 429
    /// instead of run: callers that have given up must not keep others waiting.
    #[arg(long, env = "UNDERSTUDY_QUEUE_TARGET", default_value = "5", value_parser = seconds)]
    pub queue_target: Duration,

    /// Seconds that a run of the model may take. After this time it is stopped, and its request is answered 504. A
    /// model whose first run, or an example of which, takes longer is not served.
    #[arg(long, env = "UNDERSTUDY_MAX_RUN", default_value = "60", value_parser = seconds)]
    pub max_run: Duration,

    /// Runs of the model at the same time. Each has a session of its own, with a copy of the weights. Default: one for each
    /// processor, or fewer if a run takes long, or if the copies need more than half of the memory limit.
    #[arg(long, env = "UNDERSTUDY_SESSIONS")]
    pub sessions: Option<NonZeroUsize>,

    /// Threads of one run. Default: 1, or more if there are fewer sessions than processors.
    #[arg(long, env = "UNDERSTUDY_INTRA_OP_THREADS")]
    pub intra_op_threads: Option<NonZeroUsize>,

    /// Runs each request alone. Without it, requests that wait share a run where the warm-up shows that this pays and changes no
    /// answer.
    #[arg(long, env = "UNDERSTUDY_NO_BATCHING")]
    pub no_batching: bool,

    /// Connections that may be open at the same time, on the three inference ports together. Default: what fits into a quarter
    /// of the memory limit, between 256 and 4,096.
    #[arg(long, env = "UNDERSTUDY_CONNECTIONS")]
    pub connections: Option<usize>,

    /// Connections that one caller's address may have open at the same time. Default: half of all.
    #[arg(long, env = "UNDERSTUDY_CONNECTIONS_PER_CALLER")]
    pub connections_per_caller: Option<usize>,

    /// Largest request body in bytes, after decompression. A larger one is answered 413.
    #[arg(long, env = "UNDERSTUDY_MAX_BODY", default_value_t = 32 << 20)]
    pub max_body: usize,

    /// Largest model file in bytes.
    #[arg(long, env = "UNDERSTUDY_MAX_ARTIFACT", default_value_t = 2 << 30)]
    pub max_artifact: u64,

    /// Memory that the process may allocate, in bytes. An inference that needs more fails. Default: the memory limit of the
    /// container, or the memory of the machine.
    #[arg(long, env = "UNDERSTUDY_MEMORY_LIMIT")]
    pub memory_limit: Option<u64>,

    /// Seconds to load the model and to run it on its examples or on synthetic inputs, at most. A model that needs more is not served.
    #[arg(long, env = "UNDERSTUDY_LOAD_TIMEOUT", default_value = "900", value_parser = seconds)]
    pub load_timeout: Duration,

    /// Seconds from SIGTERM to the end of the process, at most.
    #[arg(long, env = "UNDERSTUDY_DRAIN", default_value = "30", value_parser = seconds)]
    pub drain: Duration,

    /// File for the termination message, which the kubelet reads: why the server could not start.
    #[arg(long, env = "UNDERSTUDY_TERMINATION_LOG", default_value = "/dev/termination-log")]
    pub termination_log: PathBuf,

    /// Shared library of ONNX Runtime.
    #[arg(long, env = "ORT_DYLIB_PATH", default_value = "/usr/local/lib/libonnxruntime.so.1.31.1")]
    pub onnxruntime: PathBuf,
}

/// The graphs before the model.
#[derive(Debug, Clone)]
pub struct Graphs(pub Vec<Graph>);

/// As many as a `ModelVersion` can have.
const MAX_GRAPHS: usize = 4;

fn graphs(text: &str) -> Result<Graphs, String> {
    let graphs: Vec<Graph> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if graphs.len() > MAX_GRAPHS {
        return Err(format!("more than {MAX_GRAPHS} graphs"));
    }
    Ok(Graphs(graphs))
}

/// The name becomes a part of a path.
fn model_name(text: &str) -> Result<String, String> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = text.bytes().all(is_safe) && !text.is_empty() && !text.starts_with('.');
    fits.then(|| text.to_owned()).ok_or_else(|| format!("`{text}` is not the name of a model"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn distance(text: &str) -> Result<f64, String> {
    let distance = text.parse().ok().filter(|distance: &f64| distance.is_finite() && *distance >= 0.0);
    distance.ok_or_else(|| format!("`{text}` is not a number from 0"))
}

impl Args {
    /// The processors of this process.
    #[must_use]
    pub fn processors(&self) -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }
}
