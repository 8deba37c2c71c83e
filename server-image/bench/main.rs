//! Figures of the server, each with its limit: an in-process loop shows the limit of ONNX Runtime, a null server of the
//! same stack the limit of HTTP. On a shared machine, only the ratios are meaningful.

#[path = "../tests/server/challengers.rs"]
#[expect(dead_code, reason = "the tests use more faults")]
mod challengers;
mod decode;
mod load;
mod paced;
mod process;
mod shadow;

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use load::Load;
use process::{Null, Server};
use understudy_server::{
    artifact::Artifact,
    deadline::Deadlines,
    load::{LoadOptions, Resources, Wanted},
    onnx,
    session::Session,
};

const NULL: &str = "null";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, port] = arguments.as_slice()
        && mode == NULL
    {
        return process::serve_null(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port"))));
    }
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let model = samples.join("models/breast-cancer/1.0.0/model.onnx");
    let body = samples.join("requests/infer.json");

    let load = Load { seconds, body };
    let only = std::env::var("BENCH_PART").unwrap_or_default();
    if only.is_empty() || only == "server" {
        server(&model, &load);
    }
    if only.is_empty() || only == "shadow" {
        shadow::run(&model, &load);
    }
}

/// A server without challenger and records.
fn server(model: &Path, load: &Load) {
    println!("server, breast-cancer 1.0.0, 3 x {} s a load, median", load.seconds);
    let alone = in_process(model, Duration::from_secs(load.seconds));
    println!(
        "in process         {:>9.0} runs/s on one thread, {:.1} us a run; session load {:.0} ms",
        alone.rate, alone.run_us, alone.load_ms
    );

    let server = Server::start(model);
    let limit = alone.load_ms + 60.0;
    println!(
        "exec to ready      {:>9.0} ms           limit {limit:.0} ms (session load + 60)",
        server.ready_ms
    );
    println!("idle memory        {:>9.1} MB           limit 36 MB", server.resident_mb());

    let null = Null::start();
    for connections in [1, 8] {
        let (nothing, inference) = load.alternate(null.address, server.address, connections);
        let ratio = inference.rate / nothing.rate;
        let target = if connections == 8 { "   target >= 0.75" } else { "" };
        println!(
            "c={connections}  null server   {:>9.0} req/s        p50 {:>6.0} us  p99 {:>6.0} us",
            nothing.rate, nothing.p50, nothing.p99
        );
        println!(
            "c={connections}  inference     {:>9.0} req/s        p50 {:>6.0} us  p99 {:>6.0} us   {ratio:.2} x null{target}",
            inference.rate, inference.p50, inference.p99
        );
        if connections == 1 {
            let (p50, p99) =
                (inference.p50 - nothing.p50 - alone.run_us, inference.p99 - nothing.p99 - alone.run_us);
            println!(
                "c=1  added         p50 {p50:.0} us (target <= 30), p99 {p99:.0} us (target <= 200) over null + inference"
            );
        }
    }
    println!("memory after load  {:>9.1} MB", server.resident_mb());
    for (what, mb) in decode::megabytes_a_second() {
        println!("JSON decode        {mb:>9.0} MB/s         target >= 400, 602 KB FP32 {what}");
    }
}

struct Alone {
    rate: f64,
    run_us: f64,
    load_ms: f64,
}

/// The same model with the same settings, without a server.
fn in_process(file: &Path, time: Duration) -> Alone {
    let begin = Instant::now();
    let artifact = Artifact { path: file.to_owned(), bytes: 0 };
    let options = LoadOptions {
        deployment: "bench",
        version: "1.0.0",
        facts: onnx::inspect(file).expect("the sample is a valid model"),
        artifact: &artifact,
        digest: [0; 32].into(),
        onnxruntime: &PathBuf::from(
            std::env::var_os("ORT_DYLIB_PATH").expect("bench/run sets ORT_DYLIB_PATH"),
        ),
        preprocessing: &[],
        wanted: Wanted { sessions: Some(NonZeroUsize::MIN), intra_op: Some(NonZeroUsize::MIN) },
        resources: Resources { processors: NonZeroUsize::MIN, memory: None },
        deadlines: &Deadlines::default(),
        examples: None,
    };
    let (model, mut sessions) = understudy_server::load::model(&options).expect("the sample loads");
    let load_ms = begin.elapsed().as_secs_f64() * 1e3;
    let begin = Instant::now();
    let end = begin + 2 * time;
    let mut runs = 0_u32;
    while begin.elapsed() < time {
        sessions[0].run(&model.probe_inputs, end).expect("the sample runs");
        runs += 1;
    }
    let rate = f64::from(runs) / begin.elapsed().as_secs_f64();
    Alone { rate, run_us: 1e6 / rate, load_ms }
}
