//! After SIGTERM a server is not ready, still answers, and completes the requests in flight.

use crate::{
    client::Connection,
    harness::{INFER, Launch},
    limits::slow,
};

#[test]
fn requests_succeed_until_all_nodes_know_and_requests_in_flight_are_completed() {
    let mut server = Launch::of("slow.onnx").arguments(&["--drain", "60"]).ready();
    let (mut kept, mut busy) = (Connection::open(server.main), Connection::open(server.main));
    let mut probes = Connection::open(server.metrics);
    assert_eq!(kept.post(INFER, slow(0)).header("connection"), None);
    assert_eq!(probes.get("/readyz").status, 200);
    busy.send("POST", INFER, &[], slow(8_000_000).as_bytes());
    server.signal("-TERM");
    server.logs("draining");
    let not_ready = probes.get("/readyz");
    assert_eq!((not_ready.status, not_ready.header("connection")), (503, Some("close")));
    for path in ["/v2/health/ready", "/v2/models/fraud/ready"] {
        assert_eq!(Connection::open(server.main).get(path).status, 503, "{path}");
    }
    // Callers on nodes that do not know yet get a response with `Connection: close`.
    let response = kept.post(INFER, slow(0));
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    kept.closes();
    assert_eq!(Connection::open(server.main).post(INFER, slow(0)).status, 200);
    assert_eq!(busy.receive().status, 200);
    assert_eq!(server.logs("drained")["complete"], true);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn an_idle_connection_does_not_delay_the_end() {
    let mut server = Launch::of("matrix.onnx").arguments(&["--drain", "3"]).ready();
    let (mut idle, mut fresh) = (Connection::open(server.direct), Connection::open(server.direct));
    assert_eq!(idle.get("/v2").status, 200);
    server.signal("-TERM");
    idle.closes();
    fresh.closes();
    assert_eq!(server.logs("drained")["complete"], true);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_request_that_never_ends_does_not_extend_the_drain() {
    let mut server = Launch::of("matrix.onnx").arguments(&["--drain", "1"]).ready();
    let mut half = Connection::open(server.direct);
    half.raw(b"POST /v2/models/fraud/infer HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n{");
    // A response on another connection shows that the server has read the incomplete request, too.
    assert_eq!(Connection::open(server.direct).get("/v2").status, 200);
    server.signal("-TERM");
    assert_eq!(server.logs("drained")["complete"], false);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_signal_during_loading_ends_the_process() {
    let store = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let launch = Launch::artifact("s3://models/model.onnx", &"0".repeat(64));
    let endpoint = format!("http://{}", store.local_addr().unwrap());
    std::fs::write(launch.path("secret/AWS_ENDPOINT_URL"), endpoint).unwrap();
    let mut server = launch.listening();
    server.signal("-TERM");
    assert_eq!(server.exit_code(), Some(0));
}
