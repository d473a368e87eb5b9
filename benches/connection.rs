//! A connection that the benchmarks send requests over, one after another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::key::KEY;

pub struct HttpConnection(BufReader<TcpStream>);

impl HttpConnection {
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// Sends a request whose body is of a type, and waits for its response, which has to be a success.
    pub fn post(&mut self, path: &str, content_type: &str, body: &str) {
        let headers = format!("Host: b\r\nx-api-key: {KEY}\r\nContent-Type: {content_type}");
        let head = format!("POST {path} HTTP/1.1\r\n{headers}\r\nContent-Length: {}\r\n\r\n", body.len());
        self.0.get_mut().write_all(format!("{head}{body}").as_bytes()).expect("a request");
        let (mut line, mut left) = (String::new(), 0);
        self.0.read_line(&mut line).expect("an answer");
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                left = length.trim().parse().expect("a length");
            }
        }
        self.0.read_exact(&mut vec![0; left]).expect("a body");
    }
}
