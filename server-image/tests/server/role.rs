//! Callers of a version that is no longer main reach the new main within 5 s, and no request fails.

use std::time::{Duration, Instant};

use crate::{
    client::Connection,
    harness::{INFER, Server},
};

const BODY: &str = r#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#;

#[test]
fn a_version_that_was_never_main_keeps_its_callers() {
    // The Service may switch before the routing file arrives.
    let mut server = Server::start("matrix.onnx");
    let mut caller = Connection::open(server.main);
    for _ in 0..3 {
        assert_eq!(caller.post(INFER, BODY).header("connection"), None);
    }
    server.route(r#"{"main":"1.2.0"}"#);
    server.main_is("1.3.0");
    assert_eq!(caller.post(INFER, BODY).header("connection"), None);
    assert_eq!(server.metric("understudy_main"), 1);
}

#[test]
fn losing_the_role_ends_connections_of_the_main_port_after_their_next_response() {
    let mut server = Server::start("matrix.onnx");
    server.main_is("1.3.0");
    let (mut main, mut direct) = (Connection::open(server.main), Connection::open(server.direct));
    assert_eq!(main.post(INFER, BODY).header("connection"), None);
    assert_eq!(direct.post(INFER, BODY).header("connection"), None);
    server.main_is("1.4.0");
    let response = main.post(INFER, BODY);
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    main.closes();
    // A node with old rules may still route new callers here. Each gets one response.
    let mut late = Connection::open(server.main);
    let response = late.post(INFER, BODY);
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    late.closes();
    // The version's own Service is not affected.
    assert_eq!(direct.post(INFER, BODY).header("connection"), None);
    assert_eq!(direct.post(INFER, BODY).status, 200);
    assert_eq!(server.metric("understudy_main"), 0);
}

#[test]
fn a_null_main_or_another_build_of_the_version_loses_the_role_too() {
    for route in [r#"{"main":null}"#, r#"{"main":"1.3.0+7"}"#] {
        let mut server = Server::start("matrix.onnx");
        server.main_is("1.3.0");
        server.route(route);
        server.logs("the role changed");
        let response = Connection::open(server.main).post(INFER, BODY);
        assert_eq!((response.status, response.header("connection")), (200, Some("close")), "{route}");
    }
}

#[test]
fn idle_connections_of_the_main_port_are_closed_after_three_seconds() {
    let mut server = Server::start("matrix.onnx");
    server.main_is("1.3.0");
    let (mut idle, mut fresh) = (Connection::open(server.main), Connection::open(server.main));
    let mut direct = Connection::open(server.direct);
    assert_eq!(idle.post(INFER, BODY).status, 200);
    assert_eq!(direct.post(INFER, BODY).status, 200);
    server.main_is("1.4.0");
    let lost = Instant::now();
    idle.closes();
    fresh.closes();
    // Not immediately: a response with `Connection: close` is the better end.
    assert!(lost.elapsed() > Duration::from_secs(2), "{:?}", lost.elapsed());
    assert_eq!(direct.post(INFER, BODY).status, 200);
}

#[test]
fn a_request_in_flight_gets_its_response_even_if_it_takes_long() {
    let mut server = Server::start("slow.onnx");
    server.main_is("1.3.0");
    let mut caller = Connection::open(server.main);
    // Longer than the three seconds on known machines. On a faster machine, the response still comes.
    caller.send("POST", INFER, &[], crate::limits::slow(6_000_000).as_bytes());
    server.main_is("1.4.0");
    let response = caller.receive();
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    caller.closes();
}

#[test]
fn a_version_that_is_main_again_keeps_its_connections() {
    let mut server = Server::start("matrix.onnx");
    server.main_is("1.3.0");
    let mut kept = Connection::open(server.main);
    assert_eq!(kept.post(INFER, BODY).status, 200);
    server.main_is("1.4.0");
    server.main_is("1.3.0");
    for _ in 0..2 {
        assert_eq!(kept.post(INFER, BODY).header("connection"), None);
    }
}
