//! The sources of models: a bucket, a web server with its own certificate authority, a mounted volume. And the places that
//! the server never fetches from.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
};

use rstest::rstest;
use serde_json::Value;

use crate::harness::{Launch, model, sha256};

/// The response of a store to one request.
#[derive(Clone)]
enum Reply {
    File(Vec<u8>),
    Status(u16),
    Redirect(String),
    /// The first half of a file, then nothing.
    Half(Vec<u8>),
}

/// A store on this machine. It sends one reply for each request, the last one repeatedly, and keeps the requests.
struct Store {
    port: u16,
    requests: Receiver<String>,
    authority: Option<String>,
}

impl Store {
    fn http(replies: Vec<Reply>) -> Self {
        let (listener, port) = listen();
        let (sender, requests) = channel();
        thread::spawn(move || {
            let mut replies = Replies(replies);
            for stream in listener.incoming() {
                let _ = sender.send(serve(stream.unwrap(), replies.next()));
            }
        });
        Self { port, requests, authority: None }
    }

    fn https(replies: Vec<Reply>) -> Self {
        let (listener, port) = listen();
        let (sender, requests) = channel();
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![cert.der().clone()], key)
                .unwrap();
        let config = Arc::new(config);
        thread::spawn(move || {
            let mut replies = Replies(replies);
            for stream in listener.incoming() {
                let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let _ =
                    sender.send(serve(rustls::StreamOwned::new(session, stream.unwrap()), replies.next()));
            }
        });
        Self { port, requests, authority: Some(cert.pem()) }
    }

    /// The next request, from its first line to its last header.
    fn request(&self) -> String {
        self.requests.recv().unwrap()
    }
}

struct Replies(Vec<Reply>);

impl Replies {
    fn next(&mut self) -> Reply {
        if self.0.len() > 1 { self.0.remove(0) } else { self.0[0].clone() }
    }
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn serve(stream: impl Read + Write, reply: Reply) -> String {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    loop {
        let before = request.len();
        // A client that does not trust this store closes the connection here.
        if stream.read_line(&mut request).is_err() || matches!(&request[before..], "" | "\r\n") {
            break;
        }
    }
    let (head, body, length) = match reply {
        Reply::File(bytes) => ("200 OK".to_owned(), bytes.clone(), bytes.len()),
        Reply::Half(bytes) => ("200 OK".to_owned(), bytes[..bytes.len() / 2].to_vec(), bytes.len()),
        Reply::Status(status) => (format!("{status} No"), Vec::new(), 0),
        Reply::Redirect(to) => (format!("302 Found\r\nLocation: {to}"), Vec::new(), 0),
    };
    let stream = stream.get_mut();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body))
        .and_then(|()| stream.flush());
    request
}

fn bytes() -> Vec<u8> {
    std::fs::read(model("matrix.onnx")).unwrap()
}

fn secret(launch: &Launch, name: &str, value: &str) {
    std::fs::write(launch.path("secret").join(name), value).unwrap();
}

fn from_bucket(store: &Store) -> Launch {
    let launch = Launch::artifact("s3://models/fraud/1.3.0/model.onnx", &sha256(&bytes()));
    secret(&launch, "AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{}\n", store.port));
    secret(&launch, "AWS_ACCESS_KEY_ID", "AKIATEST");
    secret(&launch, "AWS_SECRET_ACCESS_KEY", "do-not-log-me");
    secret(&launch, "AWS_REGION", "eu-west-9");
    launch
}

fn from_web(store: &Store) -> Launch {
    let uri = format!("https://localhost:{}/models/model.onnx", store.port);
    let launch = Launch::artifact(&uri, &sha256(&bytes()));
    secret(&launch, "ca.crt", store.authority.as_deref().unwrap());
    launch
}

fn reason(launch: Launch) -> (String, String) {
    let (code, left) = launch.fails();
    assert_eq!(code, Some(1));
    let text = |name: &str| match &left[name] {
        Value::String(text) => text.clone(),
        _ => panic!("{left}"),
    };
    (text("reason"), text("message"))
}

#[test]
fn a_bucket_gets_a_signed_request_by_path() {
    let store = Store::http(vec![Reply::File(bytes())]);
    let server = from_bucket(&store).ready();
    let request = store.request();
    assert!(request.starts_with("GET /models/fraud/1.3.0/model.onnx HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("Credential=AKIATEST/") && request.contains("/eu-west-9/s3/"), "{request}");
    assert_eq!(server.get("/v2/health/ready").status, 200);
}

#[test]
fn a_public_bucket_gets_an_unsigned_request() {
    let store = Store::http(vec![Reply::File(bytes())]);
    let launch = from_bucket(&store);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        std::fs::remove_file(launch.path("secret").join(name)).unwrap();
    }
    launch.ready();
    assert!(!store.request().to_lowercase().contains("authorization"));
}

#[test]
fn the_server_tries_again_after_an_outage_of_the_store() {
    let store = Store::http(vec![Reply::Status(503), Reply::Half(bytes()), Reply::File(bytes())]);
    from_bucket(&store).ready();
    for _ in 0..3 {
        store.request();
    }
}

#[rstest]
#[case(Reply::Status(404), "ArtifactNotFound", 1)]
#[case(Reply::Status(403), "ArtifactForbidden", 1)]
#[case(Reply::Status(401), "ArtifactForbidden", 1)]
#[case(Reply::Status(500), "ArtifactUnreachable", 5)]
#[case(Reply::File(b"another model".to_vec()), "DigestMismatch", 1)]
fn each_failure_of_a_bucket_has_a_reason(#[case] reply: Reply, #[case] expected: &str, #[case] tries: usize) {
    let store = Store::http(vec![reply]);
    let (reason, message) = reason(from_bucket(&store));
    assert_eq!(reason, expected, "{message}");
    assert!(message.contains("s3://models/fraud/1.3.0/model.onnx"), "{message}");
    assert!(!message.contains("do-not-log-me"), "{message}");
    assert_eq!(store.requests.try_iter().count(), tries);
}

#[test]
fn a_store_that_does_not_listen_is_unreachable() {
    let (listener, port) = listen();
    drop(listener);
    let store = Store { port, requests: channel().1, authority: None };
    assert_eq!(reason(from_bucket(&store)).0, "ArtifactUnreachable");
}

#[test]
fn the_download_of_a_file_beyond_the_limit_stops() {
    let store = Store::http(vec![Reply::File(vec![0; 5000])]);
    let (reason, message) = reason(from_bucket(&store).arguments(&["--max-artifact", "4096"]));
    assert_eq!(reason, "ArtifactTooLarge");
    assert!(message.contains("4096"), "{message}");
}

#[test]
fn the_authority_in_the_secret_is_trusted_and_the_token_is_sent() {
    let store = Store::https(vec![Reply::File(bytes())]);
    let launch = from_web(&store);
    secret(&launch, "token", "t0ken\n");
    launch.ready();
    let request = store.request().to_lowercase();
    assert!(request.starts_with("get /models/model.onnx http/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: bearer t0ken\r\n"), "{request}");
}

#[test]
fn user_name_and_password_are_sent_as_basic_authentication() {
    let store = Store::https(vec![Reply::File(bytes())]);
    let launch = from_web(&store);
    secret(&launch, "username", "alice");
    secret(&launch, "password", "pass");
    launch.ready();
    // base64 of `alice:pass`.
    assert!(store.request().to_lowercase().contains("authorization: basic ywxpy2u6cgfzcw==\r\n"));
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let store = Store::https(vec![Reply::File(bytes())]);
    let launch = from_web(&store);
    std::fs::remove_file(launch.path("secret/ca.crt")).unwrap();
    let (reason, message) = reason(launch);
    assert_eq!(reason, "ArtifactUnreachable");
    assert!(message.contains("certificate"), "{message}");
}

#[rstest]
#[case::metadata("https://169.254.169.254/latest/meta-data/iam", "never calls")]
#[case::metadata_as_a_number("https://2852039166/", "never calls")]
#[case::mapped("https://[::ffff:169.254.169.254]/", "never calls")]
#[case::plain("http://localhost/model.onnx", "http")]
fn a_redirect_to_a_forbidden_address_is_not_followed(#[case] to: &str, #[case] expected: &str) {
    let store = Store::https(vec![Reply::Redirect(to.to_owned())]);
    let (reason, message) = reason(from_web(&store));
    assert_eq!(reason, "ArtifactUnreachable");
    assert!(message.contains(expected), "{message}");
    assert_eq!(store.requests.try_iter().count(), 1);
}

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let target = Store::https(vec![Reply::File(bytes())]);
    let store = Store::https(vec![Reply::Redirect(format!("https://localhost:{}/there", target.port))]);
    let launch = from_web(&store);
    let both = [store.authority.clone().unwrap(), target.authority.clone().unwrap()].concat();
    secret(&launch, "ca.crt", &both);
    secret(&launch, "token", "t0ken");
    launch.ready();
    let followed = target.request();
    assert!(followed.starts_with("GET /there"), "{followed}");
    assert!(!followed.contains("t0ken"), "the token is for the first server only: {followed}");

    let circle = Store::https(vec![Reply::Redirect("/again".to_owned())]);
    let (reason, message) = reason(from_web(&circle));
    assert_eq!(reason, "ArtifactUnreachable");
    assert!(message.contains("redirects"), "{message}");
}

#[rstest]
#[case("https://169.254.169.254/model.onnx", "ArtifactUnreachable")]
#[case("http://example.org/model.onnx", "UnsupportedUri")]
#[case("file:///etc/passwd", "UnsupportedUri")]
#[case("pvc://claim/../secret/token", "UnsupportedUri")]
#[case("pvc://claim/missing.onnx", "ArtifactNotFound")]
fn other_uris_are_rejected(#[case] uri: &str, #[case] expected: &str) {
    assert_eq!(reason(Launch::artifact(uri, &"0".repeat(64))).0, expected);
}

#[test]
fn a_metadata_service_is_not_accepted_as_an_s3_endpoint() {
    let launch = Launch::artifact("s3://models/model.onnx", &"0".repeat(64));
    secret(&launch, "AWS_ENDPOINT_URL", "http://169.254.169.254");
    assert_eq!(reason(launch).0, "ArtifactUnreachable");
}

#[test]
fn a_symbolic_link_in_a_volume_is_not_followed() {
    let launch = Launch::artifact("pvc://claim/model.onnx", &sha256(&bytes()));
    let outside: PathBuf = launch.path("outside.onnx");
    std::fs::write(&outside, bytes()).unwrap();
    std::os::unix::fs::symlink(&outside, launch.path("claim/model.onnx")).unwrap();
    let (reason, message) = reason(launch);
    assert_eq!(reason, "ArtifactForbidden");
    assert!(message.contains("symbolic link"), "{message}");
}

#[test]
fn the_digest_is_checked_before_the_file_is_inspected() {
    let launch = Launch::artifact("pvc://claim/model.onnx", &"0".repeat(64));
    std::fs::copy(model("hostile/external_absolute.onnx"), launch.path("claim/model.onnx")).unwrap();
    let (reason, message) = reason(launch);
    assert_eq!(reason, "DigestMismatch");
    assert!(message.contains(&"0".repeat(64)), "{message}");
}

/// A server whose model and baseline are on two hosts. The Secret of the model has a token, and trusts both.
fn with_a_foreign_baseline(models: &Store, other: &Store) -> Launch {
    let baseline = r#"{"version": 1, "columns": []}"#;
    let launch = from_web(models);
    secret(&launch, "token", "t0ken");
    let trusted = [models, other].map(|store| store.authority.clone().unwrap()).concat();
    secret(&launch, "ca.crt", &trusted);
    let uri = format!("https://localhost:{}/baseline.json", other.port);
    launch.arguments(&["--baseline", &uri, "--baseline-sha256", &sha256(baseline.as_bytes())])
}

#[test]
fn the_credentials_of_the_model_are_not_sent_to_the_host_of_a_baseline() {
    let (models, other) = (Store::https(vec![Reply::File(bytes())]), Store::https(vec![Reply::Status(404)]));
    // Nothing makes this server trust the other host, so it does not even send a request.
    assert_eq!(reason(with_a_foreign_baseline(&models, &other)).0, "ArtifactUnreachable");
    assert!(other.requests.try_iter().all(|request| !request.to_lowercase().contains("t0ken")));
}

#[test]
fn a_baseline_has_credentials_of_its_own() {
    let (models, other) = (Store::https(vec![Reply::File(bytes())]), Store::https(vec![Reply::Status(404)]));
    let launch = with_a_foreign_baseline(&models, &other);
    let own = launch.path("baseline-secret");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("token"), "0ther").unwrap();
    std::fs::write(own.join("ca.crt"), other.authority.as_deref().unwrap()).unwrap();
    let (reason, message) = reason(launch.arguments(&["--baseline-secret-dir", own.to_str().unwrap()]));
    assert_eq!(reason, "ArtifactNotFound", "{message}");
    assert!(other.request().to_lowercase().contains("authorization: bearer 0ther\r\n"));
}

#[test]
fn a_secret_that_names_an_origin_is_used_there_only() {
    let store = Store::https(vec![Reply::File(bytes())]);
    let launch = from_web(&store);
    secret(&launch, "token", "t0ken");
    secret(&launch, "origin", "https://models.example");
    let (reason, message) = reason(launch);
    assert_eq!(reason, "ArtifactForbidden", "{message}");
    assert!(
        message.contains("the credentials of the Secret are for https://models.example only"),
        "{message}"
    );
    assert_eq!(store.requests.try_iter().count(), 0);
}
