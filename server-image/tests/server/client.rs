//! A small HTTP/1.1 client that shows what a connection does.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream},
    time::Duration,
};

use rustix::net::{AddressFamily, SocketType};
use serde_json::Value;

/// Longer than any test waits: a server that hangs fails the test.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The message of an error. Fails unless the response has this status.
    pub fn error(&self, status: u16) -> String {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no error in {body}")).to_owned()
    }
}

/// One connection.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// As a caller with this address. All addresses of 127.0.0.0/8 belong to this machine.
    pub fn open_from(caller: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrV4::new(caller, 0)).unwrap();
        rustix::net::connect(&socket, &address).unwrap();
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        request += "\r\n";
        self.raw(&[request.as_bytes(), body].concat());
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        // After a refusal, the server may not read the rest.
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// Waits for the first line of a response. Returns its status.
    pub fn status(&mut self) -> u16 {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {line:?}")).parse().unwrap()
    }

    pub fn receive(&mut self) -> Response {
        let status = self.status();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        response.body.resize(length, 0);
        self.0.read_exact(&mut response.body).unwrap();
        response
    }

    pub fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.send(method, path, headers, body);
        self.receive()
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.call("GET", path, &[], b"")
    }

    pub fn post(&mut self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.call("POST", path, &[], body.as_ref())
    }

    /// Closes the half of the connection on which requests are sent.
    pub fn sends_nothing_more(&self) {
        // The server may have closed it already.
        let _ = self.0.get_ref().shutdown(Shutdown::Write);
    }

    /// Waits until the server closes the connection. Fails if it sends anything before.
    pub fn closes(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "unexpected: {}", String::from_utf8_lossy(&rest)),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
        }
    }
}
