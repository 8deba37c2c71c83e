//! The challenger gets copies of main's calls, and main's callers do not notice.

use std::net::SocketAddr;

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    challengers::{Bad, Challenger},
    client::Connection,
    harness::{INFER, Launch, Server, digest_of},
    relay::Relay,
};

const BODY: &str =
    r#"{"id":"order-7","inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#;

/// Routing with the challenger 1.4.0 at `address`.
fn copied_to(address: SocketAddr, digest: &str, more: &Value) -> String {
    let mut challenger = json!({
        "version": "1.4.0", "digest": digest, "url": format!("http://{address}"),
        "samplePercent": 100, "timeoutMillis": 500,
    });
    for (key, value) in more.as_object().unwrap() {
        challenger[key] = value.clone();
    }
    json!({"main": "1.3.0", "challenger": challenger}).to_string()
}

/// Main, with a challenger at `address`.
pub fn main_with(address: SocketAddr, digest: &str, more: &Value) -> Server {
    let mut main = Server::start("matrix.onnx");
    main.route(&copied_to(address, digest, more));
    // The server logs this after the challenger is active.
    main.logs("the role changed");
    main
}

/// Waits until this many pairs are compared. A copy is counted before its call is analyzed.
pub fn compared(main: &Server, pairs: u64) -> Value {
    loop {
        let summary = Connection::open(main.metrics).get("/understudy/v1/summary").json();
        if summary["comparison"]["pairs"] == pairs {
            return summary;
        }
        std::thread::yield_now();
    }
}

pub fn challenger() -> Server {
    version("1.4.0")
}

fn version(version: &str) -> Server {
    Launch::of("matrix.onnx").arguments(&["--version", version]).ready()
}

/// Waits until every copy has ended, and checks that each call is accounted for.
pub fn settled(main: &Server, calls: u64) -> (u64, u64) {
    loop {
        let (mirrored, dropped) =
            (main.metric("understudy_mirror_mirrored_total"), main.metric("understudy_mirror_dropped_total"));
        if mirrored + dropped == calls && main.metric("understudy_mirror_pending") == 0 {
            assert_eq!(main.metric("understudy_mirror_calls_total"), calls);
            return (mirrored, dropped);
        }
        std::thread::yield_now();
    }
}

#[test]
fn each_call_is_copied_and_the_answers_are_compared() {
    let challenger = challenger();
    let main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    let mut caller = Connection::open(main.main);
    for _ in 0..20 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    assert_eq!(settled(&main, 20), (20, 0));
    assert_eq!(challenger.metric("nv_inference_request_success"), 20);
    compared(&main, 20);
    assert_eq!(main.metric("understudy_comparison_pairs"), 20);
}

#[test]
fn json_and_binary_calls_and_versioned_paths_are_copied() {
    let challenger = challenger();
    let main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    let mut caller = Connection::open(main.main);
    let json =
        br#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}}]}"#;
    let binary = [&json[..], &[0; 12]].concat();
    let length = json.len().to_string();
    let header = [("Inference-Header-Content-Length", length.as_str())];
    assert_eq!(caller.call("POST", INFER, &header, &binary).status, 200);
    let versioned = "/v2/models/fraud/versions/1.3.0/infer";
    assert_eq!(caller.post(versioned, BODY).status, 200);
    assert_eq!(settled(&main, 2), (2, 0));
    compared(&main, 2);
}

#[test]
fn exactly_the_sample_of_the_calls_is_copied() {
    let challenger = challenger();
    let main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({"samplePercent": 25}));
    let mut caller = Connection::open(main.main);
    for _ in 0..40 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    assert_eq!(settled(&main, 40), (10, 30));
    assert_eq!(challenger.metric("nv_inference_request_success"), 10);
}

#[test]
fn only_calls_to_the_main_port_of_main_are_copied() {
    let challenger = challenger();
    let mut main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    assert_eq!(Connection::open(main.direct).post(INFER, BODY).status, 200);
    assert_eq!(Connection::open(main.challenger).post(INFER, BODY).status, 200);
    assert_eq!(Connection::open(main.main).get("/understudy/v1/probe").status, 200);
    assert_eq!(main.metric("understudy_mirror_calls_total"), 0);
    main.main_is("1.4.0");
    assert_eq!(Connection::open(main.main).post(INFER, BODY).status, 200);
    assert_eq!(main.metric("understudy_mirror_calls_total"), 0);
}

#[test]
fn copies_end_with_the_first_call_after_the_challenger_is_removed() {
    let challenger = challenger();
    let mut main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    assert_eq!(main.infer(BODY).status, 200);
    assert_eq!(settled(&main, 1), (1, 0));
    main.route(r#"{"main":"1.3.0"}"#);
    main.logs("the routing changed");
    assert_eq!(main.infer(BODY).status, 200);
    assert_eq!(main.metric("understudy_mirror_calls_total"), 1);
}

#[test]
fn a_new_challenger_at_the_same_address_gets_the_next_copy() {
    let (old, new) = (challenger(), version("1.5.0"));
    let (relay, digest) = (Relay::to(old.challenger), digest_of("matrix.onnx"));
    let mut main = main_with(relay.address, &digest, &json!({}));
    let mut caller = Connection::open(main.main);
    for _ in 0..20 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    assert_eq!(settled(&main, 20), (20, 0));
    relay.switch_to(new.challenger);
    main.route(&copied_to(relay.address, &digest, &json!({"version": "1.5.0"})));
    main.logs("the routing changed");
    assert_eq!(caller.post(INFER, BODY).status, 200);
    assert_eq!(settled(&main, 21), (21, 0), "connections to the old challenger are not used for the new one");
    assert_eq!(new.metric("nv_inference_request_success"), 1);
}

#[test]
fn a_connection_on_which_another_version_answers_is_not_used_again() {
    let (old, new) = (version("1.2.0"), challenger());
    let relay = Relay::to(old.challenger);
    let main = main_with(relay.address, &digest_of("matrix.onnx"), &json!({}));
    let mut caller = Connection::open(main.main);
    assert_eq!(caller.post(INFER, BODY).status, 200);
    assert_eq!(settled(&main, 1), (0, 1));
    assert_eq!(main.series("understudy_mirror_dropped_total", "wrong_version"), 1);
    // Nodes learn of the Service's new selector after the pods learn of the new challenger.
    relay.switch_to(new.challenger);
    assert_eq!(caller.post(INFER, BODY).status, 200);
    assert_eq!(settled(&main, 2), (1, 1));
}

#[rstest]
#[case::stalled(Bad::Stalled, "timeout")]
#[case::huge(Bad::Huge, "too_large")]
#[case::foreign(Bad::Foreign, "wrong_version")]
#[case::nonsense(Bad::Nonsense, "broken")]
#[case::cut(Bad::Cut, "broken")]
fn failures_of_the_challenger_are_counted_and_open_the_circuit(#[case] bad: Bad, #[case] reason: &str) {
    let challenger = Challenger::start(bad);
    // Only the stalled challenger must run into the timeout.
    let timeout = if bad == Bad::Stalled { 50 } else { 30_000 };
    let mut main = main_with(challenger.address, "sha256:14", &json!({"timeoutMillis": timeout}));
    let mut caller = Connection::open(main.main);
    let mut calls = 0;
    while main.series("understudy_mirror_dropped_total", "circuit_open") == 0 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
        calls += 1;
    }
    assert_eq!(settled(&main, calls).0, 0, "no answer was accepted");
    assert!(main.series("understudy_mirror_dropped_total", reason) >= 5, "{bad:?}");
    main.logs(
        "the circuit opened: the challenger failed several times in a row and gets no copies for a while",
    );
    assert!(challenger.requests() < calls);
}

#[test]
fn an_error_of_the_challenger_is_an_answer_and_counts_as_its_error() {
    let challenger = Challenger::start(Bad::Failing);
    let main = main_with(challenger.address, "sha256:14", &json!({}));
    let mut caller = Connection::open(main.main);
    for _ in 0..30 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    assert_eq!(settled(&main, 30), (30, 0), "an error is an answer");
    while Connection::open(main.metrics).get("/understudy/v1/summary").json()["comparison"]["ofMain"]["calls"]
        != 30
    {
        std::thread::yield_now();
    }
    let summary = compared(&main, 0);
    assert_eq!(summary["comparison"]["ofChallenger"]["errors"], 30, "{summary}");
    assert_eq!(summary["comparison"]["ofMain"]["errors"], 0, "{summary}");
}

#[test]
fn a_challenger_that_comes_back_gets_copies_again() {
    let mut first = challenger();
    let port = first.challenger.port().to_string();
    let mut main = main_with(first.challenger, &digest_of("matrix.onnx"), &json!({}));
    let mut caller = Connection::open(main.main);
    assert_eq!(caller.post(INFER, BODY).status, 200);
    first.signal("-KILL");
    first.exit_code();
    while main.metric("understudy_mirror_circuit_open") == 0 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    let back = ["--version", "1.4.0", "--challenger-port", &port];
    let second = Launch::of("matrix.onnx").arguments(&back).ready();
    while main.metric("understudy_mirror_circuit_open") == 1 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    main.logs("the circuit closed: the challenger answers again");
    assert!(second.metric("nv_inference_request_success") > 0);
    settled(&main, main.metric("nv_inference_request_success"));
}

#[test]
fn an_open_circuit_does_not_hold_back_copies_to_another_challenger() {
    let well = challenger();
    let bad = Challenger::start(Bad::NotReady);
    let digest = digest_of("matrix.onnx");
    let mut main = main_with(bad.address, &digest, &json!({}));
    let mut caller = Connection::open(main.main);
    while main.metric("understudy_mirror_circuit_open") == 0 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    main.route(&copied_to(well.challenger, &digest, &json!({})));
    main.logs("the routing changed");
    assert_eq!(caller.post(INFER, BODY).status, 200);
    settled(&main, main.metric("nv_inference_request_success"));
    assert_eq!(well.metric("nv_inference_request_success"), 1);
}

#[test]
fn the_process_ends_after_the_copies_in_flight() {
    let challenger = challenger();
    let mut main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    let mut caller = Connection::open(main.main);
    for _ in 0..50 {
        assert_eq!(caller.post(INFER, BODY).status, 200);
    }
    drop(caller);
    main.signal("-TERM");
    let line = main.logs("the mirror ended");
    assert_eq!((&line["calls"], &line["mirrored"], &line["dropped"]), (&json!(50), &json!(50), &json!(0)));
    assert_eq!(main.exit_code(), Some(0));
}

/// Concurrent calls, as fast as the machine allows. Fails unless each succeeds.
fn storm(address: SocketAddr, calls: u64) {
    const CALLERS: u64 = 8;
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut caller = Connection::open(address);
                for _ in 0..calls / CALLERS {
                    assert_eq!(caller.post(INFER, BODY).status, 200);
                }
            });
        }
    });
}

/// The memory of the two queues and 8 MiB, in bytes.
const MEMORY: u64 = (16 + 8) << 20;

#[rstest]
#[case::stalled(Some(Bad::Stalled))]
#[case::failing(Some(Bad::Failing))]
#[case::not_ready(Some(Bad::NotReady))]
#[case::huge(Some(Bad::Huge))]
#[case::refusing(None)]
fn under_full_load_no_fault_of_the_challenger_reaches_mains_callers(#[case] bad: Option<Bad>) {
    let challenger = bad.map(Challenger::start);
    let address = challenger.as_ref().map_or(SocketAddr::from(([127, 0, 0, 1], 1)), |bad| bad.address);
    let main = main_with(address, "sha256:14", &json!({}));
    storm(main.main, 4_000);
    settled(&main, 4_000);
    let before = main.resident();
    storm(main.main, 24_000);
    let grown = main.resident().saturating_sub(before);
    let (mirrored, dropped) = settled(&main, 28_000);
    assert_eq!(mirrored + dropped, 28_000);
    assert!(grown <= MEMORY, "{bad:?}: {grown} bytes more");
}

#[test]
fn killing_the_challenger_under_load_is_counted_and_does_not_reach_mains_callers() {
    let mut challenger = challenger();
    let main = main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({}));
    storm(main.main, 800);
    std::thread::scope(|scope| {
        scope.spawn(|| storm(main.main, 16_000));
        while main.metric("understudy_mirror_calls_total") < 4_000 {
            std::thread::yield_now();
        }
        challenger.signal("-KILL");
        challenger.exit_code();
    });
    let (mirrored, dropped) = settled(&main, 16_800);
    assert!(mirrored > 0 && dropped > 0, "{mirrored} mirrored, {dropped} dropped");
}
