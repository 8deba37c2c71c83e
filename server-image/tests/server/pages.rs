//! The pages for people: form, API documentation and OpenAPI description. What a browser makes of them is tested in
//! `tests/page`.

use std::io::Read as _;

use flate2::read::GzDecoder;
use rstest::rstest;
use serde_json::json;

use crate::{
    client::Connection,
    harness::{Launch, Server, sha256},
};

#[test]
fn the_form_has_a_field_for_every_column_and_loads_nothing_from_elsewhere() {
    let server = Server::start("columns.onnx");
    let response = server.get("/");
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(response.body).unwrap();
    for expected in
        ["<html lang=\"en\">", "<title>fraud 1.3.0", "for=\"column-0\"", "age", "country", "INT64"]
    {
        assert!(page.contains(expected), "{expected} in {page}");
    }
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("=\"//"), "{page}");
}

#[rstest]
#[case::form("/", "text/html; charset=utf-8")]
#[case::documentation("/docs", "text/html; charset=utf-8")]
#[case::description("/openapi.json", "application/json")]
#[case::style("/files/page.css", "text/css; charset=utf-8")]
#[case::script("/files/form.js", "text/javascript; charset=utf-8")]
fn a_browser_gets_a_page_compressed_and_only_if_it_has_changed(
    #[case] path: &str,
    #[case] content_type: &str,
) {
    let server = Server::start("columns.onnx");
    let mut connection = Connection::open(server.main);
    let plain = connection.get(path);
    assert_eq!((plain.status, plain.header("content-type")), (200, Some(content_type)));
    assert_eq!((plain.header("content-encoding"), plain.header("cache-control")), (None, Some("no-cache")));
    assert_eq!(
        (plain.header("vary"), plain.header("x-content-type-options")),
        (Some("accept-encoding"), Some("nosniff"))
    );

    let gzip = connection.call("GET", path, &[("Accept-Encoding", "gzip, deflate, br, zstd")], b"");
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut body = Vec::new();
    GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut body).unwrap();
    assert_eq!(body, plain.body);

    let tag = plain.header("etag").unwrap();
    assert_eq!(gzip.header("etag"), Some(tag));
    let unchanged = connection.call("GET", path, &[("If-None-Match", &format!("\"other\", {tag}"))], b"");
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, Some(tag)));
    let changed = connection.call("GET", path, &[("If-None-Match", "W/\"other\"")], b"");
    assert_eq!((changed.status, changed.body), (200, plain.body));
}

#[test]
fn form_and_description_start_with_what_is_usual_in_the_baseline() {
    let baseline = json!({"version": 1, "columns": [
        {"role": "input", "name": "age", "kind": "numeric", "edges": [30, 50], "counts": [9]},
        {"role": "input", "name": "country", "kind": "categorical", "counts": {"AT": 3, "N\"L": 7}},
    ]})
    .to_string();
    let launch = Launch::of("columns.onnx");
    std::fs::write(launch.path("claim/baseline.json"), &baseline).unwrap();
    let claim = launch.path("claim");
    let flags = ["--baseline", "pvc://claim/baseline.json", "--baseline-pvc-dir", claim.to_str().unwrap()];
    let digest = sha256(baseline.as_bytes());
    let server = launch.arguments(&flags).arguments(&["--baseline-sha256", &digest]).ready();
    let page = String::from_utf8(server.get("/").body).unwrap();
    assert!(page.contains("value=\"40\"") && page.contains("value=\"N&quot;L\""), "{page}");
    let openapi = server.get("/openapi.json").json();
    let example =
        &openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(example, &json!({"records": [{"age": 40, "country": "N\"L"}]}));
    let answer = Connection::open(server.main).post("/predict", example.to_string()).json();
    assert_eq!(answer["predictions"][0], json!({"years": 40, "home": "N\"L"}));
}

#[test]
fn the_openapi_description_names_the_models_own_tensors() {
    let server = Server::start("columns.onnx");
    let openapi = server.get("/openapi.json").json();
    assert_eq!(openapi["openapi"], "3.1.0");
    assert_eq!(openapi["info"]["version"], "1.3.0");
    let record = &openapi["components"]["schemas"]["Record"];
    assert_eq!(record["required"], json!(["age", "country"]));
    assert_eq!(record["properties"]["age"]["type"], "integer");
    assert_eq!(record["properties"]["country"]["type"], "string");
    for path in ["/predict", "/v2/models/fraud/infer", "/v2/models/fraud", "/v2/health/ready"] {
        assert!(openapi["paths"][path].is_object(), "{path}");
    }
}
