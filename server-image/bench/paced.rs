//! A load with a fixed rate on one connection: the waiting time of a caller while the machine is not full.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::load::Request;

/// Percentiles of the waiting time in microseconds.
#[derive(Clone, Copy)]
pub struct Waited {
    pub p50: f64,
    pub p99: f64,
}

/// Calls `address` `rate` times a second, for `time`.
pub fn call(address: SocketAddr, request: &Request, rate: u32, time: Duration) -> Waited {
    let request = request.http();
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a local socket");
    let mut stream = BufReader::new(stream);
    let pause = Duration::from_secs(1) / rate;
    let begin = Instant::now();
    let (mut next, mut waited) = (begin, Vec::new());
    while begin.elapsed() < time {
        next += pause;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        stream.get_mut().write_all(&request).expect("the server reads");
        read_response(&mut stream);
        waited.push(sent.elapsed());
    }
    waited.sort_unstable();
    let at = |share: usize| waited[(waited.len() * share / 100).min(waited.len() - 1)].as_secs_f64() * 1e6;
    Waited { p50: at(50), p99: at(99) }
}

fn read_response(stream: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    stream.read_line(&mut line).expect("the server responds");
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).expect("the server responds");
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim_end().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the server responds");
}

/// The median of three, for each figure.
pub fn median(mut waited: [Waited; 3]) -> Waited {
    waited.sort_by(|a, b| a.p50.total_cmp(&b.p50));
    let p50 = waited[1].p50;
    waited.sort_by(|a, b| a.p99.total_cmp(&b.p99));
    Waited { p50, p99: waited[1].p99 }
}
