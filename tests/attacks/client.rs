//! An HTTP client for attacks: it may send without reading the responses, and disconnect at any time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A keep-alive connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

/// A response, read to its end.
pub struct Response {
    pub status: u16,
    pub has_retry_after: bool,
    pub body: Vec<u8>,
}

impl Client {
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        stream.set_write_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(request)
    }

    /// Sends as much as is accepted within 200 ms, as a client does that never reads the responses.
    pub fn send_nonblocking(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.get_ref().set_write_timeout(Some(Duration::from_millis(200)))?;
        match self.send(request) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(()),
            sent => sent,
        }
    }

    /// Sends a request and reads its response.
    pub fn round_trip(&mut self, request: &[u8]) -> io::Result<Response> {
        self.send(request)?;
        self.read_response()
    }

    /// Reads one response, with a content length or chunked.
    pub fn read_response(&mut self) -> io::Result<Response> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let mut response = Response { status: 0, has_retry_after: false, body: Vec::new() };
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if response.status == 0 {
                let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
                response.status = status.ok_or_else(broken)?;
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| broken())?;
            }
            response.has_retry_after |= line.starts_with("retry-after:");
            is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        if !is_chunked {
            response.body.resize(length, 0);
            self.stream.read_exact(&mut response.body)?;
            return Ok(response);
        }
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| broken())?;
            let start = response.body.len();
            response.body.resize(start + size, 0);
            self.stream.read_exact(&mut response.body[start..])?;
            self.stream.read_line(&mut String::new())?;
            if size == 0 {
                return Ok(response);
            }
        }
    }
}

/// A POST request with a JSON body.
pub fn post(path: &str, header: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: test\r\n{header}: {key}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").into_bytes()
}
