//! Every call that must be recorded is in the sink, or counted as dropped.

use std::{collections::BTreeSet, fs::File, path::Path};

use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};
use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server, digest_of, sha256},
};

const ROUTING: &str = r#"{"main":"1.3.0","recording":{"samplePercent":100,"rotateSeconds":1}}"#;

fn body(id: &str) -> String {
    json!({"id": id, "inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]})
        .to_string()
}

/// A server that records into a directory of its own.
fn recording() -> Server {
    let launch = Launch::of("matrix.onnx");
    let sink = launch.path("sink");
    std::fs::create_dir(&sink).unwrap();
    let arguments = ["--record-sink", "pvc://records/risk/fraud", "--record-pvc-dir", sink.to_str().unwrap()];
    let mut server = launch.arguments(&arguments).ready();
    server.route(ROUTING);
    server.logs("the role changed");
    server
}

/// The ids in all files of the sink. Fails if a file is incomplete.
fn ids(sink: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(days) = std::fs::read_dir(sink.join("risk/fraud")) else { return found };
    for day in days {
        let day = day.unwrap();
        assert!(day.file_name().to_str().unwrap().starts_with("date=20"), "{day:?}");
        for file in std::fs::read_dir(day.path()).unwrap() {
            let path = file.unwrap().path();
            assert_eq!(path.extension().unwrap(), "parquet", "{}", path.display());
            let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
            let rows = reader.get_row_iter(None).unwrap();
            found.extend(rows.map(|row| row.unwrap().get_string(0).unwrap().clone()));
        }
    }
    found
}

fn lines(server: &Server, query: &str) -> Vec<Value> {
    let response = Connection::open(server.metrics).get(&format!("/understudy/v1/records{query}"));
    assert_eq!(response.status, 200);
    let text = String::from_utf8(response.body).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A challenger that answers nothing and keeps the head of the copy that it got.
fn listening_challenger() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
        let head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        send.send(head.join("\n")).unwrap();
    });
    (url, receive)
}

#[test]
fn a_record_and_the_copy_of_a_call_belong_to_the_trace_of_the_call() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (url, head) = listening_challenger();
    let mut main = Server::start("matrix.onnx");
    let challenger = json!({"version": "1.4.0", "digest": digest_of("matrix.onnx"), "url": url,
        "samplePercent": 100, "timeoutMillis": 30_000});
    let routing = json!({"main": "1.3.0", "challenger": challenger, "recording": {"samplePercent": 100}});
    main.route(&routing.to_string());
    main.logs("the role changed");
    let mut caller = Connection::open(main.main);
    assert_eq!(caller.call("POST", INFER, &[("traceparent", TRACE)], body("traced").as_bytes()).status, 200);
    assert!(head.recv().unwrap().contains(&format!("traceparent: {TRACE}")));
    assert_eq!(caller.call("POST", INFER, &[("traceparent", "mine")], body("other").as_bytes()).status, 200);
    let rows = loop {
        let rows = lines(&main, "?limit=10");
        if rows.len() == 2 {
            break rows;
        }
        std::thread::yield_now();
    };
    let trace = |id: &str| rows.iter().find(|row| row["id"] == id).map(|row| row["traceparent"].clone());
    assert_eq!(trace("traced"), Some(json!(TRACE)));
    assert_eq!(trace("other"), Some(Value::Null));
}

#[test]
fn the_newest_records_have_the_outputs_of_both_versions_and_include_errors() {
    let challenger = Launch::of("matrix.onnx").arguments(&["--version", "1.4.0"]).ready();
    let mut main = Server::start("matrix.onnx");
    let digest = digest_of("matrix.onnx");
    main.route(
        &json!({
            "main": "1.3.0",
            "challenger": {"version": "1.4.0", "digest": digest, "url": format!("http://{}", challenger.challenger),
                "samplePercent": 100, "timeoutMillis": 30_000},
            "recording": {"samplePercent": 100},
        })
        .to_string(),
    );
    main.logs("the role changed");
    assert_eq!(main.infer(body("first")).status, 200);
    assert_eq!(main.infer(r#"{"id":"wrong","inputs":[]}"#).status, 400);
    let rows = loop {
        let rows = lines(&main, "?limit=10");
        if rows.len() == 2 {
            break rows;
        }
        std::thread::yield_now();
    };
    let row = |id: &str| rows.iter().find(|row| row["id"] == id);
    let first = row("first").unwrap();
    assert_eq!(first["main_digest"], digest);
    assert_eq!((&first["main_version"], &first["challenger_version"]), (&json!("1.3.0"), &json!("1.4.0")));
    assert_eq!(first["input_x"], json!([1.0, 2.0, 3.0]));
    let outputs = |role: &str| -> Vec<Value> {
        let fields = first.as_object().unwrap().iter();
        fields
            .filter(|(name, value)| name.starts_with(role) && value.is_array())
            .map(|(_, value)| value.clone())
            .collect()
    };
    assert_eq!(outputs("main_"), outputs("challenger_"));
    assert!(!outputs("main_").is_empty(), "{first}");
    let wrong = row("wrong").unwrap();
    assert_eq!((&wrong["main_status"], &wrong["challenger_status"]), (&json!(400), &json!(400)), "{wrong}");
    assert!(wrong["main_error"].as_str().unwrap().contains("input `x` is missing"), "{wrong}");
    assert_eq!(lines(&main, "?limit=1").len(), 1);
}

/// Waits for this number of recorded calls. Returns them by their id.
fn recorded(server: &Server, count: usize) -> impl Fn(&str) -> Value + use<> {
    let rows = loop {
        let rows = lines(server, "");
        if rows.len() == count {
            break rows;
        }
        std::thread::yield_now();
    };
    move |id| rows.iter().find(|row| row["id"] == id).unwrap().clone()
}

fn body_of(id: &str, rows: &[[f32; 3]]) -> String {
    json!({"id": id, "inputs": [{"name": "x", "shape": [rows.len(), 3], "datatype": "FP32", "data": rows.concat()}]})
        .to_string()
}

#[test]
fn a_tensor_beyond_the_limit_is_recorded_as_its_shape_and_the_sha256_of_its_bytes() {
    let mut server = recording();
    server.route(r#"{"main":"1.3.0","recording":{"samplePercent":100,"maxElements":6}}"#);
    server.logs("the routing changed");
    let (two, three) =
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.5]]);
    for (id, rows) in [("at the limit", &two[..]), ("beyond it", &three[..]), ("the same again", &three[..])]
    {
        assert_eq!(server.infer(body_of(id, rows)).status, 200);
    }
    let row = recorded(&server, 3);
    let whole = row("at the limit");
    assert_eq!(
        (&whole["input_x"], &whole["input_x_sha256"]),
        (&json!(two.concat()), &Value::Null),
        "{whole}"
    );
    let large = row("beyond it");
    let bytes: Vec<u8> = three.concat().into_iter().flat_map(f32::to_le_bytes).collect();
    assert_eq!(large["input_x"], Value::Null, "{large}");
    assert_eq!((&large["rows"], &large["input_x_shape"]), (&json!(3), &json!([3, 3])), "{large}");
    assert_eq!(large["input_x_sha256"], sha256(&bytes), "{large}");
    assert_eq!(large["input_x_sha256"], row("the same again")["input_x_sha256"]);
    let output = format!("main_{}", server.outputs(body("any"))[0]["name"].as_str().unwrap());
    assert_eq!(
        (&large[&output], &large[format!("{output}_shape")]),
        (&Value::Null, &json!([3, 3])),
        "{large}"
    );
}

#[test]
fn without_a_limit_in_the_routing_a_column_of_a_record_has_at_most_4096_elements() {
    let server = recording();
    for rows in [1365, 1366] {
        assert_eq!(server.infer(body_of(&rows.to_string(), &vec![[0.5; 3]; rows])).status, 200);
    }
    let row = recorded(&server, 2);
    assert_eq!(row("1365")["input_x"].as_array().map(Vec::len), Some(4095));
    assert_eq!(row("1366")["input_x"], Value::Null);
}

#[test]
fn without_records_the_message_says_how_to_turn_them_on() {
    let server = Server::start("matrix.onnx");
    let response = Connection::open(server.metrics).get("/understudy/v1/records");
    assert!(response.error(404).contains("spec.recording"));
}

#[test]
fn each_call_is_a_row_in_the_sink_even_if_the_pod_ends_between_calls() {
    let mut server = recording();
    let mut expected = BTreeSet::new();
    let mut caller = Connection::open(server.main);
    for number in 0..500 {
        let id = format!("call-{number}");
        assert_eq!(caller.post(INFER, body(&id)).status, 200);
        expected.insert(id);
    }
    server.signal("-TERM");
    server.logs("draining");
    // A draining pod still answers.
    let response = caller.post(INFER, body("last"));
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    expected.insert("last".to_owned());
    let balance = server.logs("records");
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(
        (&balance["due"], &balance["written"], &balance["dropped"]),
        (&json!(501), &json!(501), &json!(0)),
        "{balance}"
    );
    let found = ids(&server.path("sink"));
    assert_eq!(found.len(), 501, "no row twice");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn exactly_the_sample_is_recorded_and_redacted_columns_are_not_shown() {
    let mut server = recording();
    server.route(r#"{"main":"1.3.0","recording":{"samplePercent":50,"rotateSeconds":1,"redact":["x"]}}"#);
    server.logs("the routing changed");
    let mut caller = Connection::open(server.main);
    for number in 0..20 {
        assert_eq!(caller.post(INFER, body(&number.to_string())).status, 200);
    }
    while server.metric("understudy_records_written_total") < 10 {
        std::thread::yield_now();
    }
    assert_eq!(server.metric("understudy_records_total"), 10);
    let rows = lines(&server, "");
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| row.get("input_x").is_none()), "{rows:?}");
}
