//! A real S3 server, versitygw, behind a gate that can interrupt connections.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use understudy_server::records::Sink;

const ACCESS_KEY: &str = "understudy";
pub const SECRET_KEY: &str = "do-not-log-me";

/// The server's program. A script of the project builds it on first use.
fn program() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let script = checkout.join("e2e/cluster/build");
        let built = Command::new(&script).arg("versitygw").stdout(Stdio::null()).status().unwrap();
        assert!(built.success(), "{} versitygw failed", script.display());
        checkout.join(".cluster/bin/versitygw")
    })
}

/// What the gate does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Forwards the connection.
    Open,
    /// Closes the connection.
    Closed,
    /// Forwards this number of bytes of the request, then closes the connection.
    Cut(usize),
    /// Forwards the request, and closes the connection instead of the response.
    NoResponse,
}

/// The server, its bucket `records`, and the Secret for it.
pub struct Store {
    child: Child,
    directory: TempDir,
    gate: watch::Sender<Gate>,
    ended: watch::Receiver<usize>,
}

impl Store {
    pub async fn start(gate: Gate) -> Self {
        // A second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = TempDir::new().unwrap();
        for name in ["data/records", "metadata", "secret"] {
            std::fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        let (child, upstream) = serve(directory.path());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (gate, seen) = watch::channel(gate);
        let (end, ended) = watch::channel(0);
        tokio::spawn(run_gate(listener, upstream, seen, end));
        let store = Self { child, directory, gate, ended };
        store.secret("AWS_ACCESS_KEY_ID", ACCESS_KEY);
        store.secret("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        store.secret("AWS_REGION", "us-east-1");
        store.secret("AWS_ENDPOINT_URL", &endpoint);
        store
    }

    pub fn secret(&self, name: &str, value: &str) {
        std::fs::write(self.directory.path().join("secret").join(name), value).unwrap();
    }

    pub fn sink(&self) -> Sink {
        let secret = self.directory.path().join("secret");
        Sink::new("s3://records/team/risk/fraud", Some(&secret), None).unwrap()
    }

    /// The sink's folder on the server's disk: an object is a file.
    pub fn folder(&self) -> PathBuf {
        self.directory.path().join("data/records/team/risk/fraud")
    }

    pub fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// Waits until the gate has closed this number of connections in total.
    pub async fn ended(&mut self, connections: usize) {
        self.ended.wait_for(|ended| *ended >= connections).await.unwrap();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server on an address that no other process uses, and waits until it listens.
fn serve(directory: &Path) -> (Child, SocketAddr) {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, high, low, COUNT.fetch_add(1, Ordering::Relaxed));
    let address = SocketAddr::from((address, 7070));
    let mut child = Command::new(program())
        .args(["--port", &address.to_string(), "--keep-alive", "posix", "--sidecar"])
        .arg(directory.join("metadata"))
        .arg(directory.join("data"))
        .env("ROOT_ACCESS_KEY", ACCESS_KEY)
        .env("ROOT_SECRET_KEY", SECRET_KEY)
        .stdout(Stdio::piped())
        // The server logs every upload that the gate interrupts.
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let listening = lines.any(|line| line.unwrap().contains("service listening"));
    assert!(listening, "versitygw ended before it listened");
    // Further output must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

async fn run_gate(
    listener: TcpListener,
    upstream: SocketAddr,
    gate: watch::Receiver<Gate>,
    end: watch::Sender<usize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (mut gate, end) = (gate.clone(), end.clone());
        tokio::spawn(async move {
            let state = *gate.borrow_and_update();
            tokio::select! {
                () = forward(client, upstream, state) => {}
                _ = gate.changed() => {}
            }
            if state != Gate::Open {
                end.send_modify(|ended| *ended += 1);
            }
        });
    }
}

/// Forwards a connection as far as the gate allows. An error on either side ends it.
async fn forward(mut client: TcpStream, upstream: SocketAddr, gate: Gate) {
    if gate == Gate::Closed {
        return;
    }
    let mut server = TcpStream::connect(upstream).await.unwrap();
    match gate {
        Gate::Open | Gate::Closed => {
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        Gate::Cut(bytes) => {
            let mut first = vec![0; bytes];
            if client.read_exact(&mut first).await.is_ok() {
                let _ = server.write_all(&first).await;
            }
        }
        Gate::NoResponse => {
            let (mut responses, mut requests) = server.split();
            let (mut reader, _writer) = client.split();
            let mut response = [0; 1];
            tokio::select! {
                _ = tokio::io::copy(&mut reader, &mut requests) => {}
                _ = responses.read_exact(&mut response) => {}
            }
        }
    }
}
