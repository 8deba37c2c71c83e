//! Challengers that misbehave: small HTTP servers, each with one fault.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

/// Headers of a challenger with version 1.4.0 and digest sha256:14.
const VERSION_1_4: &str = "understudy-version: 1.4.0\r\nunderstudy-digest: sha256:14\r\n";

/// The fault of a challenger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Reads requests and never responds.
    Stalled,
    /// Responds with 500.
    Failing,
    /// Responds with 503, as if it were not ready.
    NotReady,
    /// Responds with ten megabytes.
    Huge,
    /// Responds with another version and digest.
    Foreign,
    /// Responds with something that is not a prediction.
    Nonsense,
    /// Closes the connection in the middle of a response.
    Cut,
}

/// A challenger with a fault, on threads of the test.
pub struct Challenger {
    pub address: SocketAddr,
    requests: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Challenger {
    pub fn start(bad: Bad) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (Arc::clone(&requests), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(SeqCst) {
                    return;
                }
                let count = Arc::clone(&count);
                std::thread::spawn(move || serve(stream.unwrap(), bad, &count));
            }
        });
        Self { address, requests, over }
    }

    /// The number of requests so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(SeqCst)
    }
}

impl Drop for Challenger {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        // The thread checks the flag at the next connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, bad: Bad, requests: &AtomicU64) {
    let mut stream = BufReader::new(stream);
    while let Some(length) = head(&mut stream) {
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        requests.fetch_add(1, SeqCst);
        let response = match bad {
            Bad::Stalled => continue,
            Bad::Failing => response(500, "", br#"{"error":"out of luck"}"#),
            Bad::NotReady => response(503, "", br#"{"error":"the model is still being loaded"}"#),
            Bad::Huge => response(200, VERSION_1_4, &vec![b' '; 10 << 20]),
            Bad::Foreign => {
                response(200, "understudy-version: 6.6.6\r\nunderstudy-digest: sha256:66\r\n", b"{}")
            }
            Bad::Nonsense => response(200, VERSION_1_4, b"<html>"),
            Bad::Cut => response(200, VERSION_1_4, &[b' '; 100])[..100].to_vec(),
        };
        // Main may have closed the connection.
        if stream.get_mut().write_all(&response).is_err() || bad == Bad::Cut {
            return;
        }
    }
}

/// The length of the next request's body. `None` at the end of the connection.
fn head(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Some(length);
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
}

fn response(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
