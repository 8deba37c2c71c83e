//! Many hostile connections at a time. Good callers are served, and the memory of the process stays bounded.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use rstest::rstest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server},
};

/// What the process may allocate: less than the crowd asks for in every case, and ample for good callers.
const LIMIT: u64 = 512 << 20;

const PROMISE: &[u8] =
    b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nContent-Length: 33554432\r\n\r\n{";
const PROMISED_TENSOR: &[u8] =
    b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nContent-Length: 33554432\r\nInference-Header-Content-Length: 100\r\n\r\n{";
const CHUNK: &[u8] =
    b"POST /predict HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n2000000\r\n{";
const HALF_A_HEADER: &[u8] = b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: te";
const GARBAGE: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\xff\xfe";
/// The preface of HTTP/2, settings, and the promise of a frame of 16 KiB.
const HALF_A_FRAME: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x01";

/// A crowd has most of the file descriptors that this process may have, so there is one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Opens the connections of a crowd, from several addresses, as pods do. Sends `bytes` on each.
fn crowd(server: &Server, size: usize, bytes: &[u8], half_closed: bool) -> Vec<Connection> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let ports = [server.main, server.direct, server.challenger];
    (0..size)
        .map(|number| {
            let caller = Ipv4Addr::new(127, 0, 1, u8::try_from(number % 8).unwrap() + 1);
            let mut caller = Connection::open_from(caller, ports[number % ports.len()]);
            caller.raw(bytes);
            if half_closed {
                caller.sends_nothing_more();
            }
            caller
        })
        .collect()
}

fn is_served(server: &Server) {
    assert_eq!(Connection::open(server.metrics).get("/readyz").status, 200);
    let values = vec!["1.5"; 30_000].join(",");
    let body =
        format!(r#"{{"inputs":[{{"name":"x","shape":[10000,3],"datatype":"FP32","data":[{values}]}}]}}"#);
    let post = |port: SocketAddr| Connection::open_from(Ipv4Addr::LOCALHOST, port).post(INFER, &body).status;
    assert_eq!([post(server.main), post(server.direct)], [200, 200]);
}

#[rstest]
#[case::idle(10_000, b"", false)]
#[case::half_a_header(3_000, HALF_A_HEADER, false)]
#[case::garbage(3_000, GARBAGE, false)]
#[case::a_promised_body(3_000, PROMISE, false)]
#[case::a_promised_tensor(3_000, PROMISED_TENSOR, false)]
#[case::a_promised_chunk(3_000, CHUNK, false)]
#[case::half_a_frame(3_000, HALF_A_FRAME, false)]
#[case::half_closed(3_000, b"", true)]
#[case::half_closed_in_a_header(3_000, HALF_A_HEADER, true)]
#[case::half_closed_in_a_body(3_000, PROMISE, true)]
fn a_crowd_does_not_keep_others_out(#[case] size: usize, #[case] bytes: &[u8], #[case] half_closed: bool) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Launch::of("matrix.onnx").arguments(&["--memory-limit", &LIMIT.to_string()]).ready();
    let crowd = crowd(&server, size, bytes, half_closed);
    is_served(&server);
    assert!(server.peak() < LIMIT / 2, "{} bytes", server.peak());
    drop(crowd);
    is_served(&server);
}

/// A response waits in memory until its caller reads it. A small request can have a large one.
#[test]
fn responses_that_nobody_reads_do_not_end_the_process() {
    let server = Launch::of("expanding.onnx").arguments(&["--memory-limit", &LIMIT.to_string()]).ready();
    let request = |elements: u64| {
        format!(
            r#"{{"parameters":{{"binary_data_output":true}},"inputs":[{{"name":"shape","shape":[1],
                "datatype":"INT64","data":[{elements}]}}]}}"#
        )
    };
    let (large, small) = (request(4 << 20), request(2));
    let mut statuses = Vec::new();
    let silent: Vec<_> = (0..80)
        .map(|number| {
            let caller = Ipv4Addr::new(127, 0, 1, u8::try_from(number % 8).unwrap() + 1);
            let mut caller = Connection::open_from(caller, server.main);
            caller.send("POST", INFER, &[], large.as_bytes());
            statuses.push(caller.status());
            caller
        })
        .collect();
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    assert_eq!(server.infer(&small).status, 200);
    assert!(server.peak() < LIMIT / 2, "{} bytes", server.peak());
    drop(silent);
    while server.infer(&large).status != 200 {
        std::thread::yield_now();
    }
}
