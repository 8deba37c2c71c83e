//! Challengers that misbehave: small HTTP servers, each bad in one way.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

/// The headers of a challenger that calls itself 1.4.0.
const VERSION_1_4: &str = "understudy-version: 1.4.0\r\nunderstudy-digest: sha256:14\r\n";

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Reads requests and never answers.
    Stalled,
    /// Answers 500.
    Failing,
    /// Answers 503, as one that is not ready.
    NotReady,
    /// Answers ten megabytes.
    Huge,
    /// Answers in the name of another version.
    Foreign,
    /// Answers what is no prediction.
    Nonsense,
    /// Cuts the connection in the middle of its answer.
    Cut,
}

/// A challenger that is listened to by threads of the test.
pub struct Challenger {
    pub address: SocketAddr,
    asked: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Challenger {
    pub fn start(bad: Bad) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (Arc::clone(&asked), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(SeqCst) {
                    return;
                }
                let count = Arc::clone(&count);
                std::thread::spawn(move || serve(stream.unwrap(), bad, &count));
            }
        });
        Self { address, asked, over }
    }

    /// Requests that came.
    pub fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }
}

impl Drop for Challenger {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        // The listener looks when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, bad: Bad, asked: &AtomicU64) {
    let mut stream = BufReader::new(stream);
    while let Some(length) = head(&mut stream) {
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        asked.fetch_add(1, SeqCst);
        let answer = match bad {
            Bad::Stalled => continue,
            Bad::Failing => answer(500, "", br#"{"error":"out of luck"}"#),
            Bad::NotReady => answer(503, "", br#"{"error":"the model is still being loaded"}"#),
            Bad::Huge => answer(200, VERSION_1_4, &vec![b' '; 10 << 20]),
            Bad::Foreign => {
                answer(200, "understudy-version: 6.6.6\r\nunderstudy-digest: sha256:66\r\n", b"{}")
            }
            Bad::Nonsense => answer(200, VERSION_1_4, b"<html>"),
            Bad::Cut => answer(200, VERSION_1_4, &[b' '; 100])[..100].to_vec(),
        };
        // Who asked may have gone.
        if stream.get_mut().write_all(&answer).is_err() || bad == Bad::Cut {
            return;
        }
    }
}

/// The length of the next request's body; none when there is no next request.
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

fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
