//! Requests beyond a limit are rejected, and all others are still served.

use std::{io::Read, net::Ipv4Addr};

use crate::{
    client::Connection,
    harness::{INFER, Launch, MODEL, Server},
};

/// A request to slow.onnx. A million rounds take a little less than a second.
pub fn slow(rounds: u64) -> String {
    format!(r#"{{"inputs":[{{"name":"rounds","shape":[1],"datatype":"INT64","data":[{rounds}]}}]}}"#)
}

/// Waits until `count` requests are in the queue.
fn waiting(server: &Server, count: u64) {
    while server.metric("nv_inference_pending_request_count") != count {
        std::thread::yield_now();
    }
}

#[test]
fn a_full_queue_is_429_and_other_paths_still_respond() {
    let server = Launch::of("slow.onnx").arguments(&["--sessions", "1", "--queue", "1"]).ready();
    let mut callers = [(); 4].map(|()| Connection::open(server.main));
    for caller in &mut callers {
        caller.send("POST", INFER, &[], slow(2_000_000).as_bytes());
    }
    // The runtime's threads are free.
    assert_eq!(server.get("/v2/health/ready").status, 200);
    assert_eq!(server.get(&format!("{MODEL}/ready")).status, 200);
    let responses = callers.map(|mut caller| caller.receive());
    // One runs and one waits, unless the second arrived while the first was still in the queue.
    let (done, refused): (Vec<_>, Vec<_>) = responses.iter().partition(|response| response.status == 200);
    assert!((1..=2).contains(&done.len()), "{responses:?}");
    for response in refused {
        assert_eq!(response.header("retry-after"), Some("1"));
        assert!(response.error(429).contains("queue"));
    }
}

/// Nothing shows before the run how often a loop repeats.
#[test]
fn requests_whose_values_make_them_slow_do_not_hold_up_others() {
    let server = Server::start("patient.onnx");
    let mut callers: Vec<_> = (0..16).map(|_| Connection::open(server.main)).collect();
    for caller in &mut callers {
        caller.send("POST", INFER, &[], slow(100_000_000).as_bytes());
    }
    // As many as there are sessions run for minutes, the others wait.
    for _ in 0..3 {
        assert_eq!(Connection::open(server.main).get("/v2/health/ready").status, 200);
        assert_eq!(Connection::open(server.metrics).get("/readyz").status, 200);
    }
    assert!(
        server.metric("nv_inference_pending_request_count") > 0,
        "these were answered before the slow ones"
    );
}

#[test]
fn a_request_that_waited_too_long_gets_504() {
    // Long enough for the first request to start on a busy machine, and shorter than its inference.
    let arguments = ["--sessions", "1", "--queue-wait", "0.5"];
    let server = Launch::of("slow.onnx").arguments(&arguments).ready();
    let [mut first, mut second] = [(); 2].map(|()| Connection::open(server.main));
    first.send("POST", INFER, &[], slow(5_000_000).as_bytes());
    second.send("POST", INFER, &[], slow(5_000_000).as_bytes());
    let mut statuses = [first.receive().status, second.receive().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 504]);
}

#[test]
fn a_request_whose_caller_closed_the_connection_is_not_run() {
    let server = Launch::of("slow.onnx").arguments(&["--sessions", "1"]).ready();
    let mut callers = [(); 3].map(|()| Connection::open(server.main));
    for caller in &mut callers {
        caller.send("POST", INFER, &[], slow(2_000_000).as_bytes());
    }
    // One runs. If only two have arrived so far, one of them will run, and the other is still in the queue.
    waiting(&server, 2);
    drop(callers);
    waiting(&server, 0);
    let mut last = Connection::open(server.main);
    assert_eq!(last.post(INFER, slow(0)).status, 200);
    assert!(server.metric("nv_inference_request_failure") >= 1, "at least one was canceled in the queue");
    assert!(server.metric("nv_inference_exec_count") <= 2, "the first and the last request");
}

#[test]
fn a_body_beyond_the_limit_is_413() {
    let server = Launch::of("matrix.onnx").arguments(&["--max-body", "1000"]).ready();
    let large = " ".repeat(1001);
    assert!(server.infer(&large).error(413).contains("1000 bytes"));
    // Only declared: rejected before it is sent.
    let mut declared = Connection::open(server.main);
    declared.raw(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nContent-Length: 999999999\r\n\r\n");
    declared.receive().error(413);
    // In chunks, so the length is unknown before.
    let mut chunked = Connection::open(server.main);
    chunked.raw(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.raw(format!("3e9\r\n{large}\r\n0\r\n\r\n").as_bytes());
    chunked.receive().error(413);
    // Small before decompression.
    let mut bomb = Vec::new();
    flate2::read::GzEncoder::new(large.as_bytes(), flate2::Compression::best())
        .read_to_end(&mut bomb)
        .unwrap();
    let headers = [("Content-Encoding", "gzip")];
    Connection::open(server.main).call("POST", INFER, &headers, &bomb).error(413);
}

#[test]
fn a_body_that_is_only_declared_takes_no_room_from_others() {
    let server = Launch::of("matrix.onnx").arguments(&["--max-body", "1000000"]).ready();
    let mut silent = [(); 8].map(|()| Connection::open(server.main));
    for caller in &mut silent {
        caller.raw(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n{");
    }
    // Each connection has a task of its own. The server has read the others' headers once it answers all of these.
    let mut fresh = [(); 8].map(|()| Connection::open(server.main));
    assert!(fresh.iter_mut().all(|caller| caller.get("/v2").status == 200));
    let values = vec!["1.5"; 30_000].join(",");
    let body =
        format!(r#"{{"inputs":[{{"name":"x","shape":[10000,3],"datatype":"FP32","data":[{values}]}}]}}"#);
    assert!(body.len() > 100_000);
    assert_eq!(server.infer(body).status, 200);
    drop(silent);
}

#[test]
fn a_body_may_arrive_in_chunks() {
    let server = Server::start("matrix.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#;
    let (start, end) = body.split_at(20);
    let mut chunked = Connection::open(server.main);
    chunked.raw(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    chunked.raw(format!("{:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", start.len(), end.len()).as_bytes());
    assert_eq!(chunked.receive().status, 200);
}

#[test]
fn deeply_nested_json_is_rejected_everywhere() {
    let server = Server::start("matrix.onnx");
    let deep = "[".repeat(100_000);
    for body in [
        deep.clone(),
        format!(r#"{{"anything":{deep}"#),
        format!(r#"{{"inputs":[{{"name":"x","shape":[1,3],"datatype":"FP32","data":{deep}"#),
        format!(r#"{{"inputs":[{{"name":"x","shape":{deep}"#),
    ] {
        server.infer(body).error(400);
    }
    Connection::open(server.main).post("/predict", format!(r#"{{"records":{deep}"#)).error(400);
    assert_eq!(server.get("/v2/health/live").status, 200);
}

#[test]
fn the_number_of_open_connections_is_bounded() {
    let arguments = ["--connections", "2", "--connections-per-caller", "2", "--sessions", "1"];
    let server = Launch::of("slow.onnx").arguments(&arguments).ready();
    let open = || {
        let mut caller = Connection::open(server.main);
        assert_eq!(caller.get("/v2").status, 200);
        caller
    };
    // Those that are idle give way to new ones, the oldest first.
    let (mut first, mut second, mut third) = (open(), open(), open());
    first.closes();
    // Those with a request do not.
    for caller in [&mut second, &mut third] {
        caller.send("POST", INFER, &[], slow(3_000_000).as_bytes());
    }
    waiting(&server, 1); // for the other one
    let mut refused = Connection::open(server.main);
    assert!(refused.receive().error(503).contains("too many connections"));
    assert_eq!(
        Connection::open(server.metrics).get("/readyz").status,
        200,
        "this port has a limit of its own"
    );
    for caller in [&mut second, &mut third] {
        assert_eq!(caller.receive().status, 200);
    }
    assert_eq!(server.series("understudy_connections_ended_total", "refused"), 1);
}

#[test]
fn callers_that_send_half_a_header_do_not_keep_others_out() {
    let server = Launch::of("matrix.onnx").arguments(&["--connections", "20"]).ready();
    let half: Vec<_> = (0..200)
        .map(|number| {
            let port = if number % 2 == 0 { server.main } else { server.direct };
            let mut caller = Connection::open(port);
            caller.raw(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: te");
            caller
        })
        .collect();
    let another = Ipv4Addr::new(127, 0, 0, 2);
    for port in [server.main, server.direct, server.challenger] {
        assert_eq!(Connection::open_from(another, port).get("/v2/health/ready").status, 200);
    }
    assert_eq!(Connection::open(server.metrics).get("/readyz").status, 200);
    drop(half);
}

#[test]
fn a_run_that_takes_too_long_is_stopped_and_the_next_request_is_served() {
    let server = Launch::of("slow.onnx").arguments(&["--sessions", "1", "--max-run", "0.2"]).ready();
    let message = server.infer(slow(1_000_000_000)).error(504);
    assert!(message.contains("was stopped after 0.2 s"), "{message}");
    assert_eq!(server.infer(slow(1)).status, 200);
}

#[test]
fn a_run_is_stopped_when_its_caller_does_not_wait_any_longer() {
    let server = Launch::of("slow.onnx").arguments(&["--sessions", "1"]).ready();
    let body = slow(1_000_000_000).replacen('{', r#"{"parameters":{"timeout":50000},"#, 1);
    let message = server.infer(body).error(504);
    assert!(message.contains("was stopped after 0.05 s"), "{message}");
    assert_eq!(server.infer(slow(1)).status, 200);
}
