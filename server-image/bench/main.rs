//! Figures of the server, each with its limit and its peers in the same run: an in-process loop shows the limit of ONNX
//! Runtime, a null server of the same stack the limit of HTTP. On a shared machine, only the ratios are meaningful.
//!
//! `server-image/bench/run` starts it, and describes its options.

mod case;
#[path = "../tests/server/challengers.rs"]
#[expect(dead_code, reason = "the tests use more faults")]
mod challengers;
mod in_process;
mod load;
mod options;
mod paced;
mod parts;
mod pin;
mod process;
mod report;
mod rounds;
mod session_load;
mod shadow;

use options::Options;
use report::Report;
use tikv_jemallocator::Jemalloc;

/// As in the server, so that loop and null server have no other one.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

// This program as another process.
const NULL: &str = "null";
const IN_PROCESS: &str = "in-process";
const SESSION_LOAD: &str = "session-load";

type Part = fn(&Options, &mut Report);

/// All parts, in their order.
const PARTS: [(&str, Part); 9] = [
    ("models", parts::models::run),
    ("decode", parts::decode::run),
    ("bodies", parts::bodies::run),
    ("batches", parts::batches::run),
    ("cores", parts::cores::run),
    ("start", parts::start::run),
    ("image", parts::image::run),
    ("shadow", shadow::run),
    ("memory", parts::memory::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [NULL, port] => process::serve(port),
        [IN_PROCESS, file, request, threads, millis] => in_process::child(file, request, threads, millis),
        [SESSION_LOAD, file, sessions] => session_load::child(file, sessions),
        _ => measure(),
    }
}

fn measure() {
    let options = Options::read();
    options.check(&PARTS.map(|(name, _)| name));
    let mut report = Report::new(&options);
    if options.mlserver.is_none() {
        report.note("MLServer is not measured: its packages could not be installed.".to_owned());
    }
    for (name, run) in PARTS {
        if options.wants(name) {
            report.say(format_args!("part {name}"));
            run(&options, &mut report);
        }
    }
    report.write(&options.out);
}
