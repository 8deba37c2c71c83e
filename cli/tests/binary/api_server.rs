//! An API server that responds from a table, and the plugin with a kubeconfig for it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

/// A request of the plugin: method, path with query, body.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub body: String,
}

/// An API server on a local port. It answers one request per connection and runs until the test process ends.
pub struct ApiServer {
    port: u16,
    received: Arc<Mutex<Vec<Request>>>,
}

impl ApiServer {
    /// Starts it. Where `answer` returns `None`, the server responds with 404; a `Status` is sent with its own code.
    pub fn start(answer: impl Fn(&Request) -> Option<Value> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(vec![]));
        let log = Arc::clone(&received);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(&connection.unwrap(), &log, &*answer));
            }
        });
        Self { port, received }
    }

    /// The requests with this method, in their order.
    pub fn received(&self, method: &str) -> Vec<Request> {
        let all = self.received.lock().unwrap();
        all.iter().filter(|request| request.method == method).cloned().collect()
    }

    /// The plugin, with a kubeconfig for this server.
    pub fn plugin(&self, arguments: &[&str]) -> Command {
        let mut command = plugin(arguments);
        command.env("KUBECONFIG", self.kubeconfig());
        command
    }

    fn kubeconfig(&self) -> PathBuf {
        static WRITTEN: AtomicUsize = AtomicUsize::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let name = format!("kubeconfig-{}-{number}.json", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "bob", "namespace": "risk"}}],
            "clusters": [{"name": "here", "cluster": {"server": format!("http://127.0.0.1:{}", self.port)}}],
            "users": [{"name": "bob", "user": {}}],
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }
}

/// The plugin without a cluster.
pub fn plugin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-understudy"));
    command.args(arguments).env("KUBECONFIG", "/does/not/exist");
    command
}

/// A fixture as JSON.
pub fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A list of these objects.
pub fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "7"}, "items": items})
}

fn serve(mut stream: &TcpStream, log: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Option<Value>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some((_, value)) = header.to_ascii_lowercase().split_once("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = Request { method, target, body: String::from_utf8(body).unwrap() };
    let (status, body) = match answer(&request) {
        Some(body) => match body["code"].as_u64().filter(|_| body["kind"] == "Status") {
            Some(code) => (format!("{code} Refused"), body),
            None => ("200 OK".to_owned(), body),
        },
        None => (
            "404 Not Found".to_owned(),
            json!({"kind": "Status", "status": "Failure", "code": 404, "message": "not found"}),
        ),
    };
    log.lock().unwrap().push(request);
    let body = body.to_string();
    // A watch is one line for each event and ends with the connection.
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{body}\n"
    )
    .unwrap();
}
