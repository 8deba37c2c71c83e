//! A caller over HTTP/1.1, with no more work than an answer needs.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::Request;

/// One connection.
pub struct Caller {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Caller {
    pub async fn open(address: SocketAddr, request: &Request) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a local socket");
        Self { stream, request: request.http(), answer: Vec::with_capacity(16 << 10) }
    }

    pub async fn call(&mut self) {
        self.stream.write_all(&self.request).await.expect("the server reads");
        self.answer.clear();
        let mut whole = None;
        while whole.is_none_or(|whole| self.answer.len() < whole) {
            let read = self.stream.read_buf(&mut self.answer).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection");
            if whole.is_none() {
                whole = self.whole_length();
            }
        }
    }

    /// The length of head and body, once the head is there.
    fn whole_length(&self) -> Option<usize> {
        let end = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&self.answer[..end]).expect("a head is ASCII");
        assert!(head.starts_with("HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.answer));
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        Some(end + length.expect("an answer has a length").expect("the length is a number"))
    }
}
