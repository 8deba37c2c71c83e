//! The cost of recording a call: processor time in microseconds for each row, and bytes on the disk.
//!
//! Run it with `cargo bench -p understudy-server --bench records`. It also prints limits: the cost of keeping the newest
//! rows in memory without a sink, and of copying the values of a row.

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rustix::time::{ClockId, clock_gettime};
use understudy_server::{
    call::{Answered, Call, Identity, Shadow},
    columns::Columns,
    metrics::Family,
    records::{Counts, Recorder, RecorderOptions, RecordingSettings, Ring, Sink},
    signature::{Port, Signature},
    tensor::{Data, Datatype, Tensor},
};

const ROWS: u32 = 400_000;
const FEATURES: usize = 30;

fn signature() -> Signature {
    let port = |name: &str, datatype, shape: &[i64]| Port::new(name, datatype, shape);
    Signature {
        inputs: vec![port("x", Datatype::Fp32, &[-1, 30])],
        outputs: vec![port("label", Datatype::Int64, &[-1]), port("probabilities", Datatype::Fp32, &[-1, 2])],
    }
}

/// Pseudo-random numbers, the same in every run.
fn number(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    f32::from(u16::try_from(*state >> 48).expect("16 bits")) * 1.37
}

fn answered(state: &mut u64) -> Answered {
    let score = number(state);
    Answered {
        status: 200,
        error: None,
        outputs: vec![
            Tensor { shape: vec![1], data: Data::Int64(vec![i64::from(score > 40_000.0)]) },
            Tensor { shape: vec![1, 2], data: Data::Fp32(vec![1.0 - score, score]) },
        ],
        latency: Some(Duration::from_micros(137)),
    }
}

fn calls(challenger: bool) -> impl Iterator<Item = Call> {
    let mut state = 1;
    let by = Arc::new(Identity { version: "1.4.0".into(), digest: format!("sha256:{}", "b".repeat(64)) });
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_253_445);
    (0..ROWS).map(move |row| Call {
        id: format!("0191f3c2-7e4a-7d12-9c3b-{row:012x}"),
        at: start + Duration::from_micros(u64::from(row) * 50),
        traceparent: None,
        record: true,
        main: answered(&mut state),
        inputs: vec![Tensor {
            shape: vec![1, 30],
            data: Data::Fp32((0..FEATURES).map(|_| number(&mut state)).collect()),
        }],
        rows: 1,
        challenger: if challenger {
            Shadow::Answered { by: Arc::clone(&by), answered: answered(&mut state) }
        } else {
            Shadow::None
        },
    })
}

/// Processor time of this thread. On a shared machine, the wall clock also measures other processes.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("processor time is not negative")
}

fn per_row(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1e6 / f64::from(ROWS)
}

fn recorder(spool: &Path, sink: Option<Sink>) -> Recorder {
    let counts = Counts::new(&Family::new("fraud", "1.3.0"), sink.is_some());
    let (signature, ring) = (signature(), Arc::new(Ring::default()));
    let names: Vec<_> = (0..FEATURES).map(|feature| format!("feature {feature}")).collect();
    let options = RecorderOptions {
        deployment: "fraud".into(),
        columns: Columns::of(&signature, Some(&names)),
        signature: signature.into(),
        sink,
        spool_dir: spool.into(),
        spool_bytes: 4 << 30,
        pod: "fraud-0".into(),
    };
    let mut recorder = Recorder::start(options, &counts, &ring);
    recorder.set(Some(&RecordingSettings {
        redact: vec![],
        max_elements: 4096,
        rotate_after: Duration::from_hours(1),
        retention: None,
    }));
    recorder
}

fn claim(mount: &Path) -> Sink {
    Sink::new("pvc://claim/records", None, Some(mount)).expect("a sink")
}

fn main_is() -> Arc<Identity> {
    Arc::new(Identity { version: "1.3.0".into(), digest: format!("sha256:{}", "a".repeat(64)) })
}

fn measure(name: &str, sink: bool, challenger: bool) {
    let directory = tempfile::tempdir().expect("a folder");
    // Nothing is mounted there: all rows stay in the spool, and no upload uses the processor.
    let mut recorder = recorder(directory.path(), sink.then(|| claim("/nowhere".as_ref())));
    let (main, calls) = (main_is(), calls(challenger).collect::<Vec<_>>());
    let (mut worst, start) = (Duration::ZERO, processor());
    for call in calls {
        let began = Instant::now();
        recorder.record(call, &main);
        worst = worst.max(began.elapsed());
    }
    recorder.set(None);
    let elapsed = processor().saturating_sub(start);
    let bytes: u64 = std::fs::read_dir(directory.path())
        .expect("the spool")
        .map(|file| file.and_then(|file| file.metadata()).expect("a file").len())
        .sum();
    println!(
        "{name:<40} {:>7.2} us/row {:>7.1} B/row, longest {:>6.1} ms",
        per_row(elapsed),
        f64::from(u32::try_from(bytes >> 10).expect("less than 4 TiB")) * 1024.0 / f64::from(ROWS),
        worst.as_secs_f64() * 1e3,
    );
}

/// The peak memory of the process while it records and uploads, above the memory before.
async fn memory() {
    let directory = tempfile::tempdir().expect("a folder");
    let mount = directory.path().join("claim");
    std::fs::create_dir(&mount).expect("a folder");
    let before = status("VmRSS:");
    let (mut recorder, main) = (recorder(&directory.path().join("spool"), Some(claim(&mount))), main_is());
    for (row, call) in calls(true).enumerate() {
        recorder.record(call, &main);
        if row % 1000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let balance = recorder.finish(tokio::time::Instant::now() + Duration::from_mins(1)).await;
    println!(
        "{:<40} {:>7} KiB more than {before} KiB, {} rows written",
        "memory, at most",
        status("VmHWM:") - before,
        balance.written
    );
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the file has this field");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn copies() {
    let calls = calls(false).collect::<Vec<_>>();
    let start = processor();
    for call in &calls {
        black_box(call.clone());
    }
    println!(
        "{:<40} {:>7.2} us/row",
        "limit: a copy of the call",
        per_row(processor().saturating_sub(start))
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(memory());
    let _inside = runtime.enter();
    copies();
    measure("no sink: the newest rows in memory", false, false);
    measure("30 features, no challenger", true, false);
    measure("30 features, with a challenger", true, true);
}
