//! A server that receives callbacks, as the program under test would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What a receiver does with a request.
#[derive(Clone)]
pub enum Answer {
    Status(u16),
    /// Redirects to another address.
    Redirect(String),
    /// Never answers.
    Hang,
    /// Answers 200 with a body that has no end.
    Endless,
}

/// One POST.
#[derive(Clone, Debug)]
pub struct Received {
    pub authorization: String,
    pub body: Value,
}

/// A server on a port of its own, until the test's process ends.
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Receiver {
    /// Answers 200 to everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/callback", listener.local_addr().unwrap());
        let server = Self { url, received: Arc::default(), answers: Arc::default() };
        let (received, answers) = (Arc::clone(&server.received), Arc::clone(&server.answers));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (received, answers) = (Arc::clone(&received), Arc::clone(&answers));
                std::thread::spawn(move || serve(stream, &received, &answers));
            }
        });
        server
    }

    /// What the next POSTs are answered with; later ones get 200.
    pub fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The values of a field of every received body.
    pub fn fields(&self, name: &str) -> Vec<Value> {
        self.received().iter().map(|received| received.body[name].clone()).collect()
    }
}

fn serve(stream: TcpStream, received: &Mutex<Vec<Received>>, answers: &Mutex<Vec<Answer>>) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let header = |name: &str| {
        head.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let is_post = head.first().is_some_and(|line| line.starts_with("POST "));
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    let answer = if is_post {
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        received.lock().unwrap().push(Received { authorization: header("authorization").unwrap_or_default(), body });
        let mut answers = answers.lock().unwrap();
        if answers.is_empty() { Answer::Status(200) } else { answers.remove(0) }
    } else {
        Answer::Status(200)
    };
    let mut stream = reader.into_inner();
    let _ = match answer {
        Answer::Status(status) => {
            write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Answer::Redirect(to) => {
            write!(stream, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
        Answer::Hang => stream.read(&mut [0; 1]).map(|_| ()),
        Answer::Endless => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            let part = vec![b'x'; 64 * 1024];
            // Ends when the other side has read enough.
            while stream.write_all(&part).is_ok() {}
            Ok(())
        }
    };
}
